"""The head of an HTTP request: enough of it to know who has to serve the connection."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import h11
from attrs import define, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation

MAX_HEAD_SIZE = 16 * 1024
"""Bytes in a request's head."""
_HOST = re.compile(
    r"(?:\[[0-9A-Za-z:.%_-]+\]|[0-9A-Za-z_-]{1,63}(?:\.[0-9A-Za-z_-]{1,63})*\.?)?(?::[0-9]{0,5})?", re.ASCII
)
_KEY_LENGTH = 24
"""Characters in 16 bytes of base64 (RFC 6455 section 4.1)."""


@frozen
class RequestHead:
    """What is needed of a request to route it."""

    method: str
    path: str
    """As sent, without the query."""
    query: str
    headers: dict[str, str]
    """By lower-case name; of repeated headers the values with commas between."""
    size: int
    """Bytes of the head, up to and with the empty line."""

    @property
    def upgrade(self) -> str | None:
        """The protocol the client wants to change to, in lower case (RFC 9110 section 7.8)."""
        tokens = {token.strip().lower() for token in self.headers.get("connection", "").split(",")}
        return self.headers.get("upgrade", "").lower() or None if "upgrade" in tokens else None

    @property
    def has_body(self) -> bool:
        """Whether something belongs to the request behind its head (RFC 9112 section 6.3)."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"


@define(eq=False)
class RequestHeadReader:
    """Read a request's head from pieces of a byte stream; h11 is the judge of what is HTTP."""

    _received: int = field(default=0, init=False)
    _parser: h11.Connection = field(
        factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_SIZE), init=False
    )

    def feed(self, data: bytes) -> RequestHead | None:
        """Take the next piece; an empty one means that no more will come.

        Returns:
            The head, or None as long as it is not complete.

        Raises:
            ProtocolViolation: if it is no request we could serve, with the status to answer.
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
            # h11 measures only what is incomplete.
            raise _refusal(f"a request's head may have {MAX_HEAD_SIZE} bytes, got {size}", 431)
        return _check(event, size)


def _check(request: h11.Request, size: int) -> RequestHead:
    if request.http_version not in (b"1.0", b"1.1"):
        raise _refusal(f"expected HTTP/1.1, got HTTP/{request.http_version.decode()}", 505)
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if not _HOST.fullmatch(host := headers.get("host", "")):
        # Quart fails on names that are none.
        raise _refusal(f"expected a host name in Host, got {host[:80]!a}", 400)
    if "content-length" in headers and "transfer-encoding" in headers:
        # Proxies disagree on which one counts (RFC 9112 section 6.1): that is how requests are smuggled.
        raise _refusal("a request has either Content-Length or Transfer-Encoding, got both", 400)
    path, _, query = request.target.decode("ascii").partition("?")
    head = RequestHead(request.method.decode("ascii"), path, query, headers, size)
    if head.upgrade and not all(value.isascii() for value in headers.values()):
        raise _refusal("the headers of an upgrade request must be ASCII", 400)
    if head.upgrade not in (None, "websocket"):
        raise _refusal(f"expected an upgrade to websocket or none, got one to {head.upgrade!a}", 400)
    return head


def encode_handshake(head: RequestHead) -> bytes:
    """Write a WebSocket handshake anew, with nothing in it but what a server has to look at (RFC 6455 section 4.2.1).

    No extension is among it, and no header whose form wsproto does not expect: it raises all sorts of errors then, and
    leaves a client it refuses without an end.

    Raises:
        ProtocolViolation: it is none.
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


def is_origin_allowed(origin: str | None, host: str, allowed: Iterable[str]) -> bool:
    """Say whether a page of this origin may use what is served to the address in ``host``.

    Browsers send the origin with every WebSocket handshake (RFC 6455 section 10.2), and other programs need not: none
    at all is allowed, ``null`` (a sandboxed page, a local file) is not.

    Args:
        origin: the ``Origin`` header.
        host: the ``Host`` header.
        allowed: further origins; ``*`` allows every one.
    """
    if origin is None:
        return True
    allowed = frozenset(allowed)
    if "*" in allowed or origin in allowed:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and origin == f"{parts.scheme}://{host}".lower()


def _refusal(message: str, status: int) -> ProtocolViolation:
    # Of the many ways to break HTTP some have a status of their own, and h11 says which.
    return ProtocolViolation(message, "bad-request", http_status=status)
