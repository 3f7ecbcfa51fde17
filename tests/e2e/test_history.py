"""A server that records: it is killed, its disk becomes full, other programs read what it wrote."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.reader import HistoryReader
from tests.e2e.processes import PATIENCE, Program, running

pytestmark = pytest.mark.e2e

ADDRESS = r"127\.0\.0\.1:\d+"
EVERYTHING = ("--history-fps", "0", "--history-min-free", "0B", "--shutdown-grace", "0s")


def recording(folder: Path, *flags: str) -> tuple[str, ...]:
    return (
        *("serve", "--host", "127.0.0.1", "--port", "0", "--demo", "--history", str(folder)),
        *EVERYTHING,
        *flags,
    )


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def state(server: Program) -> dict[str, object]:
    found: dict[str, object] = httpx.get(f"http://{server.wait_for_line(ADDRESS).group()}/api/history").json()
    return found


def written(server: Program) -> int:
    count = state(server)["framesWritten"]
    assert isinstance(count, int)
    return count


def test_a_server_that_is_killed_loses_no_frame_that_was_written(tmp_path: Path) -> None:
    """Three kills at random moments: every file can be read, and what the last answer counted is on disk."""
    chance, total = random.Random(3), 0
    for _ in range(3):
        with running(*recording(tmp_path)) as server:
            eventually(lambda server=server: written(server) > 5)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.4))  # the moment of the kill
            total += written(server)
            server.end(signal.SIGKILL)
    history = HistoryFolder.open(tmp_path, writing=True)
    troubles = history.adopt()
    reader = HistoryReader(history)
    found = sum(len(list(reader.frames(usage.camera_id, 0, float("inf")))) for usage in reader.usage())
    history.close()
    verified = subprocess.run(
        [sys.executable, "-m", "skysentry_trio", "history", "verify", "--history", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert troubles == []
    assert found >= total
    assert verified.returncode == 0, verified.stdout


def test_other_programs_read_what_was_recorded(tmp_path: Path) -> None:
    """FFmpeg finds all frames in a file, and an exported clip has the times at which the frames arrived."""
    if shutil.which("ffprobe") is None and "CI" not in os.environ:
        pytest.skip("no ffprobe on this machine")
    with running(*recording(tmp_path)) as server:
        eventually(lambda: written(server) > 40)
    path = max(tmp_path.glob("*/*/*/*/*.mpjpeg"), key=lambda one: one.stat().st_size)
    probe = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]
    read = subprocess.run([*probe, "-f", "mpjpeg", str(path)], capture_output=True, text=True, check=True)
    history = HistoryFolder.open(tmp_path, writing=False)
    segment, _ = history.read_table(path.relative_to(tmp_path).as_posix())
    history.close()

    assert int(read.stdout.strip().strip(",")) == segment.frames


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Have a volume of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], check=False)
    if mount.returncode and "CI" not in os.environ:
        pytest.skip("this user may not mount")
    assert mount.returncode == 0
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_costs_no_live_frame(small_disk: Path) -> None:
    """Live frames go on, health says why recording is paused, and recording resumes when there is room."""
    ballast = small_disk / "ballast"
    with running(*recording(small_disk)) as server:
        eventually(lambda: written(server) > 5)
        with suppress(OSError):  # the volume is full after a part of it
            ballast.write_bytes(bytes(2**21))
        address = server.wait_for_line(ADDRESS).group()
        eventually(lambda: "history" in httpx.get(f"http://{address}/api/health").json()["failing"])
        health = httpx.get(f"http://{address}/api/health").json()
        before = health["framesReceived"]
        eventually(lambda: httpx.get(f"http://{address}/api/health").json()["framesReceived"] > before + 20)
        ballast.unlink()
        count = written(server)
        eventually(lambda: written(server) > count)
        said = [line for line in server.lines if "recording paused" in line]

    assert "No space left on device" in health["failing"]["history"]
    assert len(said) == 1


def test_a_second_server_does_not_record_in_the_same_folder(tmp_path: Path) -> None:
    """It refuses to start, with status 2 and a sentence."""
    with running(*recording(tmp_path)) as first:
        first.wait_for_line(ADDRESS)
        second = subprocess.run(
            [sys.executable, "-m", "skysentry_trio", *recording(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    assert second.returncode == 2
    assert f"another server records in {tmp_path}" in second.stderr
