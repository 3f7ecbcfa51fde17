"""What proxies say about the request that they pass on: ``Forwarded`` (RFC 7239) and ``X-Forwarded-*``.

Anyone can send these headers, so a header counts only as far as a trusted proxy wrote it. Each proxy adds the address
of its own peer on the right. So the last address that is not the address of a trusted proxy is that of the client, and
everything to the left of it may be invented.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, NoReturn

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.networks import UNIX, parse_ip
from skysentry_trio.wire.request_head import is_host

HEADERS: Final = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"})
"""The headers that this module reads."""
SIGN_ON_HEADERS: Final = frozenset({"remote-user", "remote-groups"})
"""The headers in which a trusted proxy names a person who has signed in at the proxy, and the groups of the person."""
_MAX_PROXIES: Final = 32
"""Proxies in a row whose entries are read."""
_PAIR: Final = r'[!#$%&\'*+.^_`|~\w-]++=(?:"(?:[^"\\]|\\.)*+"|[^\s",;]++)'
_ELEMENT: Final = rf"[ \t]*+(?:{_PAIR})?+[ \t]*+(?:;[ \t]*+(?:{_PAIR})?+[ \t]*+)*+"
_FORWARDED: Final = re.compile(rf"(?:{_ELEMENT},)*+{_ELEMENT}", re.ASCII)
_ELEMENTS: Final = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*+")++')
_PAIRS: Final = re.compile(r'([^\s";=]++)=(?:"((?:[^"\\]|\\.)*+)"|([^\s";]++))')
_NODE: Final = re.compile(
    r"(?:\[(?P<ipv6>[^\[\]]++)\]|(?P<bare_ipv6>[0-9a-f]*+:[0-9a-f]*+:[0-9a-f:.]*+(?:%[\w.~-]++)?+)|(?P<name>[^\s:\[\]]++))"
    r"(?::(?P<port>[0-9]{1,5}|_[\w.-]++))?",
    re.ASCII | re.IGNORECASE,
)
_UNIX_NODES: Final = frozenset({"unix", "unix:"})
"""What nginx writes for a peer on a Unix socket."""
_HIDDEN: Final = re.compile(r"unknown|_[A-Za-z0-9._-]{1,40}", re.ASCII | re.IGNORECASE)
"""An address that a proxy keeps for itself (RFC 7239 section 6.3)."""
_SECURE: Final = {"https": True, "wss": True, "http": False, "ws": False}


@frozen
class Forwarding:
    """What the trusted proxies say about the client's own request; None for what they do not say."""

    address: str | None = None
    """IP address of the client; ``unknown``, or a word that begins with ``_``, if a proxy keeps the address secret."""
    port: int | None = None
    is_tls: bool | None = None
    host: str | None = None
    """Host and port that the client asked for."""


class _Entry(NamedTuple):
    """What one proxy wrote about its peer, as text."""

    node: str | None
    scheme: str | None
    host: str | None


def resolve_forwarding(headers: Mapping[str, str], is_trusted: Callable[[str], bool]) -> Forwarding:
    """Return what the headers say about the client.

    Args:
        headers: of a request from a trusted proxy, by lower-case name; repeated headers are joined by commas.
        is_trusted: returns whether a proxy with this IP address is trusted.

    Raises:
        ProtocolViolation: a header is invalid, or ``Forwarded`` contradicts ``X-Forwarded-*``.
    """
    found = [
        _resolve(list(read(headers)), is_trusted, name)
        for name, read in (("Forwarded", _read_forwarded), ("X-Forwarded-For", _read_x_forwarded))
    ]
    standard, customary = found
    if headers.get("forwarded") is None:
        return customary
    # A client may send the header that its proxy does not know, and the proxy passes it on. Which of both the proxy
    # wrote cannot be seen, so they must agree.
    for ours, theirs in (
        (standard.address, customary.address),
        (standard.is_tls, customary.is_tls),
        (standard.host, customary.host),
    ):
        if ours is not None and theirs is not None and ours != theirs:
            _refuse(
                "Forwarded and X-Forwarded-* contradict each other; let the proxy remove those that it does not set"
            )
    return standard


def _resolve(entries: list[_Entry], is_trusted: Callable[[str], bool], name: str) -> Forwarding:
    """Go from the nearest proxy towards the client, as far as the proxies are trusted."""
    found = Forwarding()
    for entry in reversed(entries):
        address, port = (None, None) if entry.node is None else _parse_node(entry.node, name)
        host = entry.host or None
        if host is not None and not is_host(host):
            _refuse(f"expected a host name from the proxy, got {host[:80]!a}")
        found = Forwarding(address, port, _SECURE.get((entry.scheme or "").lower()), host)
        if address is None or not is_trusted(address):
            break
    return found


def _read_x_forwarded(headers: Mapping[str, str]) -> Iterator[_Entry]:
    """Yield an entry for each address; a proxy sets the other headers for all entries or adds to them like here."""
    nodes, schemes, hosts = (
        _split(headers.get(name, "")) for name in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
    )
    count = max(len(nodes), 1)
    for distance in range(count, 0, -1):
        yield _Entry(
            nodes[-distance] if nodes else None,
            schemes[-min(distance, len(schemes))] if schemes else None,
            hosts[-min(distance, len(hosts))] if hosts else None,
        )


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.rsplit(",", _MAX_PROXIES)[-_MAX_PROXIES:]] if text.strip() else []


def _read_forwarded(headers: Mapping[str, str]) -> Iterator[_Entry]:
    text = headers.get("forwarded", "")
    if not _FORWARDED.fullmatch(text):
        # A quotation mark that a client left open would hide what the proxy added.
        _refuse(f"expected Forwarded as in RFC 7239, got {text[:80]!a}")
    for element in _ELEMENTS.findall(text)[-_MAX_PROXIES:]:
        pairs = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in _PAIRS.findall(element)
        }
        if pairs:
            yield _Entry(pairs.get("for"), pairs.get("proto"), pairs.get("host"))


def _parse_node(node: str, name: str) -> tuple[str, int | None]:
    """Return the address and the port of a node: ``192.0.2.1:80``, ``[2001:db8::1]:80``, ``unknown``, ``_hidden``."""
    if node.lower() in _UNIX_NODES:
        return UNIX, None
    if (found := _NODE.fullmatch(node)) is not None:
        text = found["ipv6"] or found["bare_ipv6"] or found["name"]
        digits = found["port"] or ""
        port = int(digits) if digits.isdigit() and int(digits) <= 0xFFFF else None
        if (address := parse_ip(text)) is not None:
            return str(address), port
        if _HIDDEN.fullmatch(text):
            return text.lower(), port
    raise ProtocolViolation(f"expected an IP address in {name}, got {node[:80]!a}", "bad-request")


def _refuse(message: str) -> NoReturn:
    raise ProtocolViolation(message, "bad-request")
