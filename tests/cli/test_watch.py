from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from skysentry_trio.base.demand import NO_LIMITS
from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.cli.saving import CannotSave, FrameSaver
from skysentry_trio.cli.viewer_display import Style
from skysentry_trio.cli.watch import run_watch
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.wire.viewer_frames import encode_envelope
from tests.jpegs import draw_jpeg


async def show_door(request: WebSocketRequest) -> None:
    """Show a viewer a hundred frames a second of a camera named door."""
    websocket = await request.accept(subprotocol=next(iter(request.proposed_subprotocols), None))
    try:
        for number in range(1, 2000):
            frame = JpegFrame(number, 1_700_000_000.0, None, draw_jpeg(number), 32, 24)
            stats = RingStatistics(1, 16, number, frame.received_at, 100.0)
            await websocket.send_message(b"".join(encode_envelope("door", frame, stats)))
            await trio.sleep(0.01)
    except ConnectionClosed:
        pass


async def start_server(nursery: trio.Nursery) -> str:
    server = await nursery.start(partial(serve_websocket, show_door, "127.0.0.1", 0, None))
    return f"http://127.0.0.1:{server.port}"


async def watch(server_url: str, **options: Any) -> str:
    """Run the command's body and return what it shows."""
    shown = StringIO()
    defaults: dict[str, Any] = {
        "limits": NO_LIMITS,
        "saver": None,
        "count": None,
        "duration": None,
        "style": Style.LINES,
    }
    await run_watch(parse_server_address(server_url), (), **{**defaults, **options}, stream=shown)
    return shown.getvalue()


async def test_it_ends_after_so_many_frames(tmp_path: Path) -> None:
    """Exactly as many are counted and saved, as they were sent."""
    with trio.fail_after(15):
        async with trio.open_nursery() as nursery:
            url = await start_server(nursery)
            shown = await watch(url, count=5, saver=FrameSaver(tmp_path))
            nursery.cancel_scope.cancel()
    assert "5 frames, 0 gaps" in shown.splitlines()[-1]
    files = {path.name: path.read_bytes() for path in (tmp_path / "door").iterdir()}
    assert files == {f"door-{number:08d}.jpg": draw_jpeg(number) for number in range(1, 6)}


async def test_it_ends_after_a_while() -> None:
    """With a duration it needs nobody to end it, and waits for no server."""
    start = trio.current_time()
    with trio.fail_after(15):
        shown = await watch("http://127.0.0.1:1", duration=0.3)
    assert trio.current_time() - start == pytest.approx(0.3, abs=0.3)
    assert "waiting: cannot connect" in shown.splitlines()[-1]


async def test_a_folder_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    """The error is raised as it is."""
    (tmp_path / "file").write_text("")
    with trio.fail_after(15):
        async with trio.open_nursery() as nursery:
            url = await start_server(nursery)
            with pytest.raises(CannotSave, match="Not a directory"):
                await watch(url, saver=FrameSaver(tmp_path / "file"))
            nursery.cancel_scope.cancel()


async def watch_process(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command against a server and return how it ended."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            url = await start_server(nursery)
            command = [sys.executable, "-m", "skysentry_trio", "watch", "--server", url, *arguments]
            done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
            nursery.cancel_scope.cancel()
    return done


@pytest.mark.e2e
async def test_json_for_programs() -> None:
    """Every line is one JSON object, the last one with all frames in it."""
    done = await watch_process("door", "--json", "--count", "20", "--max-fps", "60")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, b"")
    assert lines[-1]["cameras"][0]["frames"] == 20


@pytest.mark.e2e
async def test_a_frame_that_cannot_be_saved_is_exit_status_1(tmp_path: Path) -> None:
    """The last line says which and why."""
    (tmp_path / "file").write_text("")
    done = await watch_process("--save", str(tmp_path / "file"))
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].endswith("door-00000001.jpg: Not a directory")


@pytest.mark.e2e
async def test_a_reader_that_has_enough_ends_it() -> None:
    """When stdout is closed, as by head, it ends without a traceback."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            url = await start_server(nursery)
            command = [sys.executable, "-m", "skysentry_trio", "watch", "--server", url, "--json"]
            process: trio.Process = await nursery.start(
                partial(trio.run_process, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            )
            assert process.stdout is not None
            assert process.stderr is not None
            await process.stdout.receive_some()
            await process.stdout.aclose()
            said = b"".join([chunk async for chunk in process.stderr])
            assert await process.wait() == 0
            nursery.cancel_scope.cancel()
    assert said == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a/b"], "a camera id is 1 to 64"),
        (["--duration", "soon"], "expected a duration such as 10s"),
        (["--count", "0"], "--count"),
        (["--max-fps", "-1"], "--max-fps"),
        (["--server", "ftp://h"], "expected a server's address"),
    ],
)
def test_what_is_wrong_is_exit_status_2(run: Callable[..., Any], arguments: list[str], message: str) -> None:
    """A bad option ends before anything is connected, with one line that says why."""
    outcome = run("watch", *arguments)
    assert outcome.status == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_it_runs_in_this_process_too(run: Callable[..., Any]) -> None:
    """The command as a whole, without a server: lines are shown and the status is 0."""
    outcome = run("watch", "door", "--server", "127.0.0.1:1", "--duration", "200ms")
    assert outcome.status == 0
    assert "http://127.0.0.1:1  waiting" in outcome.out
