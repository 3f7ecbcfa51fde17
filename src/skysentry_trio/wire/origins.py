"""Compare the origin of a request with the address of the server, and with the origins that the operator allows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple

ANY: Final = "*"
"""Allows every origin."""
_PORTS: Final = {"http": 80, "https": 443}
_BY_WEBSOCKET_SCHEME: Final = {"ws": "http", "wss": "https"}
# The end excludes commas and spaces, so that two Origin headers, which are joined by a comma, are not one address.
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.%_~-]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>/[^\s,]*)?",
    re.ASCII | re.IGNORECASE,
)
_HOST_HEADER: Final = re.compile(r"(?P<host>\[[^\[\]@\s]+\]|[^\[\]:@\s]+)(?::(?P<port>[0-9]*))?", re.ASCII)
_ENTRY: Final = re.compile(r"null|[A-Za-z][A-Za-z0-9+.-]*://[^\s,*@]*")
# A host-source of Content-Security-Policy Level 3 with a scheme. It has no form for an IPv6 address.
_ANCESTOR: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:\*\.)?[\w-]+(?:\.[\w-]+)*(?::(?:[0-9]{1,5}|\*))?/?", re.IGNORECASE
)
_SHOWN: Final = 80
"""Maximum number of characters of an origin or a host in messages and in the log."""


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int
    has_path: bool


def is_origin_allowed(origin: str | None, host: str, allowed: frozenset[str], *, is_tls: bool = False) -> bool:
    """Return whether pages of an origin may use the server at the address in ``host``.

    Browsers send the origin with every WebSocket handshake (RFC 6455 section 10.2); other programs need not send it. So
    a missing origin is allowed, but ``null`` (a sandboxed page, a local file) is not.

    The origin is allowed if host and port are those of ``host``. A port that is not given is the default port of the
    origin's scheme. A proxy in front of the server may have decrypted the request, and may not say so. So both ``http``
    and ``https`` are accepted, unless the request is known to be encrypted.

    Args:
        origin: the ``Origin`` header.
        host: the ``Host`` header that the browser sent.
        allowed: further origins that are allowed, as the operator wrote them; ``*`` allows every origin.
        is_tls: whether the browser's connection is known to be encrypted.
    """
    if origin is None or ANY in allowed or origin in allowed:
        return True
    parsed = _parse(origin)
    if parsed is None:
        return False
    if parsed[:3] in _parse_all(allowed):
        return True
    if is_tls and parsed.scheme != "https":
        return False
    return _parse_host(host, parsed.scheme) == (parsed.host, parsed.port)


def is_entry(text: str) -> bool:
    """Return whether an operator may allow this text: ``*``, ``null``, or an address with a scheme."""
    return text == ANY or _ENTRY.fullmatch(text) is not None


def is_ancestor(text: str) -> bool:
    """Return whether an operator may name this text as a page that shows ours in a frame: ``*`` or an address.

    The address has a scheme and no path. The start of its host may be ``*.``, for all hosts of a domain.
    """
    return text == ANY or (_ANCESTOR.fullmatch(text) is not None and _to_ascii(text).isascii())


def encode_frame_ancestors(ancestors: Iterable[str]) -> str:
    """Return the directive ``frame-ancestors`` of Content-Security-Policy that allows these pages and our own.

    Args:
        ancestors: texts for which `is_ancestor` is true.
    """
    sources = sorted({_to_ascii(one).rstrip("/") for one in ancestors})
    return " ".join(["frame-ancestors", *([ANY] if ANY in sources else ["'self'", *sources])])


def explain_refusal(headers: Mapping[str, str], action: str) -> str:
    """Return a sentence that says why an origin is refused, what was compared, and how to allow it.

    Args:
        headers: of the request.
        action: what pages of this origin may not do.
    """
    origin, host = show_address(headers.get("origin", "")), show_address(headers.get("host", ""))
    advice = f'the operator can allow it with --cors-origin "{origin}"'
    if not is_entry(origin):
        advice = "only --cors-origin '*' allows it"
    return (
        f'pages of {origin or "an empty origin"} may not {action} here, because scheme, host and port of "Origin: '
        f'{origin}" are not those of "Host: {host}"; {advice}'
    )


def show_address(text: str) -> str:
    """Return the start of an origin or a host for people, without a user, a password, a query or a fragment."""
    shown = re.split(r"[?#]", text, maxsplit=1)[0]
    scheme, separator, rest = shown.partition("://")
    shown = scheme + separator + rest.rpartition("@")[2] if separator else shown.rpartition("@")[2]
    return shown[:_SHOWN]


@lru_cache(maxsize=8)
def _parse_all(allowed: frozenset[str]) -> frozenset[tuple[str, str, int]]:
    parsed = [_parse(_to_ascii(entry)) for entry in allowed]
    # An entry with a path allows exactly this text.
    return frozenset(one[:3] for one in parsed if one is not None and not one.has_path)


def _to_ascii(entry: str) -> str:
    """Return the entry with its host in Punycode, as browsers send it."""
    if entry.isascii():
        return entry
    scheme, _, rest = entry.partition("://")
    host, separator, end = re.split(r"([:/]|$)", rest, maxsplit=1)
    try:
        return f"{scheme}://{host.encode('idna').decode('ascii')}{separator}{end}"
    except UnicodeError:
        return entry


def _parse(origin: str) -> _Origin | None:
    if (found := _ADDRESS.fullmatch(origin)) is None:
        return None
    scheme = found["scheme"].lower()
    scheme = _BY_WEBSOCKET_SCHEME.get(scheme, scheme)
    if scheme not in _PORTS:
        return None
    return _Origin(
        scheme, _normalize(found["host"]), int(found["port"] or _PORTS[scheme]), found["path"] not in {None, "/"}
    )


def _parse_host(host: str, scheme: str) -> tuple[str, int] | None:
    if (found := _HOST_HEADER.fullmatch(host)) is None:
        return None
    return _normalize(found["host"]), int(found["port"] or _PORTS[scheme])


def _normalize(host: str) -> str:
    """Return one form of the forms that a host can be written in."""
    host = host.lower()
    if not host.startswith("["):
        return host.removesuffix(".")
    # Browsers know no zones, so they leave out what other programs write.
    address = host[1:-1].partition("%")[0]
    try:
        return f"[{ip_address(address).compressed}]"
    except ValueError:
        return host
