"""Decode the head of an HTTP response as leniently as browsers do, because cameras write odd heads."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation

MAX_HEAD_SIZE: Final = 32 * 1024
"""Maximum size of a head in bytes."""
END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
# Some cameras answer as ICY, the protocol of SHOUTcast, or leave out the version.
_STATUS_LINE: Final = re.compile(
    r"(?P<protocol>[A-Za-z]+)(?:/(?P<version>[0-9.]+))?[ \t]+(?P<status>[1-9][0-9]{2})(?P<reason>.*)"
)
_MAX_REASON: Final = 100
_MAX_LENGTH_DIGITS: Final = 15


@frozen
class ResponseHead:
    """The head of a response."""

    status: int
    reason: str
    """The text after the status, for people; control characters are removed."""
    headers: dict[str, str]
    """Headers by lower-case name; of a repeated header, the last value."""
    challenges: tuple[str, ...] = ()
    """The values of all ``WWW-Authenticate`` headers."""
    has_version_1_1: bool = True

    @property
    def content_type(self) -> str:
        """Return the media type in lower case, without parameters; "" if there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int | None:
        """Return the size of the body; None if the head does not say it, or not as a number."""
        value = self.headers.get("content-length", "")
        return int(value) if value.isascii() and value.isdigit() and len(value) <= _MAX_LENGTH_DIGITS else None

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks (RFC 9112 section 7.1)."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    def framing(self) -> bytes:
        """Return a head with only the headers that say where the body ends, in strict HTTP.

        The length of a multipart body is left out: cameras announce a wrong one, and the body ends with the connection.
        """
        lines = [f"HTTP/1.{int(self.has_version_1_1 or self.is_chunked)} {self.status} "]
        if self.is_chunked:
            lines.append("Transfer-Encoding: chunked")
        elif self.content_length is not None and not self.content_type.startswith("multipart/"):
            lines.append(f"Content-Length: {self.content_length}")
        if "close" in self.headers.get("connection", "").lower():
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode()


def looks_like_body(data: bytes) -> bool:
    """Return whether an answer begins with pictures, without any head, as that of HTTP/0.9 does."""
    return data.lstrip(b"\r\n").lower().startswith((b"--", b"\xff\xd8", b"content-"))


def parse_response_head(data: bytes) -> ResponseHead:
    """Decode a head, without the empty line at its end.

    Lines without a colon are ignored.

    Raises:
        ProtocolViolation: the first line is not a status line.
    """
    first, *lines = data.decode("latin-1").strip().splitlines() or [""]
    status = _STATUS_LINE.match(first)
    if status is None:
        raise ProtocolViolation(f"expected a status line of HTTP, got {first[:40]!a}")
    headers = dict[str, str]()
    challenges = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            continue
        name, value = name.strip().lower(), value.strip()
        if name == "www-authenticate":
            challenges.append(value)
        headers[name] = value
    reason = "".join(character for character in status["reason"].strip()[:_MAX_REASON] if character.isprintable())
    is_new = status["protocol"].upper() == "HTTP" and status["version"] not in {None, "0.9", "1.0"}
    return ResponseHead(int(status["status"]), reason, headers, tuple(challenges), is_new)
