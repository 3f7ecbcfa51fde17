"""What our programs write for people cannot stop them: pipes that nobody reads, full disks, terminals that are gone."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.browser import wait_until
from tests.e2e.processes import PATIENCE, running_server
from tests.jpegs import draw_jpeg
from tests.ports import free_port

pytestmark = pytest.mark.e2e
PROGRAM = [sys.executable, "-m", "skysentry_trio"]
UPLOADS = 100
PIPE: dict[str, Any] = {"stderr": subprocess.PIPE, "pipesize": 4096}
"""A pipe that holds fewer log lines than the server writes for these uploads."""
JPEG = draw_jpeg()
HEADERS = {"Content-Type": "image/jpeg"}


@contextmanager
def process(*arguments: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, and kill it at the end."""
    with subprocess.Popen([*PROGRAM, *arguments], **streams) as started:
        try:
            yield started
        finally:
            started.kill()


def health(port: int) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).json()
    except httpx.TransportError:
        return None
    return answer


def frames_at(address: str) -> int:
    try:
        details = httpx.get(f"http://{address}/api/clients", timeout=5).json()["details"]
    except httpx.TransportError:
        return 0
    return sum(camera["frameCount"] for camera in details)


def upload(port: int, count: int, start: int = 0) -> None:
    """Post frames, each with a request of its own that is logged."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        for number in range(count):
            # Ids of their own, because each new camera is logged.
            answer = client.post(f"/api/clients/{start + number:064d}/frames", content=JPEG, headers=HEADERS)
            assert answer.is_success, answer.text


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Yield both ends of a terminal: the window and the program's side."""
    window, side = pty.openpty()
    yield window, side
    for end in (window, side):
        with suppress(OSError):
            os.close(end)


def read_available(descriptor: int) -> bytes:
    text = b""
    while select.select([descriptor], [], [], 0.2)[0]:
        text += os.read(descriptor, 65536)
    return text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_whose_log_nobody_reads_serves_on(number: signal.Signals) -> None:
    """A hundred log lines later it answers, has a count of lost lines, and obeys a signal."""
    with process("serve", "--port", str(port := free_port()), "--log-level", "debug", **PIPE) as server:
        wait_until(lambda: health(port) is not None, "the server answers")
        upload(port, UPLOADS)
        answer = health(port)
        assert answer is not None
        assert answer["status"] == "healthy"
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        lost = [line for line in metrics.splitlines() if line.startswith("skysentry_dropped_log_lines_total ")]
        server.send_signal(number)
        assert server.wait(PATIENCE) == 0
    assert len(lost) == 1


def test_a_hung_server_whose_log_nobody_reads_can_be_aborted() -> None:
    """The watchdog's SIGABRT ends it, although the traceback has no room in the pipe."""
    with process("serve", "--port", str(port := free_port()), "--log-level", "debug", **PIPE) as server:
        wait_until(lambda: health(port) is not None, "the server answers")
        upload(port, 50)
        server.send_signal(signal.SIGABRT)
        assert server.wait(PATIENCE) == -signal.SIGABRT


def test_a_log_that_is_read_again_says_how_many_lines_are_missing() -> None:
    """The report is a log event like all others."""
    with process("serve", "--port", str(port := free_port()), "--log-level", "debug", **PIPE) as server:
        wait_until(lambda: health(port) is not None, "the server answers")
        dropped, cameras = 0.0, 0
        while not dropped:
            upload(port, 100, start=cameras)
            cameras += 100
            metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
            (line,) = [line for line in metrics.splitlines() if line.startswith("skysentry_dropped_log_lines_total ")]
            dropped = float(line.split()[1])
        server.terminate()
        assert server.stderr is not None
        events = [json.loads(line) for line in server.stderr]
        assert server.wait(PATIENCE) == 0
    assert sum(event["lines"] for event in events if event["event"] == "log lines dropped") >= dropped


def test_a_stopped_terminal_stops_neither_server_nor_camera(terminal: tuple[int, int]) -> None:
    """After Ctrl-S the picture goes on, and Ctrl-C still works."""
    _window, side = terminal
    with process("serve", "--port", str(port := free_port()), "--log-level", "debug", stderr=side) as server:
        wait_until(lambda: health(port) is not None, "the server answers")
        with process("capture", "pattern", "--ignore-demand", "--server", f"127.0.0.1:{port}", stderr=side) as camera:
            wait_until(lambda: frames_at(f"127.0.0.1:{port}") > 0, "frames")
            termios.tcflow(side, termios.TCOOFF)
            upload(port, UPLOADS)
            before = frames_at(f"127.0.0.1:{port}")
            wait_until(lambda: frames_at(f"127.0.0.1:{port}") > before + 30, "more frames")
            camera.send_signal(signal.SIGINT)
            assert camera.wait(PATIENCE) == 0
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE) == 0


