"""HTTP responses as bytes."""

from __future__ import annotations

import json

import h11
import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.response import encode_refusal, encode_response_head


def test_a_head_is_what_http_clients_read() -> None:
    """Status, headers and the empty line; the connection ends after it."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "localhost")]))
    client.receive_data(encode_response_head(431, {"X-Name": "caf\u00e9"}))
    response = client.next_event()

    assert isinstance(response, h11.Response)
    assert (response.status_code, response.reason) == (431, b"Request Header Fields Too Large")
    assert dict(response.headers) == {b"connection": b"close", b"x-name": "caf\u00e9".encode("latin-1")}


def test_a_connection_that_stays_open_needs_no_word() -> None:
    """That is how HTTP/1.1 is meant."""
    assert encode_response_head(200, {}, stays_open=True) == b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("status", [400, 403, 404, 415, 426, 431, 501, 503, 505])
def test_a_refusal_is_a_whole_response(status: int) -> None:
    """Status, JSON that says why, its length, and the end of the connection."""
    head, _, body = encode_refusal(ProtocolViolation("caf\u00e9 <b>", http_status=status)).partition(b"\r\n\r\n")

    lines = head.decode("ascii").split("\r\n")
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    assert {
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    } == set(lines[1:])
    assert json.loads(body) == {"success": False, "error": "caf\u00e9 <b>"}
