"""Motion JPEG over HTTP: encode bodies for viewers, and decode bodies from cameras (RFC 2046 section 5.1)."""

from __future__ import annotations

import math
from typing import Final

from attrs import define, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame

CONTENT_TYPE: Final = "multipart/x-mixed-replace; boundary=frame"
OPENING: Final = b"--frame\r\n"
"""The boundary before the first part; FFmpeg recognizes the stream by this line."""
# Browsers paint a part when the boundary of the next part has arrived, so the boundary is sent with the part before.
_CLOSING: Final = b"\r\n--frame\r\n"

_MAX_LINES: Final = 8 * 1024
"""Maximum size in bytes of a part's head, and of a boundary's line."""
_MAX_DELIMITER: Final = 200
_MAX_LENGTH_DIGITS: Final = 15


def encode_part(frame: JpegFrame) -> bytes:
    """Encode a frame as one part, including the boundary of the next part."""
    sequence = b"X-Sequence: %d\r\n" % frame.sequence
    return _encode(frame.jpeg, moment_of(frame), online=True, more=sequence)


def encode_offline_part(jpeg: bytes, now: float) -> bytes:
    """Encode a placeholder picture as one part; ``now`` is in seconds since the epoch."""
    return _encode(jpeg, now, online=False)


def moment_of(frame: JpegFrame) -> float:
    """Return when a frame was captured, or, if that is unknown, when it arrived: seconds since the epoch."""
    return frame.received_at if frame.captured_at is None else frame.captured_at


def _encode(jpeg: bytes, moment: float, *, online: bool, more: bytes = b"") -> bytes:
    head = (
        b"Content-Type: image/jpeg\r\nContent-Length: %d\r\nX-Timestamp: %.6f\r\n%bX-SkySentry-Online: %b\r\n\r\n"
        % (
            len(jpeg),
            moment,
            more,
            b"true" if online else b"false",
        )
    )
    return b"".join((head, jpeg, _CLOSING))


@frozen
class Part:
    """One part of a body, as received."""

    headers: dict[str, str]
    """Headers by lower-case name; of a repeated header, the last value."""
    data: bytes = field(repr=False)

    @property
    def captured_at(self) -> float | None:
        """The time in ``X-Timestamp``: seconds since the epoch; None without a valid time."""
        return read_timestamp(self.headers.get("x-timestamp"))


def read_timestamp(text: str | None) -> float | None:
    """Return the number in an ``X-Timestamp`` header; None without a header, NaN if it holds something else."""
    if not (text := (text or "").strip()):
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan


