"""The command around a daemon that the test controls; test_serve_process.py runs the real one."""

from __future__ import annotations

import errno
import json
import resource
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from skysentry_trio.cli import demo
from skysentry_trio.cli import serve as serve_module
from skysentry_trio.server import daemon as daemon_module
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.systemd import Notifier

pytestmark = pytest.mark.usefixtures("logging_as_before")

URL = "http://127.0.0.1:1234"
Started = trio.TaskStatus[Sequence[str]]
Daemon = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _process_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)


@pytest.fixture
def run_with(run: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def run_with(serve_daemon: Daemon, *arguments: str) -> Any:
        monkeypatch.setattr(daemon_module, "serve", serve_daemon)
        return run("serve", *arguments)

    return run_with


def events(err: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in err.splitlines()]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_code_for_phones_needs_an_address_that_phones_reach(run_with: Any, host: str) -> None:
    """Otherwise the code would lead to an address at which the server does not listen."""

    async def daemon(*_: object, **__: object) -> None:
        raise AssertionError

    outcome = run_with(daemon, "--phone", "--host", host)

    assert outcome.status == 2
    assert f"flag --host: expected an address that a phone can reach, got {host!r}" in outcome.err


def test_the_daemon_gets_what_was_asked_for(run_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, sockets and systemd's address; when it returns, the command is done."""
    inherited = [socket.socket()]
    monkeypatch.setattr(serve_module, "inherited_sockets", lambda _environ: inherited)
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    got: list[object] = []

    async def daemon(
        settings: Settings,
        *,
        sockets: Sequence[socket.socket],
        notifier: Notifier,
        task_status: Started,
        **_: object,
    ) -> None:
        got.extend([settings, sockets, notifier])
        task_status.started((URL,))

    with inherited[0]:
        outcome = run_with(daemon, "--port", "0", "--max-fps", "5")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")
    assert got == [Settings(port=0, max_fps=5), inherited, Notifier("/run/notify")]


def test_a_bad_setting_ends_with_2_before_anything_starts(run_with: Any) -> None:
    """Systemd does not start such a server again."""

    async def daemon(*_: object, **__: object) -> None:
        raise AssertionError("started")

    outcome = run_with(daemon, "--port", "http")
    expected = "skysentry-trio: flag --port: expected a whole number from 0 to 65535, got 'http'\n"
    assert (outcome.status, outcome.err) == (2, expected)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EADDRINUSE, "Address already in use"), "Address already in use"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("no reason"), "no reason"),
        (ExceptionGroup("nursery", [OSError(errno.EADDRINUSE, "Address already in use")]), "Address already in use"),
    ],
)
def test_an_address_that_cannot_be_had_ends_with_1(run_with: Any, error: Exception, reason: str) -> None:
    """One line says which address and why."""

    async def daemon(*_: object, **__: object) -> None:
        raise error

    outcome = run_with(daemon, "--host", "127.0.0.1", "--port", "80")
    assert (outcome.status, outcome.err) == (1, f"skysentry-trio: cannot listen on 127.0.0.1 port 80: {reason}\n")


def test_sockets_that_cannot_be_used_are_not_blamed_on_the_address(
    run_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With socket activation the address in the settings says nothing."""

    async def daemon(*_: object, **__: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    with socket.socket() as inherited:
        monkeypatch.setattr(serve_module, "inherited_sockets", lambda _environ: [inherited])
        outcome = run_with(daemon)
    assert outcome.err == "skysentry-trio: cannot listen on the sockets from systemd: Invalid argument\n"


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "later"), ExceptionGroup("several", [ValueError("a"), OSError()])]
)
def test_a_crash_is_logged_and_ends_with_1(run_with: Any, error: Exception) -> None:
    """In the form of the log, with its traceback, so that systemd starts the server again."""

    async def daemon(*_: object, task_status: Started, **__: object) -> None:
        task_status.started((URL,))
        await trio.lowlevel.checkpoint()
        raise error

    outcome = run_with(daemon, "--log-format", "json")
    (event,) = events(outcome.err)
    assert outcome.status == 1
    assert (event["event"], event["level"]) == ("server crashed", "critical")
    assert type(error).__name__ in event["exception"]


def test_an_interrupt_before_the_daemon_listens_is_quiet(run_with: Any) -> None:
    """Ctrl-C at the wrong moment shows no traceback."""

    async def daemon(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    outcome = run_with(daemon)
    assert (outcome.status, outcome.err) == (130, "\n")


def test_the_demo_runs_until_the_daemon_stops(run_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cameras get the address of the server they run beside."""
    seen: list[str] = []

    async def run_demo(server_url: str, _key: str) -> None:
        seen.append(server_url)
        try:
            await trio.sleep_forever()
        finally:
            seen.append("stopped")

    async def daemon(*_: object, task_status: Started, **__: object) -> None:
        task_status.started((URL, "http://[::1]:1234"))
        await trio.testing.wait_all_tasks_blocked()

    monkeypatch.setattr(demo, "run_demo", run_demo)
    outcome = run_with(daemon, "--demo")
    assert (outcome.status, outcome.err) == (0, "")
    assert seen == [URL, "stopped"]


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["--demo"], (100_000, 60.0, 0)),
        ([], (16, 0.0, 0)),
        (["--demo", "--buffer-size", "20"], (20, 0.0, 0)),
        (["--demo", "--buffer-seconds", "5"], (100_000, 5.0, 0)),
        (["--demo", "--buffer-bytes", "1MB"], (100_000, 0.0, 1_000_000)),
    ],
)
def test_a_demo_keeps_a_minute(
    run_with: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], kept: tuple[int, float, int]
) -> None:
    """So that looking back works in the first minute; who says how much to keep is obeyed, and so is plain serve."""
    got: list[Settings] = []

    async def daemon(settings: Settings, *, task_status: Started, **_: object) -> None:
        got.append(settings)
        task_status.started((URL,))

    async def run_demo(_server_url: str, _key: str) -> None:
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(demo, "run_demo", run_demo)
    assert run_with(daemon, *arguments).status == 0
    (settings,) = got
    assert (settings.ring_capacity, settings.buffer_seconds, settings.buffer_bytes) == kept


