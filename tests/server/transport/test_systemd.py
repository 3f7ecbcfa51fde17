from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.server.transport import systemd
from skysentry_trio.server.transport.systemd import Notifier, inherited_sockets


def hand_over(monkeypatch: pytest.MonkeyPatch, descriptor: int, count: str = "1") -> dict[str, str]:
    """Pretend that systemd passed ``descriptor`` first: 3 is taken in the process that runs the tests."""
    monkeypatch.setattr(systemd, "_FIRST_DESCRIPTOR", descriptor)
    return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count, "LISTEN_FDNAMES": "http", "HOME": "/"}


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


def test_a_listening_socket_is_inherited(listening: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its family and address, and is not passed on to children."""
    address = listening.getsockname()
    environ = hand_over(monkeypatch, descriptor := listening.detach())
    (inherited,) = inherited_sockets(environ)
    with inherited:
        assert inherited.fileno() == descriptor
        assert (inherited.family, inherited.getsockname()) == (socket.AF_INET, address)
        assert not inherited.get_inheritable()


def test_children_do_not_see_the_variables(listening: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that found them would take the sockets for its own."""
    environ = hand_over(monkeypatch, listening.detach())
    for inherited in inherited_sockets(environ):
        inherited.close()
    assert environ == {"HOME": "/"}


def test_sockets_of_another_process_are_left_alone() -> None:
    """The variables of a parent that forgot to take them away do not concern us."""
    assert inherited_sockets({"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1"}) == []


def test_without_systemd_there_are_none() -> None:
    """Started by hand, we open our sockets ourselves."""
    assert inherited_sockets({}) == []


@pytest.mark.parametrize("count", ["", "one", "-1", "²"])
def test_a_count_that_is_none_is_refused(count: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable and what it held."""
    with pytest.raises(ConfigurationError, match=f"LISTEN_FDS: expected a number of sockets, got '{count}'"):
        inherited_sockets(hand_over(monkeypatch, 3, count))


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["datagram", "not listening"])
def test_a_socket_that_does_not_listen_is_refused(kind: socket.SocketKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """ListenDatagram= and Accept=yes hand over sockets we cannot accept connections from."""
    with (
        socket.socket(socket.AF_INET, kind) as wrong,
        pytest.raises(ConfigurationError, match=r"expected a listening stream socket"),
    ):
        inherited_sockets(hand_over(monkeypatch, wrong.fileno()))


def test_a_descriptor_that_is_no_socket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """ListenFIFO= and the like hand over files."""
    with tempfile.TemporaryFile() as file, pytest.raises(ConfigurationError, match="expected a socket, got an error"):
        inherited_sockets(hand_over(monkeypatch, file.fileno()))


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """Stand in for systemd: a datagram socket and its address as NOTIFY_SOCKET has it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@skysentry-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("\0" + name[1:] if name.startswith("@") else name)
        server.settimeout(2)
        yield server, name


def test_systemd_hears_what_we_say(manager: tuple[socket.socket, str]) -> None:
    """Each call is one datagram of sd_notify(3), at a path or an abstract address."""
    server, address = manager
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.watchdog()
    notifier.stopping()
    assert [server.recv(100) for _ in range(3)] == [
        b"READY=1",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_systemd_nobody_is_told(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """The same calls do nothing then."""
    notifier = Notifier.from_environment(environ)
    notifier.ready()
    assert notifier == Notifier(None, None)
    assert caplog.records == []


def test_a_server_that_cannot_report_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The failure is logged and nothing is raised."""
    Notifier(str(tmp_path / "nobody")).ready()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "systemd not notified" in record.getMessage()


def test_a_manager_that_does_not_read_blocks_nobody(
    manager: tuple[socket.socket, str], caplog: pytest.LogCaptureFixture
) -> None:
    """When its queue is full the message is lost, and the event loop runs on."""
    notifier = Notifier(manager[1])
    for _ in range(2000):
        notifier.watchdog()
        if caplog.records:
            break
    assert "systemd not notified" in caplog.records[0].getMessage()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid() + 1)}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_at_half_its_time_out(environ: dict[str, str], seconds: float | None) -> None:
    """Only when systemd watches this very process."""
    assert Notifier.from_environment(environ).watchdog_interval == seconds
