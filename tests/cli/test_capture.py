from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trio
from PIL import Image
from trio_websocket import WebSocketConnection

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.cli.capture import default_id, run_capture
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.camera import CameraClient
from skysentry_trio.client.engine.connection import Refused
from skysentry_trio.sources.devices import Device
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.sources.opening import SourceOptions
from tests.client.engine.fake_server import FakeServer, open_fake_server

capture_module = import_module("skysentry_trio.cli.capture")
CAPTURE_PATTERN = (sys.executable, "-m", "skysentry_trio", "capture", "pattern")


async def replace(server: FakeServer, websocket: WebSocketConnection) -> None:
    """Take a camera, and tell it that another one took over."""
    await server.accept_camera(websocket)
    await websocket.aclose(4001, "replaced")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of three JPEGs."""
    for number in range(3):
        Image.new("RGB", (32, 24), (number * 80, 0, 0)).save(tmp_path / f"{number}.jpg")
    return tmp_path


def camera_at(url: str, slot: FrameSlot) -> CameraClient:
    """Return a camera named door."""
    return CameraClient(parse_server_address(url), "door", slot, "Front door")


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


async def test_a_folder_is_sent_once(folder: Path) -> None:
    """Every JPEG arrives as it is, and the summary says so."""
    shown = StringIO()
    with trio.fail_after(15):
        async with open_fake_server() as server:
            options = SourceOptions(fps=50, once=True)
            await run_capture(str(folder), options, partial(camera_at, server.url), shown)
            await server.wait_until(lambda: len(server.frames) == 3)
    assert server.frames == contents(folder)
    assert (server.registrations[0].camera_id, server.registrations[0].name) == ("door", "Front door")
    assert shown.getvalue().splitlines()[-1].startswith("door: sent 3 frames (")


async def test_quiet_shows_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written when all goes well."""
    with trio.fail_after(15):
        async with open_fake_server() as server:
            await run_capture(str(folder), SourceOptions(fps=50, once=True), partial(camera_at, server.url), None)
    assert capsys.readouterr() == ("", "")


async def test_a_camera_that_is_taken_over_ends(folder: Path) -> None:
    """The error is not wrapped, and the summary is still shown."""
    shown = StringIO()
    with trio.fail_after(15):
        async with open_fake_server(replace) as server:
            with pytest.raises(Refused, match="another camera"):
                await run_capture("pattern", SourceOptions(), partial(camera_at, server.url), shown)
    assert "door: sent" in shown.getvalue()


async def test_a_source_that_breaks_ends_the_camera(tmp_path: Path) -> None:
    """What is wrong with the source is raised as it is, although the camera still waits for a server."""
    with pytest.raises(ConfigurationError, match="no JPEG"), trio.fail_after(15):
        await run_capture(str(tmp_path), SourceOptions(), partial(camera_at, "127.0.0.1:1"), StringIO())


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_end_it_in_good_order(number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM lead to a summary and exit status 0."""
    with trio.fail_after(30):
        async with open_fake_server() as server, trio.open_nursery() as nursery:
            command = [*CAPTURE_PATTERN, "--server", server.url, "--width", "64"]
            process: trio.Process = await nursery.start(
                partial(trio.run_process, command, stderr=subprocess.PIPE, check=False)
            )
            await server.wait_until(lambda: len(server.frames) >= 3)
            process.send_signal(number)
            assert process.stderr is not None
            shown = b"".join([chunk async for chunk in process.stderr]).decode()
            assert await process.wait() == 0
    assert "Traceback" not in shown
    assert shown.splitlines()[-1].startswith("pattern: sent ")
    assert server.registrations[0].camera_id == "pattern"


@pytest.mark.e2e
async def test_a_refusal_is_exit_status_1() -> None:
    """The reason is the last line."""
    with trio.fail_after(30):
        async with open_fake_server(replace) as server:
            command = [*CAPTURE_PATTERN, "--server", server.url, "--id", "a"]
            done = await trio.run_process(command, capture_stderr=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr.decode().splitlines()[-1] == "skysentry-trio: another camera has registered as 'a', and took over"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-here"], "cannot open 'nothing-here': No such file or directory"),
        (["/dev/video63"], "cannot open '/dev/video63': No such file or directory"),
        (["patterm"], "did you mean pattern?"),
        (["Pattern"], "did you mean pattern?"),
        (["/dev/video63"], "capture --list"),
        (["rstp://h/live"], "got rstp://h/live; did you mean rtsp"),
        (["gopher://x"], "got gopher://"),
        (["pattern", "--id", "a/b"], "--id: a camera id is 1 to 64"),
        (["pattern", "--id", ""], "--id: a camera id is 1 to 64"),
        (["pattern", "--server", "ftp://h"], "expected a server's address"),
        (["pattern", "--fps", "0"], "--fps"),
        (["pattern", "--quality", "101"], "--quality"),
        (["pattern", "--width", "3"], "--width"),
        ([], "SOURCE"),
    ],
)
def test_what_is_wrong_is_exit_status_2(run: Callable[..., Any], arguments: list[str], message: str) -> None:
    """A bad or missing source or option ends before anything is connected, with one line that says why."""
    outcome = run("capture", *arguments)
    assert outcome.status == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_the_cameras_at_this_machine_are_listed(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a source, with the path that SOURCE takes; the reason is shown for those that cannot be opened."""
    devices = [Device("/dev/video0", "Webcam"), Device("/dev/video10", "Card", "Permission denied")]
    monkeypatch.setattr(capture_module, "list_devices", lambda: devices)
    assert run("capture", "--list").out == ("/dev/video0   Webcam\n/dev/video10  Card  (Permission denied)\n")
    devices.clear()
    outcome = run("capture", "--list")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("no cameras at this machine; ")


def test_help_tells_the_exit_statuses(run: Callable[..., Any]) -> None:
    """They are part of what scripts rely on."""
    outcome = run("capture", "--help")
    assert "Exit status: 0" in outcome.out


@pytest.mark.parametrize(
    ("host", "camera_id"),
    [("garage-pi", "garage-pi"), ("my host.local", "my-host.local"), ("...", "camera"), ("x" * 100, "x" * 64)],
)
def test_a_camera_is_named_after_its_host(host: str, camera_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Except the pattern, which is named pattern."""
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert default_id("/dev/video0") == camera_id
    assert default_id("pattern") == "pattern"
