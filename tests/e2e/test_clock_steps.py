"""Somebody sets the clock of the server while cameras send and viewers watch; libfaketime plays that somebody."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.reader import HistoryReader
from tests.e2e.processes import PATIENCE, running

# Several servers do not start with the library that sets clocks.
pytestmark = [pytest.mark.e2e, pytest.mark.one_server]

STEPS = (0, -3600, 86400)
"""Seconds."""
LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a file whose content, such as ``+3600``, is by how many seconds clocks of new processes are wrong."""
    found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern[1:])]
    if not found and "CI" not in os.environ:
        pytest.skip("no libfaketime on this machine")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    monkeypatch.setenv("LD_PRELOAD", str(found[0]))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(clock))
    monkeypatch.setenv("FAKETIME_CACHE_DURATION", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return clock


def test_a_clock_that_is_set_spoils_no_figures(clock: Path) -> None:
    """After an hour back and ten minutes forward, latencies are short and the timeline is as long as it was."""
    with running("serve", "--host", "127.0.0.1", "--port", "0", "--demo", "--buffer-seconds", "60s") as server:
        address = server.wait_for_line(r"127\.0\.0\.1:\d+").group()
        with connect(f"ws://{address}/stream/ws?client=demo-1") as viewer:
            offset = ask_clock(viewer)
            started = time.monotonic()
            for step in (0, -3600, 600):
                clock.write_text(f"{step:+}")
                # This viewer does not ask again, so its times of painting are wrong after the first step.
                watch(viewer, offset, step)
            viewer.send(json.dumps({"type": "live", "clientId": "demo-1"}))
            timeline = next_message(viewer, "playback")
            lasted = time.monotonic() - started + 10
            assert 3000 < timeline["newestAt"] - timeline["oldestAt"] < 1000 * lasted
        metrics = httpx.get(f"http://{address}/metrics", timeout=PATIENCE).text
        sums = [line for line in metrics.splitlines() if line.startswith("skysentry_latency_seconds_sum")]
        assert len(sums) == 5
        for line in sums:
            assert float(line.split()[-1]) < 100, line


def test_recordings_keep_their_order_when_the_clock_is_set(clock: Path, tmp_path: Path) -> None:
    """After an hour back and a day forward, frames are in order by sequence, are found by both times, and are kept."""
    folder, began = tmp_path / "history", time.time()
    # The first frames are older than this by the clock that was set, but not by the one that nobody can set.
    flags = ("--history", str(folder), "--history-fps", "0", "--history-min-free", "0B", "--history-age", "2h")
    with running("serve", "--host", "127.0.0.1", "--port", "0", "--demo", *flags) as server:
        address = server.wait_for_line(r"127\.0\.0\.1:\d+").group()
        for step in STEPS:
            clock.write_text(f"{step:+}")
            deadline = time.monotonic() + PATIENCE
            times = set[float]()
            while sum(abs(moment - began - step) < 600 for moment in times) < 6:
                assert time.monotonic() < deadline
                times.add(newest_time(address))
                time.sleep(0.05)
        server.end()
    history = HistoryFolder.open(folder, writing=True)
    assert history.adopt() == []
    reader = HistoryReader(history)
    recorded = [one.sequence for one in reader.frames("demo-1", 0, float("inf"))]
    found = [len(list(reader.frames("demo-1", began + step - 600, began + step + 600))) for step in STEPS]
    history.close()
    assert recorded == sorted(set(recorded))
    assert min(found) >= 5
    assert sum(found) == len(recorded)


def newest_time(address: str) -> float:
    """Return when the newest frame of a camera arrived by the server's clock; 0 without a frame."""
    answer = httpx.get(f"http://{address}/api/clients/demo-1/latest.jpg", timeout=PATIENCE)
    return float(answer.headers.get("x-timestamp", 0))


def ask_clock(viewer: ClientConnection) -> float:
    """Return the server's clock minus ours, in milliseconds."""
    viewer.send(json.dumps({"type": "clock", "sentAt": 0}))
    return float(next_message(viewer, "clock")["serverAt"]) - 1000 * time.monotonic()


def next_message(viewer: ClientConnection, kind: str) -> dict[str, float]:
    while True:
        message = viewer.recv(PATIENCE)
        if isinstance(message, str) and json.loads(message)["type"] == kind:
            return dict(json.loads(message))


def watch(viewer: ClientConnection, offset: float, step: int) -> None:
    """Acknowledge eight frames that came after the step, and those before.

    Each has the time at which it would be painted, by the server's clock as it was known before the step.
    """
    after = 0
    while after < 8:
        message = viewer.recv(PATIENCE)
        if isinstance(message, bytes):
            header = json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")])
            painted_at = offset + 1000 * time.monotonic()
            ack = {"type": "ack", "clientId": "demo-1", "sequence": header["sequence"], "paintedAt": painted_at}
            viewer.send(json.dumps(ack))
            after += abs(datetime.fromisoformat(header["timestamp"]).timestamp() - painted_at / 1000 - step) < 60
