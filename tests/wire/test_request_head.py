"""The head of a request: the same in whatever pieces it comes, bounded, and refused with the right status."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.request_head import (
    MAX_HEAD_SIZE,
    RequestHead,
    RequestHeadReader,
    encode_handshake,
)

HANDSHAKE = (
    b"GET /stream/ws?client=a&maxFps=5 HTTP/1.1\r\n"
    b"Host: cameras.example\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Sec-WebSocket-Protocol: a\r\n"
    b"sec-websocket-protocol: b\r\n"
    b"\r\n"
)


def read(*pieces: bytes) -> RequestHead | None:
    """Feed pieces until there is a head."""
    reader = RequestHeadReader()
    for piece in pieces:
        if (head := reader.feed(piece)) is not None:
            return head
    return None


def request(*headers: bytes, first: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join((first, b"Host: a", *headers, b"", b""))


def padded(size: int) -> bytes:
    """Return a request with a head of exactly so many bytes."""
    return request(b"X: " + b"x" * (size - len(request(b"X: "))))


def status_of(*pieces: bytes) -> int:
    """Return the status with which a request is refused."""
    with pytest.raises(ProtocolViolation) as refused:
        read(*pieces)
    assert refused.value.code == "bad-request"
    return refused.value.http_status


def test_a_handshake_is_taken_apart() -> None:
    """Path, query and headers are there, repeated headers with commas between, names in lower case."""
    head = read(HANDSHAKE)

    assert head is not None
    assert (head.method, head.path, head.query) == ("GET", "/stream/ws", "client=a&maxFps=5")
    assert head.upgrade == "websocket"
    assert head.headers["sec-websocket-protocol"] == "a, b"
    assert head.headers["host"] == "cameras.example"
    assert head.size == len(HANDSHAKE)


@given(cuts=st.lists(st.integers(0, len(HANDSHAKE) + 4), max_size=6))
def test_a_head_is_the_same_in_whatever_pieces_it_comes(cuts: list[int]) -> None:
    """Cut anywhere, with a frame behind it or not, the head is that of the whole."""
    data, ends = HANDSHAKE + b"\x82\x00\x01\x02", sorted({*cuts, len(HANDSHAKE) + 4})
    pieces = [data[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end]

    assert read(*pieces) == read(HANDSHAKE)


BAD = [
    request(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    request(b"Content-Length: x"),
    request(b"Broken"),
    request(first=b"GET / HTTP/2.0"),
    request(b"Host: b"),
    request(b"Connection: upgrade", b"Upgrade: h2c"),
    b"nonsense\r\n\r\n",
    padded(MAX_HEAD_SIZE + 1),
]


@given(bad=st.sampled_from(BAD), step=st.integers(1, 2000))
def test_a_refusal_is_the_same_in_whatever_pieces_the_head_comes(bad: bytes, step: int) -> None:
    """What is refused as a whole is refused in pieces, with the same status."""
    pieces = [bad[start : start + step] for start in range(0, len(bad), step)]

    assert status_of(*pieces) == status_of(bad)


@given(data=st.binary(), end=st.booleans())
def test_any_bytes_are_a_request_or_refused(data: bytes, end: bool) -> None:
    """Nothing raises anything but a ProtocolViolation."""
    with suppress(ProtocolViolation):
        read(data, b"") if end else read(data)


@given(position=st.integers(0, len(HANDSHAKE) - 1), value=st.integers(0, 255))
def test_a_wrong_byte_raises_nothing_but_a_refusal(position: int, value: int) -> None:
    """A handshake with any one byte changed passes or is refused."""
    with suppress(ProtocolViolation):
        read(HANDSHAKE[:position] + bytes((value,)) + HANDSHAKE[position + 1 :])


def test_an_incomplete_head_is_nothing_yet() -> None:
    """Until the empty line came, there is no head."""
    assert read(HANDSHAKE[:-1]) is None
    assert read(b"") is None


def test_who_leaves_in_the_middle_of_a_head_sent_no_request() -> None:
    """The end of the stream inside a head is an error, and before one it is nothing."""
    assert status_of(b"GET / HT", b"") == 400
    assert read(b"", b"") is None


@pytest.mark.parametrize("step", [1, 1000, 20_000])
def test_a_head_has_a_size_limit(step: int) -> None:
    """A head of the limit is read, one byte more is refused with 431, in whatever pieces it comes."""
    for size, good in ((MAX_HEAD_SIZE, True), (MAX_HEAD_SIZE + 1, False), (MAX_HEAD_SIZE + 5000, False)):
        data = padded(size)
        assert len(data) == size
        pieces = [data[start : start + step] for start in range(0, len(data), step)]
        if good:
            assert read(*pieces) is not None
        else:
            assert status_of(*pieces) == 431


def test_an_endless_head_is_refused_before_its_end() -> None:
    """Who never sends the empty line is refused as soon as the limit is passed."""
    assert status_of(b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 5000) == 431


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request(b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
        (request(b"Content-Length: 5", b"Content-Length: 6"), 400),
        (request(b"Transfer-Encoding: gzip"), 501),
        (request(b"X: a\r\n b\rc"), 400),
        (request(b"X : y"), 400),
        (request(b"X: \0"), 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (request(first=b"PRI * HTTP/2.0"), 505),
        (request(first=b"GET / HTTP/0.9"), 505),
        (request(first=b"GET /\xff HTTP/1.1"), 400),
        (request(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"), 400),
        (request(b"Connection: Upgrade", b"Upgrade: websocket, h2c"), 400),
        (request(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Protocol: \xe9"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_a_request_we_cannot_serve_is_refused(data: bytes, status: int) -> None:
    """Smuggling, other versions of HTTP, other upgrades, TLS on a plain port."""
    assert status_of(data) == status


@pytest.mark.parametrize(
    ("headers", "upgrade"),
    [
        ((), None),
        ((b"Upgrade: websocket",), None),
        ((b"Connection: Upgrade",), None),
        ((b"Connection: close", b"Upgrade: h2c"), None),
        ((b"Connection: close", b"Connection: UPGRADE", b"Upgrade: websocket"), "websocket"),
    ],
)
def test_an_upgrade_takes_both_headers(headers: tuple[bytes, ...], upgrade: str | None) -> None:
    """Upgrade counts only if Connection names it (RFC 9110 section 7.8)."""
    head = read(request(*headers))

    assert head is not None
    assert head.upgrade == upgrade


@pytest.mark.parametrize(
    ("headers", "has_body"),
    [
        ((), False),
        ((b"Content-Length: 0",), False),
        ((b"Content-Length: 5",), True),
        ((b"Transfer-Encoding: chunked",), True),
    ],
)
def test_a_head_says_whether_something_belongs_behind_it(headers: tuple[bytes, ...], has_body: bool) -> None:
    """A length above zero or chunks to come (RFC 9112 section 6.3)."""
    head = read(request(*headers))

    assert head is not None
    assert head.has_body == has_body


@pytest.mark.parametrize(
    ("headers", "version", "keeps_alive"),
    [
        ((), "1.1", True),
        ((b"Connection: keep-alive",), "1.1", True),
        ((b"Connection: x, Close",), "1.1", False),
        ((b"Connection: x", b"Connection: close"), "1.1", False),
        ((), "1.0", False),
        ((b"Connection: keep-alive",), "1.0", False),
    ],
)
def test_a_head_says_whether_another_request_may_follow(
    headers: tuple[bytes, ...], version: str, keeps_alive: bool
) -> None:
    """In HTTP/1.1, unless it says otherwise (RFC 9112 section 9.3)."""
    head = read(request(*headers, first=f"GET / HTTP/{version}".encode()))

    assert head is not None
    assert head.keeps_alive == keeps_alive


def test_a_head_says_where_its_request_ends() -> None:
    """Behind the head, or behind a body of a known length; chunks say it themselves."""
    for headers, rest in (((), 0), ((b"Content-Length: 5",), 5), ((b"Transfer-Encoding: chunked",), math.inf)):
        head = read(request(*headers))
        assert head is not None
        assert head.whole_size == head.size + rest


def test_other_requests_may_have_headers_of_any_bytes() -> None:
    """Only a handshake has to be ASCII: what reads it fails on others."""
    head = read(request(b"X: caf\xe9"))

    assert head is not None
    assert head.headers["x"] == "caf\u00e9"


@pytest.mark.parametrize("host", [b"a b", b"<script>", b"a/b", b"a@b", b"caf\xe9", b"a,b"])
def test_a_host_that_is_no_name_is_refused(host: bytes) -> None:
    """What builds addresses of it would fail."""
    assert status_of(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n") == 400


@pytest.mark.parametrize("host", [b"a", b"a.example:8080", b"127.0.0.1", b"[::1]:8080", b"a_b-c"])
def test_a_host_is_a_name_or_an_address(host: bytes) -> None:
    """With a port or without."""
    head = read(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")

    assert head is not None
    assert head.headers["host"] == host.decode()


KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket")


@pytest.mark.parametrize("offered", [None, "skysentry.v1, other"])
def test_a_handshake_written_anew_says_the_same_and_no_more(offered: str | None) -> None:
    """Path, key and subprotocols stay; extensions, cookies and whatever else was sent do not."""
    protocols = [] if offered is None else [b"Sec-WebSocket-Protocol: " + offered.encode()]
    noise = (b"Sec-WebSocket-Extensions: permessage-deflate", b"Cookie: a=b", b"X: y")
    head = read(request(*UPGRADE, KEY, b"Sec-WebSocket-Version: 13", *protocols, *noise, first=b"GET /ws?a=b HTTP/1.1"))
    assert head is not None

    anew = read(encode_handshake(head))

    assert anew is not None
    assert (anew.method, anew.path, anew.upgrade) == ("GET", "/ws", "websocket")
    assert anew.headers["sec-websocket-key"] == head.headers["sec-websocket-key"]
    assert anew.headers.get("sec-websocket-protocol") == offered
    assert set(anew.headers) - {"sec-websocket-protocol"} == {
        "host",
        "connection",
        "upgrade",
        "sec-websocket-version",
        "sec-websocket-key",
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (request(*UPGRADE, KEY, b"Sec-WebSocket-Version: 13", first=b"POST /ws HTTP/1.1"), "GET request, got POST"),
        (request(*UPGRADE, KEY), "got None"),
        (request(*UPGRADE, KEY, b"Sec-WebSocket-Version: 8"), "got '8'"),
        (request(*UPGRADE, b"Sec-WebSocket-Version: 13"), "24 characters, got 0"),
        (request(*UPGRADE, KEY, KEY, b"Sec-WebSocket-Version: 13"), "24 characters, got 50"),
    ],
)
def test_what_is_no_handshake_is_refused(data: bytes, reason: str) -> None:
    """Method, version and key have to be those of RFC 6455."""
    head = read(data)
    assert head is not None

    with pytest.raises(ProtocolViolation, match=reason) as refused:
        encode_handshake(head)
    assert refused.value.http_status == 400
