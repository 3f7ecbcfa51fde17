"""Listen on every address that a host name or a wildcard stands for, with one port for all of them."""

from __future__ import annotations

import errno
from contextlib import suppress
from ipaddress import ip_address
from socket import AF_INET6, AI_PASSIVE, SOCK_STREAM, socket
from typing import Final

import trio

from skysentry_trio.base.logs import get_logger

log = get_logger(__name__)

_BACKLOG: Final = 4096
"""Connections that the kernel queues: after a restart all peers connect again at the same time."""
_ANY_IPV4: Final = "0.0.0.0"  # noqa: S104  (the operator asks for it)
_ANY_IPV6: Final = "::"
_NOT_HERE: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""Errors of an address that this machine does not have, or of a family that is turned off."""
_ATTEMPTS: Final = 8
"""How often to look for a port that is free at all addresses."""


async def open_listeners(host: str, port: int) -> list[trio.SocketListener]:
    """Listen on all addresses of ``host``; ``::`` stands for all addresses of both IPv4 and IPv6.

    An address that this machine does not have is skipped with a warning, if there is another one.

    Args:
        host: an IP address or a name.
        port: TCP port; 0 for any that is free at all addresses.

    Raises:
        OSError: the name is unknown, the port is taken at one of the addresses, or no address is of this machine; if
            there are several addresses, the error names this one.
    """
    addresses = await _resolve(host, port)
    for _ in range(_ATTEMPTS - 1):
        try:
            return await _open_all(addresses, port)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise
    return await _open_all(addresses, port)


async def _resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses to listen on, each once."""
    with suppress(ValueError):
        if ip_address(host) == ip_address(_ANY_IPV6):
            if has_ipv6():
                return [_ANY_IPV4, _ANY_IPV6]
            # The kernel lets us listen on :: even if IPv6 is turned off, but nobody could connect.
            log.warning("no IPv6 on this machine, so serving IPv4 only", host=host)
            return [_ANY_IPV4]
    found = await trio.socket.getaddrinfo(host, port, type=SOCK_STREAM, flags=AI_PASSIVE)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def has_ipv6() -> bool:
    """Return whether this machine has an IPv6 address, at least its loopback address."""
    try:
        with socket(AF_INET6, SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def _open_all(addresses: list[str], port: int) -> list[trio.SocketListener]:
    listeners: list[trio.SocketListener] = []
    missing: list[tuple[str, OSError]] = []
    for address in addresses:
        try:
            listeners += await trio.open_tcp_listeners(port, host=address, backlog=_BACKLOG)
        except OSError as error:
            if error.errno in _NOT_HERE:
                missing.append((address, error))
                continue
            for listener in listeners:
                listener.socket.close()
            raise _explain(error, address, addresses) from error
        port = listeners[0].socket.getsockname()[1]
    if not listeners:
        address, reason = missing[0]
        raise _explain(reason, address, addresses) from reason
    for address, reason in missing:
        log.warning("not listening on an address", address=address, reason=reason.strerror or str(reason))
    return listeners


def _explain(error: OSError, address: str, addresses: list[str]) -> OSError:
    reason = error.strerror or str(error)
    return OSError(error.errno, reason if len(addresses) == 1 else f"{reason} ({address})")
