"""The header that a proxy writes in front of a connection: PROXY protocol, versions 1 and 2.

Source: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NoReturn

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.networks import parse_ip

MAX_SIZE: Final = 2048
"""Maximum size of a header in bytes; proxies send less than 600, also with the name in a client's certificate."""
_V1_START: Final = b"PROXY "
_V1_MAX_SIZE: Final = 107
_V1_FAMILIES: Final[Mapping[bytes, type[IPv4Address | IPv6Address]]] = {b"TCP4": IPv4Address, b"TCP6": IPv6Address}
_V2_START: Final = b"\r\n\r\n\0\r\nQUIT\n"
_V2_FIXED: Final = 16
"""Bytes before the addresses: signature, version and command, family, length."""
_V2_LOCAL, _V2_PROXY = 0x20, 0x21
# Family and transport in one byte.
_V2_UNKNOWN, _V2_TCP4, _V2_TCP6, _V2_UNIX = 0x00, 0x11, 0x21, 0x31
_V2_ADDRESS_SIZES: Final = {_V2_TCP4: 12, _V2_TCP6: 36, _V2_UNIX: 216}
"""Bytes of both addresses and both ports, by family."""
_TLV_SSL: Final = 0x20
_CLIENT_SSL: Final = 0x01


@frozen
class ProxyHeader:
    """What a proxy says about the connection that it passes on."""

    host: str | None = None
    """IP address of the client; None if the proxy connects for itself, or does not know the address."""
    port: int | None = None
    is_tls: bool = False
    """Whether the client's connection to the proxy is encrypted."""


def measure_proxy_header(data: bytes) -> int | None:
    """Return the size of the header that ``data`` begins with; 0 without a header, None if more bytes are needed.

    Raises:
        ProtocolViolation: the header is too long.
    """
    if data[: len(_V1_START)] == _V1_START[: len(data)]:
        end = data.find(b"\r\n", 0, _V1_MAX_SIZE)
        if end == -1 and len(data) >= _V1_MAX_SIZE:
            _refuse(f"a PROXY header has at most {_V1_MAX_SIZE} bytes and ends with CR LF, got no end")
        return None if end == -1 else end + 2
    if data[: len(_V2_START)] != _V2_START[: len(data)]:
        return 0
    if len(data) < _V2_FIXED:
        return None
    size = _V2_FIXED + int.from_bytes(data[14:16], "big")
    if size > MAX_SIZE:
        _refuse(f"a PROXY header may have {MAX_SIZE} bytes here, got {size}")
    return size if len(data) >= size else None


def decode_proxy_header(header: bytes) -> ProxyHeader:
    """Decode a complete header.

    Args:
        header: as many bytes as `measure_proxy_header` has returned.

    Raises:
        ProtocolViolation: the header is invalid.
    """
    return _decode_v1(header) if header.startswith(_V1_START) else _decode_v2(header)


def refuse_proxy_header(data: bytes) -> None:
    """Check that no header comes where none is expected.

    Raises:
        ProtocolViolation: the data begins with a header.
    """
    if data.startswith((_V1_START, _V2_START)):
        _refuse("a PROXY header counts only once, and only from a proxy that is named with --trusted-proxy")


def _decode_v1(header: bytes) -> ProxyHeader:
    family, *fields = header[len(_V1_START) : -2].split(b" ")
    if family == b"UNKNOWN":
        return ProxyHeader()
    parse = _V1_FAMILIES.get(family)
    if parse is None or len(fields) != 4:
        _refuse(f"expected TCP4, TCP6 or UNKNOWN, two addresses and two ports in a PROXY header, got {header[:60]!r}")
    source, _destination, *ports = (field.decode("latin-1") for field in fields)
    if not all(port.isascii() and port.isdigit() and int(port) <= 0xFFFF for port in ports):
        _refuse(f"expected ports from 0 to 65535 in a PROXY header, got {' '.join(ports)!a:.40}")
    try:
        address = parse(source)
    except ValueError:
        _refuse(f"expected an address of {family.decode()} in a PROXY header, got {source!a:.60}")
    return ProxyHeader(_show(address), int(ports[0]))


def _decode_v2(header: bytes) -> ProxyHeader:
    command, family, body = header[12], header[13], header[_V2_FIXED:]
    if command == _V2_LOCAL:
        return ProxyHeader()
    if command != _V2_PROXY:
        _refuse(f"expected version 2 with the command LOCAL or PROXY in a PROXY header, got {command:#04x}")
    if family == _V2_UNKNOWN:
        return ProxyHeader()
    if (size := _V2_ADDRESS_SIZES.get(family)) is None:
        _refuse(f"expected TCP over IPv4 or IPv6 in a PROXY header, got {family:#04x}")
    if len(body) < size:
        _refuse(f"expected {size} bytes of addresses and ports in a PROXY header, got {len(body)}")
    is_tls = _has_tls(body[size:])
    if family == _V2_UNIX:
        return ProxyHeader(is_tls=is_tls)
    address = IPv4Address(body[:4]) if family == _V2_TCP4 else IPv6Address(body[:16])
    (port,) = struct.unpack_from("!H", body, size - 4)
    return ProxyHeader(_show(address), port, is_tls)


def _show(address: IPv4Address | IPv6Address) -> str:
    return str(parse_ip(str(address)))


def _has_tls(additions: bytes) -> bool:
    """Return whether the additions, each with a type and a length, say that the client uses TLS."""
    while len(additions) >= 3:
        kind, size = struct.unpack_from("!BH", additions)
        if len(additions) < 3 + size:
            break
        if kind == _TLV_SSL:
            return size > 0 and bool(additions[3] & _CLIENT_SSL)
        additions = additions[3 + size :]
    if additions:
        _refuse(f"expected additions with a type and a length in a PROXY header, got {len(additions)} bytes too many")
    return False


def _refuse(message: str) -> NoReturn:
    raise ProtocolViolation(message, "bad-proxy-header")
