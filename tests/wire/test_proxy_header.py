"""The header of a proxy in front of a connection: both versions, in any pieces, and what is invalid."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.proxy_header import (
    MAX_SIZE,
    ProxyHeader,
    decode_proxy_header,
    measure_proxy_header,
    refuse_proxy_header,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TLS = b"\x20\x00\x05\x01\0\0\0\0"
"""The addition of a proxy whose client uses TLS."""
NO_TLS = b"\x20\x00\x05\x00\0\0\0\0"


def version_2(body: bytes, command: int = 0x21, family: int = 0x11) -> bytes:
    return SIGNATURE + bytes((command, family)) + struct.pack("!H", len(body)) + body


def addresses(source: str, port: int = 50000) -> bytes:
    packed = ip_address(source).packed
    return packed + bytes(len(packed)) + struct.pack("!HH", port, 80)


VALID = [
    (b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 80\r\n", ProxyHeader("192.0.2.7", 50000)),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 50000 80\r\n", ProxyHeader("2001:db8::7", 50000)),
    (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 50000 80\r\n", ProxyHeader("192.0.2.7", 50000)),
    (b"PROXY UNKNOWN\r\n", ProxyHeader()),
    (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", ProxyHeader()),
    (version_2(addresses("192.0.2.7")), ProxyHeader("192.0.2.7", 50000)),
    (version_2(addresses("2001:db8::7"), family=0x21), ProxyHeader("2001:db8::7", 50000)),
    (version_2(addresses("192.0.2.7") + b"\x04\0\0" + TLS), ProxyHeader("192.0.2.7", 50000, is_tls=True)),
    (version_2(addresses("192.0.2.7") + NO_TLS), ProxyHeader("192.0.2.7", 50000)),
    (version_2(bytes(216) + TLS, family=0x31), ProxyHeader(is_tls=True)),
    (version_2(b"anything", family=0x00), ProxyHeader()),
    (version_2(b"", command=0x20, family=0x00), ProxyHeader()),
    (version_2(addresses("192.0.2.7"), command=0x20), ProxyHeader()),
]
INVALID = [
    b"PROXY TCP4 192.0.2.7 192.0.2.1 50000\r\n",
    b"PROXY TCP4 2001:db8::7 2001:db8::1 50000 80\r\n",
    b"PROXY TCP6 192.0.2.7 192.0.2.1 50000 80\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 65536\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 -1 80\r\n",
    b"PROXY TCP4 name 192.0.2.1 1 80\r\n",
    b"PROXY UDP4 192.0.2.7 192.0.2.1 1 80\r\n",
    b"PROXY TCP4  192.0.2.7 192.0.2.1 1 80\r\n",
    b"PROXY /api/clients HTTP/1.1\r\n",
    b"PROXY \r\n",
    b"PROXY TCP4 " + 100 * b"1",
    version_2(addresses("192.0.2.7"), command=0x11),
    version_2(addresses("192.0.2.7"), command=0x22),
    version_2(addresses("192.0.2.7"), family=0x12),
    version_2(addresses("192.0.2.7")[:-1]),
    version_2(addresses("192.0.2.7"), family=0x21),
    version_2(addresses("192.0.2.7") + b"\x04\0\x09short"),
    version_2(addresses("192.0.2.7") + b"\x04"),
    version_2(bytes(MAX_SIZE)),
]


def decode(data: bytes) -> tuple[ProxyHeader | None, bytes]:
    """Return the header at the start of the data, None without one, and the bytes behind it."""
    size = measure_proxy_header(data)
    assert size is not None, "the header is not complete"
    return (decode_proxy_header(data[:size]) if size else None), data[size:]


@pytest.mark.parametrize(("data", "header"), VALID)
def test_the_address_of_the_client_is_read(data: bytes, header: ProxyHeader) -> None:
    """Both versions and families; a proxy that connects for itself, or does not know the address, names none."""
    assert decode(data + b"GET / HTTP/1.1\r\n") == (header, b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize("data", [data for data, _ in VALID])
def test_a_part_of_a_header_is_not_yet_a_header(data: bytes) -> None:
    """Wherever the network cuts it, more bytes are needed."""
    for end in range(len(data)):
        assert measure_proxy_header(data[:end]) is None


@pytest.mark.parametrize("data", INVALID)
def test_an_invalid_header_is_refused_with_its_reason(data: bytes) -> None:
    """A proxy that is not set up well is named as such, and is not taken for a client."""
    with pytest.raises(ProtocolViolation, match="PROXY header") as caught:
        decode(data)
    assert caught.value.code == "bad-proxy-header"


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"POST", b"PRI * HTTP/2.0", b"\x16\x03\x01", b"\r\n\r\nG"])
def test_other_connections_have_no_header(data: bytes) -> None:
    """HTTP and TLS are recognized by their first bytes."""
    assert decode(data) == (None, data)


@pytest.mark.parametrize("data", [data for data, _ in VALID])
def test_a_header_where_none_is_expected_is_refused(data: bytes) -> None:
    """A client cannot name another address behind the header of the proxy."""
    with pytest.raises(ProtocolViolation, match="--trusted-proxy"):
        refuse_proxy_header(data)


@given(st.sampled_from([b"PROXY ", SIGNATURE, SIGNATURE + b"\x21\x11\0\x0c", b""]), st.binary(max_size=3000))
def test_no_bytes_raise_another_error(start: bytes, rest: bytes) -> None:
    """Whatever comes, it is a header, not a header, or a violation."""
    try:
        size = measure_proxy_header(start + rest)
        if size:
            decode_proxy_header((start + rest)[:size])
    except ProtocolViolation as violation:
        assert violation.code == "bad-proxy-header"  # noqa: PT017 - most bytes raise nothing
