"""Decide which host names a request may be for.

A page of a foreign site can let the name of its own site point to the address of this server (DNS rebinding). For the
browser, the server is then a part of that site, so the page may read everything. But the request names the foreign site
in ``Host``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Self

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.networks import UNIX, is_loopback, parse_ip
from skysentry_trio.wire.origins import show_address

ANY: Final = "*"
"""Allows every host."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
_PORT: Final = re.compile(r":[0-9]*$", re.ASCII)
_LOOPBACK_NAME: Final = "localhost"


@frozen
class HostRule:
    """The hosts that requests may be for."""

    allowed: frozenset[str]
    """Names and IP addresses in the form of `normalize_host`."""
    covers_unix: bool
    """Whether the rule holds for peers on Unix sockets, which no browser can reach without a proxy."""

    @classmethod
    def of(cls, host: str, listening: Iterable[str], allowed: Iterable[str]) -> Self | None:
        """Return the rule for a server; None if requests may be for any host.

        Args:
            host: name or address that the operator told the server to listen on.
            listening: IP addresses that the server listens on, and `UNIX` for each Unix socket.
            allowed: further names and addresses that the operator allows; ``*`` for all.
        """
        addresses, allowed = set(listening) - {UNIX}, set(allowed)
        is_local = bool(addresses) and all(map(is_loopback, addresses))
        if ANY in allowed or not (is_local or allowed):
            return None
        return cls(frozenset(map(normalize_host, {host, *addresses, *allowed})), covers_unix=bool(allowed))

    def check(self, host: str, local_address: str) -> None:
        """Check the host that a request is for.

        Args:
            host: a ``Host`` header; programs that send none are no browsers, so they are allowed.
            local_address: IP address that the peer has connected to, or `UNIX`.

        Raises:
            ProtocolViolation: with code ``host-refused``.
        """
        name = normalize_host(_PORT.sub("", host))
        if not name or (local_address == UNIX and not self.covers_unix):
            return
        if name in self.allowed or name == normalize_host(local_address) or _is_loopback_host(name):
            return
        shown = show_address(name)
        raise ProtocolViolation(
            f"this server does not answer requests for the host {shown}; the operator can allow it with "
            f"--allowed-host {shown}",
            "host-refused",
        )


def is_allowed_host(text: str) -> bool:
    """Return whether an operator may allow this text: ``*``, a name or an IP address, without a port."""
    return text == ANY or parse_ip(text.strip("[]")) is not None or _NAME.fullmatch(normalize_host(text)) is not None


def normalize_host(host: str) -> str:
    """Return one form of the forms that a host without a port can be written in."""
    host = host.lower()
    if (address := parse_ip(host.removeprefix("[").removesuffix("]"))) is not None:
        return str(address)
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return host
    return host.removesuffix(".")


def _is_loopback_host(name: str) -> bool:
    return name == _LOOPBACK_NAME or name.endswith(f".{_LOOPBACK_NAME}") or is_loopback(name)
