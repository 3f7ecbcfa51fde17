"""Decode those parts of an HTTP request's head that are needed to choose a service."""

from __future__ import annotations

import math
import re

import h11
from attrs import define, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation

MAX_HEAD_SIZE = 16 * 1024
"""Maximum size of a request's head in bytes."""
_HOST = re.compile(
    r"(?:\[[0-9A-Za-z:.%_-]+\]|[0-9A-Za-z_-]{1,63}(?:\.[0-9A-Za-z_-]{1,63})*\.?)?(?::[0-9]{0,5})?", re.ASCII
)
_KEY_LENGTH = 24
"""Length of a WebSocket key in characters: 16 bytes in base64 (RFC 6455 section 4.1)."""


@frozen
class RequestHead:
    """The parts of a request's head that routing needs."""

    method: str
    path: str
    """The path as sent, without the query."""
    query: str
    headers: dict[str, str]
    """Headers by lower-case name; the values of repeated headers are joined by commas."""
    size: int
    """Size of the head in bytes, including the empty line."""
    version: str = "1.1"
    """The version of HTTP."""

    @property
    def upgrade(self) -> str | None:
        """The protocol to which the client asks to upgrade, in lower case (RFC 9110 section 7.8)."""
        return self.headers.get("upgrade", "").lower() or None if "upgrade" in self._connection_options else None

    @property
    def keeps_alive(self) -> bool:
        """Whether the client may send another request on the connection (RFC 9112 section 9.3).

        Clients of HTTP/1.0 may ask for this too, but proxies of that time pass such a request on without knowing what
        it means. So these connections have one request.
        """
        return self.version == "1.1" and "close" not in self._connection_options

    @property
    def _connection_options(self) -> set[str]:
        return {option.strip().lower() for option in self.headers.get("connection", "").split(",")}

    @property
    def has_body(self) -> bool:
        """Whether the request has a body (RFC 9112 section 6.3)."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    @property
    def whole_size(self) -> float:
        """Size of the head and the body in bytes; infinite if only the body says where it ends."""
        if "transfer-encoding" in self.headers:
            return math.inf
        return self.size + int(self.headers.get("content-length", "0"))


def is_host(text: str) -> bool:
    """Return whether this is a host name or an IP address with or without a port, as in a ``Host`` header."""
    return _HOST.fullmatch(text) is not None


@define(eq=False)
class RequestHeadReader:
    """Reads a request's head from pieces of a byte stream; h11 decides what is valid HTTP."""

    _received: int = field(default=0, init=False)
    _parser: h11.Connection = field(
        factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_SIZE), init=False
    )

    def feed(self, data: bytes) -> RequestHead | None:
        """Take the next piece of the stream; an empty piece means the end of the stream.

        Returns:
            The head; None as long as it is incomplete.

        Raises:
            ProtocolViolation: the request is invalid; the error contains the HTTP status for the response.
        """
        self._received += len(data)
        try:
            self._parser.receive_data(data)
            event = self._parser.next_event()
        except h11.RemoteProtocolError as error:
            raise _refusal(f"the request cannot be read: {error}", error.error_status_hint) from error
        if not isinstance(event, h11.Request):
            return None
        size = self._received - len(self._parser.trailing_data[0])
        if size > MAX_HEAD_SIZE:
            # h11 limits only incomplete heads.
            raise _refusal(f"a request's head may have {MAX_HEAD_SIZE} bytes, got {size}", 431)
        return _check(event, size)


def _check(request: h11.Request, size: int) -> RequestHead:
    if request.http_version not in (b"1.0", b"1.1"):
        raise _refusal(f"expected HTTP/1.1, got HTTP/{request.http_version.decode()}", 505)
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if not is_host(host := headers.get("host", "")):
        # Quart fails on invalid names.
        raise _refusal(f"expected a host name in Host, got {host[:80]!a}", 400)
    if "content-length" in headers and "transfer-encoding" in headers:
        # Proxies disagree on which one counts (RFC 9112 section 6.1), which allows request smuggling.
        raise _refusal("a request has either Content-Length or Transfer-Encoding, got both", 400)
    path, _, query = request.target.decode("ascii").partition("?")
    head = RequestHead(request.method.decode("ascii"), path, query, headers, size, request.http_version.decode("ascii"))
    if head.upgrade and not all(value.isascii() for value in headers.values()):
        raise _refusal("the headers of an upgrade request must be ASCII", 400)
    if head.upgrade not in (None, "websocket"):
        raise _refusal(f"expected an upgrade to websocket or none, got one to {head.upgrade!a}", 400)
    return head


def encode_handshake(head: RequestHead) -> bytes:
    """Encode a WebSocket handshake again, with only the headers that a server needs (RFC 6455 section 4.2.1).

    The result has no extensions, and no header in a form that wsproto does not expect. For such headers, wsproto raises
    errors of many types. wsproto also does not end the connection of a client that it refuses.

    Raises:
        ProtocolViolation: the head is not a valid handshake.
    """
    headers = head.headers
    if head.method != "GET":
        raise _refusal(f"a WebSocket handshake is a GET request, got {head.method[:20]}", 400)
    if (version := headers.get("sec-websocket-version")) != "13":
        raise _refusal(f"expected Sec-WebSocket-Version: 13, got {version!a:.40}", 400)
    if len(key := headers.get("sec-websocket-key", "")) != _KEY_LENGTH:
        raise _refusal(f"expected a Sec-WebSocket-Key of {_KEY_LENGTH} characters, got {len(key)}", 400)
    lines = [
        f"GET {head.path} HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    if offered := headers.get("sec-websocket-protocol"):
        lines.append(f"Sec-WebSocket-Protocol: {offered}")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def _refusal(message: str, status: int) -> ProtocolViolation:
    # Some violations of HTTP have their own status; h11 provides it.
    return ProtocolViolation(message, "bad-request", http_status=status)