@define(eq=False)
class MultipartReader:
    """Decodes a multipart body from pieces of any size.

    The boundary is taken from the body's first line. Many cameras send another boundary than their ``Content-Type``
    announces, or announce no boundary. Parts may lack a ``Content-Length``; lines may end with a bare line feed.
    """

    max_size: int
    """Maximum size of one part's data in bytes."""
    ended: bool = field(default=False, init=False)
    """Whether the final boundary has arrived; bytes behind it are ignored."""
    _received: bytearray = field(factory=bytearray, init=False, repr=False)
    _delimiter: bytes = field(default=b"", init=False)
    _headers: dict[str, str] | None = field(default=None, init=False)
    """Headers of the part whose data arrives now; None between parts."""
    _reading_head: bool = field(default=False, init=False)
    _searched: int = field(default=0, init=False)
    """The next boundary does not begin within this many of the first received bytes."""

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body."""
        if not self.ended:
            self._received += data

    def close(self) -> None:
        """Free what has been received, and ignore the rest of the body."""
        self.ended = True
        self._received.clear()

    def next_part(self) -> Part | None:
        """Return the next complete part, or None if more of the body is needed.

        Raises:
            ProtocolViolation: the body is not multipart, or something in it is larger than allowed.
        """
        while not self.ended:
            if self._headers is not None:
                return self._read_data(self._headers)
            if not self._read_lines():
                return None
        return None

    def finish(self) -> Part | None:
        """Take the end of the body; return the final part if it has no Content-Length.

        Raises:
            ProtocolViolation: the body ends in the middle of a part.
        """
        if self._headers is None or self.ended:
            return None
        if "content-length" in self._headers:
            raise _malformed("the body ends in the middle of a part")
        return self._take(self._headers, len(self._received))

    def _read_lines(self) -> bool:
        """Read a boundary or a part's head; return whether it was complete."""
        if self._reading_head:
            return self._read_head()
        if self._received.startswith((b"\r", b"\n")):
            self._received = self._received.lstrip(b"\r\n")
        end = self._received.find(b"\n", 0, _MAX_LINES)
        if end < 0:
            if len(self._received) >= _MAX_LINES:
                raise _malformed(f"a boundary may have {_MAX_DELIMITER} bytes, got {_shown(self._received)}")
            return False
        line = bytes(self._received[:end]).strip()
        del self._received[: end + 1]
        if not self._delimiter:
            self._learn_delimiter(line)
        if line == self._delimiter:
            self._reading_head = True
        elif line == self._delimiter + b"--":
            self.ended = True
            self._received.clear()
        else:
            raise _malformed(f"expected the boundary {_shown(self._delimiter)} after a part, got {_shown(line)}")
        return True

    def _learn_delimiter(self, line: bytes) -> None:
        if not line.startswith(b"--") or not 2 < len(line) <= _MAX_DELIMITER:
            raise _malformed(f"expected a boundary first, a line that begins with --, got {_shown(line)}")
        self._delimiter = line

    def _read_head(self) -> bool:
        """Read header lines up to the empty line."""
        position, headers = 0, dict[str, str]()
        while (end := self._received.find(b"\n", position, _MAX_LINES)) >= 0:
            line = bytes(self._received[position:end]).strip()
            position = end + 1
            if not line:
                _check_length(headers, self.max_size)
                self._headers, self._reading_head, self._searched = headers, False, 0
                del self._received[:position]
                return True
            name, colon, value = line.partition(b":")
            if not colon:
                raise _malformed(f"expected a header such as Content-Type: image/jpeg, got {_shown(line)}")
            headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        if len(self._received) >= _MAX_LINES:
            raise _malformed(f"the head of a part may have {_MAX_LINES} bytes")
        return False

    def _read_data(self, headers: dict[str, str]) -> Part | None:
        """Return the part if all of its data has arrived."""
        if "content-length" in headers:
            length = int(headers["content-length"])
            if len(self._received) < length:
                return None
            return self._take(headers, length)
        found = self._received.find(b"\n" + self._delimiter, self._searched)
        if found < 0:
            if len(self._received) > self.max_size + len(self._delimiter) + 2:
                raise _too_large(self.max_size, len(self._received))
            self._searched = max(0, len(self._received) - len(self._delimiter))
            return None
        return self._take(headers, found + 1)

    def _take(self, headers: dict[str, str], length: int) -> Part:
        with memoryview(self._received) as received:
            data = bytes(received[:length])
        del self._received[:length]
        self._headers = None
        if "content-length" not in headers:
            data = _without_line_end(data)
            if len(data) > self.max_size:
                raise _too_large(self.max_size, len(data))
        return Part(headers, data)


def _without_line_end(data: bytes) -> bytes:
    """Remove the line end that belongs to the boundary."""
    return data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data


def _check_length(headers: dict[str, str], max_size: int) -> None:
    length = headers.get("content-length")
    if length is None:
        return
    if not (length.isascii() and length.isdigit()) or len(length) > _MAX_LENGTH_DIGITS:
        raise _malformed(f"expected a number of bytes as Content-Length of a part, got {length[:40]!a}")
    if int(length) > max_size:
        raise _too_large(max_size, int(length))


def _too_large(max_size: int, size: int) -> ProtocolViolation:
    return ProtocolViolation(f"a frame may have {max_size} bytes, got one of {size} or more", "frame-too-large")


def _malformed(message: str) -> ProtocolViolation:
    return ProtocolViolation(message, "bad-multipart")


def _shown(line: bytes | bytearray) -> str:
    return ascii(line[:40].decode("latin-1"))
