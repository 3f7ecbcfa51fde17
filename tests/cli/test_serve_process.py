"""The real command in a process of its own, as an operator or systemd starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ports import free_port

pytestmark = pytest.mark.e2e
PROGRAM = [sys.executable, "-m", "skysentry_trio"]
PATIENCE = 30.0
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts the program; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, before: tuple[str, ...] = (), **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*before, *PROGRAM, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def health(port: int) -> dict[str, Any]:
    """Return what the server says of itself, as soon as it says something."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer: dict[str, Any] = httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).json()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return answer


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err


def test_a_bad_flag_ends_with_2(start: Start) -> None:
    """Systemd does not try that again."""
    status, err = finish(start("serve", "--log-level", "loud"))
    expected = "skysentry-trio: flag --log-level: expected debug, info, warning or error, got 'loud'\n"
    assert (status, err) == (2, expected)


def test_a_port_in_use_ends_with_1(start: Start) -> None:
    """And one line that says so."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        status, err = finish(start("serve", "--port", str(port)))
    assert (status, err.splitlines()[-1]) == (
        1,
        f"skysentry-trio: cannot listen on 127.0.0.1 port {port}: Address already in use",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_told_to_stop_ends_with_0(start: Start, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C both drain."""
    process = start("serve", "--port", str(port := free_port()))
    assert health(port)["status"] == "healthy"
    process.send_signal(number)
    status, err = finish(process)
    assert status == 0
    assert "Traceback" not in err


def test_all_it_logs_is_json(start: Start) -> None:
    """From start to end each line of stderr is an event."""
    process = start("serve", "--port", str(port := free_port()), "--log-level", "debug")
    health(port)
    process.terminate()
    lines = finish(process)[1].splitlines()
    assert lines
    assert all({"event", "level", "timestamp", "logger"} <= set(json.loads(line)) for line in lines)


def test_the_demo_brings_two_cameras(start: Start) -> None:
    """They register with the server they run in."""
    process = start("serve", "--demo", "--port", str(port := free_port()))
    deadline = time.monotonic() + PATIENCE
    while health(port)["totalClients"] != 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert health(port)["totalClients"] == 2
    process.terminate()
    status, err = finish(process)
    assert status == 0
    assert "Traceback" not in err


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as server:
        server.bind(path := str(tmp_path / "notify"))
        server.settimeout(PATIENCE)
        yield server, path


def hear(manager: socket.socket, wanted: bytes) -> list[bytes]:
    """Read notifications up to the wanted one."""
    heard: list[bytes] = []
    while wanted not in heard:
        heard.append(manager.recv(1000))
    return heard


def test_systemd_hears_ready_watchdog_and_stopping(start: Start, manager: tuple[socket.socket, str]) -> None:
    """Ready once connections are taken, the watchdog several times, stopping before the end."""
    server, path = manager
    environ = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}
    process = start("serve", "--port", str(port := free_port()), **environ)
    hear(server, b"READY=1")
    socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    hear(server, b"WATCHDOG=1")
    hear(server, b"WATCHDOG=1")
    process.terminate()
    hear(server, b"STOPPING=1")
    assert finish(process)[0] == 0


@pytest.mark.skipif(
    shutil.which("systemd-socket-activate") is None and "CI" not in os.environ,
    reason="systemd-socket-activate is not here",
)
def test_systemd_may_hold_the_socket(start: Start) -> None:
    """The first connection starts the server and is served by it, whatever port the settings name."""
    # Unlike systemd-socket-activate's default, keep the environment: Python needs some of it to find us.
    environ = [f"--setenv={name}={value}" for name, value in os.environ.items()]
    activate = ("systemd-socket-activate", f"--listen=127.0.0.1:{(port := free_port())}", *environ)
    process = start("serve", "--port", str(free_port()), before=activate)
    assert health(port)["status"] == "healthy"
    process.terminate()
    assert finish(process)[0] == 0


def test_a_hung_server_says_where(start: Start) -> None:
    """The watchdog's SIGABRT leaves a Python traceback in the journal."""
    process = start("serve", "--port", str(port := free_port()))
    health(port)
    process.send_signal(signal.SIGABRT)
    status, err = finish(process)
    assert status == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in err
    assert "trio" in err
