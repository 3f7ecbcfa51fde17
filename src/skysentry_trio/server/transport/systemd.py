"""Talk to systemd: inherited sockets, readiness, the watchdog.

Sources: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). Outside systemd, this module does nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final, Self

from attrs import frozen

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.logs import get_logger

_FIRST_DESCRIPTOR: Final = 3
_log = get_logger(__name__)


def inherited_sockets(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """Return the listening sockets that systemd opened for this process, and remove their variables from ``environ``.

    The variables are removed so that no child process uses the sockets as its own.

    Raises:
        ConfigurationError: a descriptor is not a listening stream socket.
    """
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()):
        return []
    if not (count.isascii() and count.isdigit()):
        raise ConfigurationError(f"variable LISTEN_FDS: expected a number of sockets, got {count!r}")
    return [_listening_socket(_FIRST_DESCRIPTOR + index) for index in range(int(count))]


def _listening_socket(descriptor: int) -> socket.socket:
    try:
        inherited = socket.socket(fileno=descriptor)
    except OSError as error:
        raise ConfigurationError(
            f"descriptor {descriptor} from systemd: expected a socket, got an error: {error.strerror}"
        ) from error
    if inherited.type != socket.SOCK_STREAM or not inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        # The descriptor stays open: the socket belongs to systemd, and this process will exit now.
        inherited.detach()
        raise ConfigurationError(
            f"descriptor {descriptor} from systemd: expected a listening stream socket (ListenStream=, Accept=no), "
            "got another kind"
        )
    inherited.set_inheritable(False)
    return inherited


@frozen
class Notifier:
    """Reports the state of the server to systemd.

    No method raises an error, because a server that cannot report its state can still serve.
    """

    address: str | None = None
    """Address of systemd's datagram socket: a path, or an abstract name after ``@``; None outside systemd."""
    watchdog_interval: float | None = None
    """Seconds between two calls of `watchdog`; None if systemd does not watch."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Make a notifier from ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``."""
        microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
        watched = microseconds.isascii() and microseconds.isdigit() and pid in ("", str(os.getpid()))
        # The interval is half the timeout, as sd_watchdog_enabled(3) advises, so that one late report does no harm.
        interval = int(microseconds) / 2_000_000 if watched else 0.0
        return cls(environ.get("NOTIFY_SOCKET") or None, interval or None)

    def ready(self) -> None:
        """Report that the server accepts connections."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Report that the server is stopping."""
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        """Report that the server is alive; call this every `watchdog_interval` seconds."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self.address is None:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            # The socket does not block, because a full queue of systemd must not stop the event loop.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as channel:
                channel.sendto(message.encode(), address)
        except OSError as error:
            _log.warning("systemd not notified", message=message, address=self.address, error=str(error))