def test_a_stopped_terminal_does_not_keep_watch_from_ending(terminal: tuple[int, int]) -> None:
    """The table is skipped while nobody takes it, and Ctrl-C works."""
    window, side = terminal
    with running_server() as address, process("watch", "--server", address, stdout=side) as viewer:
        wait_until(lambda: bool(read_available(window)), "a table")
        termios.tcflow(side, termios.TCOOFF)
        time.sleep(1.5)  # at least one report meets the stopped terminal
        viewer.send_signal(signal.SIGINT)
        assert viewer.wait(PATIENCE) == 0


@pytest.mark.parametrize("stream", ["full disk", "closed", "reader gone"])
def test_a_camera_goes_on_when_its_status_cannot_be_written(stream: str) -> None:
    """Neither /dev/full, a closed stderr nor a pipe without a reader ends it; SIGTERM does, with status 0."""
    streams: dict[str, Any] = {}
    with running_server() as address:
        if stream == "full disk":
            streams["stderr"] = Path("/dev/full").open("wb")  # noqa: SIM115 - closed below
        elif stream == "closed":
            streams["preexec_fn"] = lambda: os.close(2)
        else:
            reading, writing = os.pipe()
            os.close(reading)
            streams["stderr"] = os.fdopen(writing, "wb")
        with process("capture", "pattern", "--ignore-demand", "--server", address, **streams) as camera:
            wait_until(lambda: frames_at(address) > 30, "frames")
            camera.terminate()
            assert camera.wait(PATIENCE) == 0
        if "stderr" in streams:
            streams["stderr"].close()


def in_session_of(side: int) -> Callable[[], None]:
    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(side, termios.TIOCSCTTY, 0)

    return take_terminal


def test_a_camera_outlives_its_terminal() -> None:
    """The window is closed: the camera goes on until SIGTERM."""
    with running_server() as address:
        window, side = pty.openpty()
        options = {"stdin": side, "stdout": side, "stderr": side, "preexec_fn": in_session_of(side)}
        with process("capture", "pattern", "--ignore-demand", "--server", address, **options) as camera:
            os.close(side)
            wait_until(lambda: frames_at(address) > 0, "frames")
            os.close(window)
            before = frames_at(address)
            wait_until(lambda: frames_at(address) > before + 30, "more frames")
            assert camera.poll() is None
            camera.terminate()
            assert camera.wait(PATIENCE) == 0


def test_a_hangup_that_is_sent_on_purpose_ends_a_camera_in_good_order() -> None:
    """`kill -HUP` is a wish; the status is 0 as after SIGTERM."""
    options = "--ignore-demand", "--server"
    with running_server() as address, process("capture", "pattern", *options, address, **PIPE) as camera:
        wait_until(lambda: frames_at(address) > 0, "frames")
        camera.send_signal(signal.SIGHUP)
        _, said = camera.communicate(timeout=PATIENCE)
        assert camera.returncode == 0
        assert b"pattern: sent " in said


def run(*arguments: str, **streams: Any) -> tuple[int, str]:
    done = subprocess.run([*PROGRAM, *arguments], stderr=subprocess.PIPE, timeout=PATIENCE, check=False, **streams)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("command", [("--help",), ("--version",), ("config", "show"), ("watch", "--json"), ("watch",)])
def test_a_result_that_cannot_be_written_is_one_sentence_and_status_1(command: tuple[str, ...]) -> None:
    """A full disk behind stdout."""
    with Path("/dev/full").open("wb") as full:
        status, said = run(*command, stdout=full)
    expected = "skysentry-trio: cannot write to the standard output: No space left on device\n"
    assert (status, said) == (1, expected)


@pytest.mark.parametrize("command", [("config", "show"), ("watch", "--json")])
def test_a_closed_stdout_is_one_sentence_and_status_1(command: tuple[str, ...]) -> None:
    """As of `>&-`; no other file takes the place of stdout."""
    status, said = run(*command, preexec_fn=lambda: os.close(1))
    assert (status, said) == (1, "skysentry-trio: cannot write to the standard output: Bad file descriptor\n")


@pytest.mark.parametrize("command", [("--help",), ("config", "show"), ("watch", "--json"), ("watch",)])
def test_a_reader_that_has_enough_ends_a_command_quietly(command: tuple[str, ...]) -> None:
    """As `| head -1` does."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert run(*command, stdout=writing) == (0, "")
    finally:
        os.close(writing)


def test_usage_errors_need_nobody_who_reads_them() -> None:
    """The status says enough."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROGRAM, "serve", "--prt", "1"], stderr=full, timeout=PATIENCE, check=False)
    assert done.returncode == 2