def test_a_demo_that_crashes_leaves_the_server_alone(run_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the daemon ends when it wants to."""

    async def run_demo(_server_url: str, _key: str) -> None:
        raise ExceptionGroup("cameras", [ValueError("no font")])

    done: list[str] = []

    async def daemon(*_: object, task_status: Started, **__: object) -> None:
        task_status.started((URL,))
        await trio.testing.wait_all_tasks_blocked()
        done.append("daemon")

    monkeypatch.setattr(demo, "run_demo", run_demo)
    outcome = run_with(daemon, "--demo", "--log-format", "json")
    (event,) = events(outcome.err)
    assert (outcome.status, done) == (0, ["daemon"])
    assert event["event"] == "demo cameras crashed"
    assert "no font" in event["exception"]


async def listen_briefly(*_: object, task_status: Started, **__: object) -> None:
    task_status.started((URL,))


def test_people_are_told_where_to_go(run_with: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the addresses of the pages are shown; a journal gets only events."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    err = run_with(listen_briefly).err
    assert "http://localhost:1234/" in err
    assert "/capture" in err
    assert "/api/health" in err


@pytest.mark.parametrize(
    ("limits", "reached"),
    [((1024, 524_288), [(16_448, 524_288)]), ((1024, 4096), [(4096, 4096)]), ((65_536, 65_536), [])],
)
def test_the_limit_of_open_files_is_raised_as_far_as_allowed(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], reached: list[tuple[int, int]]
) -> None:
    """Up to what the connections need, never beyond the hard limit and never down."""
    held = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda _: held[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: held.append(wanted))
    serve_module.allow_descriptors(16_384)
    assert held[1:] == reached


@pytest.mark.parametrize(("hard", "warnings"), [(16_447, 1), (16_448, 0)])
def test_a_limit_below_the_connections_is_logged(
    run_with: Any, monkeypatch: pytest.MonkeyPatch, hard: int, warnings: int
) -> None:
    """So that "too many open files" does not come as a surprise."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (hard, hard))
    logged = events(run_with(listen_briefly, "--max-connections", "16384").err)
    assert [event["event"] for event in logged] == ["fewer descriptors than connections"] * warnings


def test_a_sandbox_may_forbid_to_raise_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server runs with what it has."""

    def forbid(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", forbid)
    serve_module.allow_descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


_STARTS_AND_TELLS = """
import sys
from functools import partial

import trio

from skysentry_trio.cli import serve
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.systemd import Notifier


async def main():
    async with trio.open_nursery() as nursery:
        settings = Settings(port=0, state_dir=sys.argv[1])
        await nursery.start(partial(serve.daemon.serve, settings, notifier=Notifier.from_environment({})))
        nursery.cancel_scope.cancel()


trio.run(main)
print(*sys.modules)
"""


def test_a_plain_server_loads_nothing_that_others_switch_on(tmp_path: Path) -> None:
    """Recordings, clusters, TLS of its own, people with passwords, pictures and QR codes cost memory and time."""
    done = subprocess.run(
        [sys.executable, "-c", _STARTS_AND_TELLS, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())

    assert "trio" in loaded
    assert not loaded & {"sqlite3", "zoneinfo", "coredis", "cryptography", "argon2", "joserfc", "av", "PIL", "segno"}
    parts = {".".join(name.split(".")[1:3]) for name in loaded if name.startswith("skysentry_trio.")}
    assert not parts & {"server.cluster", "sources", "client"}
    assert {name for name in loaded if ".server.history." in name} == {
        "skysentry_trio.server.history.events",
        "skysentry_trio.server.history.recorded_part",
    }
