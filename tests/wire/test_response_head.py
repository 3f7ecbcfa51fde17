from __future__ import annotations

import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.response_head import looks_like_body, parse_response_head


@pytest.mark.parametrize(
    ("line", "status", "reason", "is_new"),
    [
        (b"HTTP/1.1 200 OK", 200, "OK", True),
        (b"HTTP/1.0 404 Not  Found ", 404, "Not  Found", False),
        (b"HTTP/2 200", 200, "", True),
        (b"HTTP 200 OK", 200, "OK", False),
        (b"ICY 200 OK", 200, "OK", False),
        (b"http/1.1 503 \x1b[31mBusy", 503, "[31mBusy", True),
        (b"\r\nHTTP/1.1\t200\tOK", 200, "OK", True),
    ],
)
def test_odd_status_lines_are_read(line: bytes, status: int, reason: str, is_new: bool) -> None:
    """Browsers read them, too; nothing in the reason can change a terminal."""
    head = parse_response_head(line)
    assert (head.status, head.reason, head.has_version_1_1) == (status, reason, is_new)


@pytest.mark.parametrize("line", [b"SSH-2.0-OpenSSH", b"220 ready", b"HTTP/1.1 OK", b"HTTP/1.1 000 No"])
def test_what_is_no_status_line_is_refused(line: bytes) -> None:
    """The message says what came."""
    with pytest.raises(ProtocolViolation, match="expected a status line of HTTP, got"):
        parse_response_head(line)


def test_headers_are_read_leniently() -> None:
    """Names in any case, spaces anywhere, lines without a colon; all challenges are kept."""
    head = parse_response_head(
        b"HTTP/1.1 401 No\r\nCONTENT-type : Image/JPEG; charset=binary\nnonsense\r\nContent-Length: 12\r\n"
        b"WWW-Authenticate: Basic realm=x\r\nWWW-Authenticate: Digest realm=y\r\n"
    )
    assert head.content_type == "image/jpeg"
    assert head.content_length == 12
    assert head.challenges == ("Basic realm=x", "Digest realm=y")


@pytest.mark.parametrize("value", ["", "-1", "many", "\xb2", "9" * 40, "1, 1"])
def test_a_length_that_is_no_number_is_ignored(value: str) -> None:
    """The body then ends with the connection."""
    head = parse_response_head(f"HTTP/1.1 200 OK\r\nContent-Length: {value}".encode("latin-1"))
    assert head.content_length is None
    assert head.framing() == b"HTTP/1.1 200 \r\n\r\n"


def test_only_what_ends_the_body_is_left_of_a_head() -> None:
    """Strict parsers can read it, whatever the camera sent; a stream has no length."""
    line = b"ICY 200 OK\r\nbad name: x\r\n"
    assert parse_response_head(line + b"Content-Length: 5").framing() == b"HTTP/1.0 200 \r\nContent-Length: 5\r\n\r\n"
    chunked = parse_response_head(line + b"Transfer-Encoding: Chunked\r\nContent-Length: 5\r\nConnection: Close")
    assert chunked.framing() == b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    stream = parse_response_head(line + b"Content-Type: multipart/x-mixed-replace\r\nContent-Length: 5")
    assert stream.framing() == b"HTTP/1.0 200 \r\n\r\n"


def test_an_answer_may_have_no_head() -> None:
    """Pictures are recognized by their first bytes."""
    assert all(looks_like_body(data) for data in (b"--b\r\n", b"\r\n--b", b"\xff\xd8\xff", b"Content-Type: image/jpeg"))
    assert not any(looks_like_body(data) for data in (b"HTTP/1.1 200", b"", b"\xff", b"-"))
