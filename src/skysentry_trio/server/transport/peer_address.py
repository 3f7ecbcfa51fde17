"""The address of a peer."""

from __future__ import annotations

from typing import Any, Self

import trio
from attrs import frozen

from skysentry_trio.base.networks import UNIX, parse_ip


@frozen
class PeerAddress:
    """The other end of a connection, or the client behind a proxy."""

    host: str
    """IP address without a port; `UNIX` for a Unix socket; another word if the address is not known."""
    port: int | None = None
    """None if the port is not known."""

    @classmethod
    def of_peer(cls, stream: trio.SocketStream) -> Self:
        """Return the address of the other end."""
        try:
            return cls._of(stream.socket.getpeername())
        except OSError:
            return cls("gone")

    @classmethod
    def of_this_side(cls, socket: trio.socket.SocketType) -> Self:
        """Return the address that the peer has connected to."""
        try:
            return cls._of(socket.getsockname())
        except OSError:
            return cls("gone")

    @classmethod
    def _of(cls, address: Any) -> Self:
        return cls(_show_host(address[0]), address[1]) if isinstance(address, tuple) else cls(UNIX)

    def __str__(self) -> str:
        """Return the address for people: ``192.0.2.1:8080``, ``[2001:db8::1]:8080``, or ``192.0.2.1``."""
        if self.port is None:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def show_address_and_port(address: tuple[Any, ...]) -> str:
    """Return a socket's address for people: ``192.0.2.1:8080`` or ``[2001:db8::1]:8080``."""
    return str(PeerAddress(_show_host(address[0]), address[1]))


def _show_host(host: str) -> str:
    # A socket for both families, for example one from systemd, has IPv4 peers as IPv4-mapped addresses (RFC 4291).
    return host.removeprefix("::ffff:") if "." in host and parse_ip(host) is not None else host
