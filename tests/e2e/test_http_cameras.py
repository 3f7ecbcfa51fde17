"""Cameras that speak HTTP as devices do, read with the commands of the guides."""

from __future__ import annotations

import queue
import re
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.e2e.processes import PATIENCE, running, running_server
from tests.jpegs import draw_jpeg
from tests.sources.http_cameras import FakeHttpCamera, listening, picture

pytestmark = pytest.mark.e2e

GUIDES = Path(__file__).parents[2] / "docs" / "how-to"
JPEGS = [draw_jpeg(shade, (320, 240)) for shade in range(50)]


def tasmota(request: bytes) -> bytes:
    """Return what Tasmota sends: the first part comes without its boundary."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=e8b8c539\r\n\r\n"
    part = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n--e8b8c539\r\n"
    return head + b"".join(part % (len(jpeg), jpeg) for jpeg in JPEGS)


def esp32(request: bytes) -> bytes:
    """Return what the example of the Arduino core sends: each boundary comes before its part, in chunks."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=123456789000000000000987654321\r\n"
        b"Transfer-Encoding: chunked\r\nAccess-Control-Allow-Origin: *\r\n\r\n"
    )
    pieces = []
    for jpeg in JPEGS:
        pieces.append(b"\r\n--123456789000000000000987654321\r\n")
        pieces.append(b"Content-Type: image/jpeg\r\nContent-Length: %u\r\n\r\n" % len(jpeg))
        pieces.append(jpeg)
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def snapshot(request: bytes) -> bytes:
    return picture(JPEGS[int(time.monotonic() * 10) % len(JPEGS)])


@contextmanager
def camera(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Run a camera in a thread; yield its address."""
    started: queue.Queue[tuple[str, Callable[[], Any]]] = queue.Queue()

    async def serve() -> None:
        device = FakeHttpCamera(answer, keeps=answer is snapshot, holds=answer is not snapshot)
        async with listening(device.serve) as address:
            done, token = trio.Event(), trio.lowlevel.current_trio_token()
            started.put((address, lambda: token.run_sync_soon(done.set)))
            await done.wait()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    address, end = started.get(timeout=PATIENCE)
    try:
        yield address
    finally:
        end()
        thread.join(PATIENCE)


def wait_for_frames(server: str, camera_id: str, count: int) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        details = httpx.get(f"http://{server}/api/clients").json()["details"]
        found: dict[str, Any] = next((one for one in details if one["clientId"] == camera_id), {"frameCount": 0})
        if found["frameCount"] >= count:
            return found
        assert time.monotonic() < deadline, details
        time.sleep(0.1)


def commands(info: str) -> list[str]:
    pages = ("use-an-esp32.md", "use-motion-jpeg-cameras.md", "use-snapshot-cameras.md")
    text = "".join((GUIDES / page).read_text("utf-8") for page in pages)
    return re.findall(rf"^```sh {info}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run a server with its demo, whose cameras have addresses like those of devices."""
    with running_server("--demo", "--idle-fps", "60") as address:
        yield address


DEVICES = {"tasmota": tasmota, "esp32": esp32, "esp32 snapshot": snapshot, "snapshot": snapshot, "demo": None}


@pytest.mark.parametrize(
    ("device", "command"), [(device, command) for device in DEVICES for command in commands(device)]
)
def test_the_commands_of_the_guides_work(server: str, device: str, command: str) -> None:
    """Each reads its camera, and what it sends arrives."""
    answer = DEVICES[device]
    program, *arguments = shlex.split(command)
    assert program == "skysentry-trio"
    with camera(answer or snapshot) as address:
        arguments = [re.sub(r"(?<=http://)192\.168\.1\.[5-9]0(:\d+)?", address, argument) for argument in arguments]
        arguments = [re.sub(r"(192\.168\.1\.10|localhost):8080", server, argument) for argument in arguments]
        camera_id = arguments[arguments.index("--id") + 1]
        before = wait_for_frames(server, camera_id, 0)["frameCount"]
        with running(*arguments) as capture:
            details = wait_for_frames(server, camera_id, before + 2)
            assert capture.end() == 0
    assert details["width"] == (320 if answer else 640)


def test_every_device_of_the_guides_is_tried() -> None:
    """A command that is added to a page is tried, too."""
    written = [command for command in commands("[a-z0-9 ]+") if "capture" in command]
    assert sorted(written) == sorted(command for device in DEVICES for command in commands(device))


def test_a_folder_that_is_emptied_and_filled_again_needs_no_hand(server: str, tmp_path: Path) -> None:
    """The camera stays, says what is wrong, and goes on."""
    (tmp_path / "a.jpg").write_bytes(JPEGS[0])
    arguments = ("capture", str(tmp_path), "--id", "folder", "--server", f"http://{server}")
    with running(*arguments) as capture:
        count = wait_for_frames(server, "folder", 2)["frameCount"]
        (tmp_path / "a.jpg").unlink()
        capture.wait_for_line("no JPEG .* in the folder .*; trying again in")
        (tmp_path / "b.jpg").write_bytes(JPEGS[1])
        wait_for_frames(server, "folder", count + 10)
        assert capture.end(signal.SIGTERM) == 0
    with running(*arguments[:1], str(tmp_path / "nothing"), *arguments[2:]) as capture:
        assert capture.process.wait(PATIENCE) == 2
