"""Decode Motion JPEG over HTTP from cameras, as leniently as browsers do (RFC 2046 section 5.1)."""

from __future__ import annotations

import math
import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from attrs import define, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation

_MAX_LINES: Final = 8 * 1024
"""Maximum size in bytes of a part's head, and of a boundary's line."""
_MAX_DELIMITER: Final = 200
_MAX_LENGTH_DIGITS: Final = 15

_JPEG_START: Final = b"\xff\xd8"
_JPEG_END: Final = b"\xff\xd9"
_LINE_ENDS: Final = b"\r\n"
_LINE_FEED: Final = 0x0A
_BLANK: Final = (b"\r", b"\n")
_BLANK_LINES: Final = re.compile(rb"[\r\n]*")
_PADDING: Final = b"\r\n\0"
_END_OF_FIRST: Final = re.compile(rb"\xff\xd9[\r\n\0]{0,64}(?=--|content-|\xff\xd8\xff)", re.IGNORECASE)
"""The end of a JPEG, if the boundary is still unknown: what follows begins a part."""
_LAST_BYTES: Final = frozenset(_PADDING + b"\xd9")
_MOST_PADDING: Final = 4096
"""Number of bytes at the end of a part's data in which the end of a JPEG is looked for."""
_LONGEST_START: Final = 64
"""Number of bytes, besides the boundary, that show where a part begins."""


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

    @property
    def is_text_field(self) -> bool:
        """Whether this is a field of a form that contains no file: it has a name, no file name, and is no JPEG."""
        disposition = self.headers.get("content-disposition", "").lower()
        is_field = disposition.startswith("form-data") and "filename" not in disposition
        return is_field and not self.data.startswith(b"\xff\xd8")


def read_timestamp(text: str | None) -> float | None:
    """Return the number in an ``X-Timestamp`` header; None without a header, NaN if it holds something else."""
    if not (text := (text or "").strip()):
        return None
    try:
        return float(text)
    except ValueError:
        return math.nan


def announced_boundary(content_type: str) -> str:
    """Return the boundary that a ``Content-Type`` announces, without quotes; "" if it announces none."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "boundary":
            return value.strip().strip('"')
    return ""


class _Expecting(Enum):
    """What the reader expects next in a body."""

    BOUNDARY = auto()
    HEAD = auto()
    DATA = auto()
    RESYNC = auto()
    """The start of another part, after bytes that belong to no part."""


@define(eq=False)
class MultipartReader:
    """Decodes a multipart body from pieces of any size, as leniently as browsers do.

    The boundary is taken from the first line that looks like one. Many cameras send another boundary than their
    ``Content-Type`` announces, or announce no boundary, or send the first part without a boundary. Parts may lack a
    head or a ``Content-Length``; lines may end with a bare line feed. A ``Content-Length`` counts only if a JPEG ends
    there, or a boundary follows; otherwise the boundary ends the part.

    The time to read a body is linear in its size, however small the pieces are.
    """

    max_size: int
    """Maximum size of one part's data in bytes."""
    boundary: str = ""
    """The boundary that the ``Content-Type`` announces; needed only for cameras that send it without dashes."""
    ended: bool = field(default=False, init=False)
    """Whether the final boundary has arrived; bytes behind it are ignored."""
    _received: bytearray = field(factory=bytearray, init=False, repr=False)
    _expecting: _Expecting = field(default=_Expecting.BOUNDARY, init=False)
    _delimiter: bytes = field(default=b"", init=False)
    """The line between two parts, without its line end; empty until it is known."""
    _headers: dict[str, str] = field(factory=dict, init=False)
    _head_size: int = field(default=0, init=False)
    _length: int | None = field(default=None, init=False)
    """The announced size of the current part; None if it is missing, invalid or wrong."""
    _distrusts_lengths: bool = field(default=False, init=False)
    """Whether the length of an earlier part was wrong."""
    _searched: int = field(default=0, init=False)
    """What is searched for does not begin within this many of the first received bytes."""
    _started: bool = field(default=False, init=False)
    """Whether the body has proved to be multipart."""

    @property
    def nbytes(self) -> int:
        """Bytes of the body that the reader holds."""
        return len(self._received)

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
            ProtocolViolation: with code ``frame-too-large``: one part was too large. The part is skipped, and the next
                call returns the part after it. With code ``bad-multipart``: the body is not multipart.
        """
        while not self.ended:
            if self._expecting is _Expecting.DATA:
                end = self._find_end()
                if end is not None:
                    return self._take(end)
                if self._expecting is _Expecting.DATA:
                    self._check_size()
                    return None
            elif not self._read_between_parts():
                return None
        return None

    def finish(self) -> Part | None:
        """Take the end of the body; return the final part if nothing of it is missing.

        Raises:
            ProtocolViolation: the body ends in the middle of a part, or its final part is too large.
        """
        if self._expecting is not _Expecting.DATA or self.ended:
            return None
        size = len(self._received)
        if self._length is not None and size >= self._length:
            return self._take(self._length)
        if self._length is not None and not _is_jpeg(self._received, size, _MOST_PADDING):
            raise _malformed("the body ends in the middle of a part")
        return self._take(size)

    def _read_between_parts(self) -> bool:
        """Read a line, or skip bytes that belong to no part; return whether there was enough data."""
        match self._expecting:
            case _Expecting.BOUNDARY:
                return self._read_boundary()
            case _Expecting.HEAD:
                return self._read_head()
            case _:
                return self._resync()

    def _read_boundary(self) -> bool:
        if self._received.startswith(_BLANK):
            blank = _BLANK_LINES.match(self._received)
            del self._received[: blank.end() if blank else 0]
            self._searched = 0
        if self._received.startswith(_JPEG_START):
            return self._begin_data({})
        end = self._find_line_end()
        if end < 0:
            if len(self._received) < _MAX_LINES:
                return False
            if not self._started:
                raise _malformed(f"a boundary may have {_MAX_DELIMITER} bytes, got {_shown(self._received)}")
            return self._begin(_Expecting.RESYNC)
        line = bytes(self._received[:end]).strip()
        if _is_header(line):
            return self._begin(_Expecting.HEAD)
        if not self._delimiter and (not self._started or line.startswith(b"--")):
            self._learn_delimiter(line)
        if line == self._delimiter + b"--":
            self.ended = True
            self._received.clear()
        elif self._delimiter and line.lstrip(b"-") == self._delimiter.lstrip(b"-"):
            del self._received[: end + 1]
            self._begin(_Expecting.HEAD)
        else:
            self._begin(_Expecting.RESYNC)
        return True

    def _learn_delimiter(self, line: bytes) -> None:
        announced = self.boundary.encode("latin-1", "replace").strip()
        if not 2 < len(line) <= _MAX_DELIMITER or not (line.startswith(b"--") or line == announced):
            if self._started:
                return
            raise _malformed(f"expected a boundary first, a line that begins with --, got {_shown(line)}")
        self._delimiter, self._started = line, True

    def _read_head(self) -> bool:
        """Read the lines of a part's head that have arrived."""
        while not self._received.startswith(_JPEG_START, self._head_size):  # otherwise the empty line is missing
            start = self._head_size
            end = self._received.find(b"\n", max(start, self._searched), _MAX_LINES)
            if end < 0:
                if len(self._received) >= _MAX_LINES:
                    raise _malformed(f"the head of a part may have {_MAX_LINES} bytes")
                self._searched = len(self._received)
                return False
            line = bytes(self._received[start:end]).strip()
            self._head_size = end + 1
            if not line:
                break
            # Some cameras repeat the status line of HTTP in each part; a line without a colon is ignored.
            name, colon, value = line.partition(b":")
            if colon:
                self._headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        del self._received[: self._head_size]
        return self._begin_data(self._headers)

    def _find_line_end(self) -> int:
        """Return where the first line ends; -1 if its end has not arrived."""
        end = self._received.find(b"\n", self._searched, _MAX_LINES)
        if end < 0:
            self._searched = len(self._received)
        return end

    def _resync(self) -> bool:
        """Skip bytes up to a boundary, a part's head or a JPEG."""
        # The first byte did not begin a part, otherwise the reader would not search here.
        found = _part_start(self._delimiter).search(self._received, max(1, self._searched))
        if found is None:
            keep = min(len(self._received), len(self._delimiter) + _LONGEST_START)
            del self._received[: len(self._received) - keep]
            self._searched = 0
            return False
        del self._received[: found.start()]
        return self._begin(_Expecting.BOUNDARY)

    def _begin(self, expecting: _Expecting) -> bool:
        self._expecting, self._searched = expecting, 0
        if expecting is _Expecting.HEAD:
            self._headers, self._head_size = {}, 0
        return True

    def _begin_data(self, headers: dict[str, str]) -> bool:
        self._headers, self._started = headers, True
        length = _announced_length(headers)
        # A part that is announced as too large may be smaller than that, so its size decides.
        self._length = None if length is None or length > self.max_size else length
        return self._begin(_Expecting.DATA)

    def _find_end(self) -> int | None:
        """Return the size of the current part's data; None if the end has not arrived."""
        received = self._received
        if not self._headers and received[:8].lower() == b"content-":  # an empty line came before the head
            self._begin(_Expecting.HEAD)
            return None
        # To search all of each picture costs five times as much as to trust its length.
        found = self._find_boundary() if self._length is None or self._distrusts_lengths else None
        length = self._length
        if found is not None or length is None or len(received) < length:
            return found
        following = received[length : length + _LONGEST_START + len(self._delimiter)].lstrip(_LINE_ENDS)
        delimiter = self._delimiter or b"--"
        if following.startswith(delimiter) or _is_jpeg(received, length, _MOST_PADDING):
            return length
        if delimiter.startswith(following):  # too little has arrived
            return None
        # The announced length is wrong, so the boundary ends the part.
        self._length, self._searched, self._distrusts_lengths = None, 0, True
        return self._find_boundary()

    def _find_boundary(self) -> int | None:
        """Return where the next boundary begins, if that is where the current part ends."""
        received, delimiter = self._received, self._delimiter
        if not delimiter:
            end = _END_OF_FIRST.search(received, max(0, self._searched - 2 * _LONGEST_START))
            self._searched = len(received)
            return end.end() if end and (self._length is None or end.end() < self._length) else None
        while (found := received.find(delimiter, self._searched)) >= 0:
            if self._length is not None and found >= self._length:
                return None
            self._searched = found + 1
            after_line = found == 0 or received[found - 1] == _LINE_FEED
            if after_line and self._length is None:
                return found
            if _is_jpeg(received, found, _LONGEST_START):
                return found
        self._searched = max(self._searched, len(received) - len(delimiter) + 1)
        return None

    def _check_size(self) -> None:
        """Skip the current part if it is too large."""
        size = len(self._received)
        if size > self.max_size + len(self._delimiter) + _LONGEST_START:
            self._begin(_Expecting.RESYNC)
            raise _too_large(self.max_size, max(size, _announced_length(self._headers) or 0))

    def _take(self, end: int) -> Part:
        with memoryview(self._received) as received:
            data = bytes(received[:end])
        del self._received[:end]
        self._begin(_Expecting.BOUNDARY)
        if self._length is None:
            data = _without_line_end(data)
        if len(data) > self.max_size:
            raise _too_large(self.max_size, len(data))
        return Part(self._headers, _without_padding(data))


def _without_line_end(data: bytes) -> bytes:
    """Remove the line end that belongs to the boundary."""
    return data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data


def _without_padding(data: bytes) -> bytes:
    """Remove line ends around a JPEG, which a wrong length counts in, and zeros behind it."""
    stripped = data.lstrip(_LINE_ENDS) if data.startswith(_BLANK) else data
    if not stripped.startswith(_JPEG_START):
        return data
    padded = stripped.rstrip(_PADDING)
    return padded if padded.endswith(_JPEG_END) else stripped


def _is_jpeg(received: bytearray, end: int, most_padding: int) -> bool:
    """Return whether the first ``end`` bytes begin and end as a JPEG does."""
    if end < 2 or received[end - 1] not in _LAST_BYTES or not received[:4].lstrip(_LINE_ENDS).startswith(b"\xff"):
        return False
    return received[max(0, end - most_padding) : end].rstrip(_PADDING).endswith(_JPEG_END)


def _is_header(line: bytes) -> bool:
    return line[:8].lower() == b"content-" and b":" in line


@lru_cache(maxsize=64)
def _part_start(delimiter: bytes) -> re.Pattern[bytes]:
    """Return the pattern of bytes with which a part can begin."""
    boundary = re.escape(delimiter) if delimiter else rb"(?<=\n)--"
    return re.compile(rb"%b|\xff\xd8\xff|(?<=\n)content-" % boundary, re.IGNORECASE)


def _announced_length(headers: dict[str, str]) -> int | None:
    """Return the ``Content-Length``; None if there is none, or if it is not a number."""
    length = headers.get("content-length", "")
    valid = length.isascii() and length.isdigit() and len(length) <= _MAX_LENGTH_DIGITS
    return int(length) if valid else None


def _too_large(max_size: int, size: int) -> ProtocolViolation:
    return ProtocolViolation(f"a frame may have {max_size} bytes, got one of {size} or more", "frame-too-large")


def _malformed(message: str) -> ProtocolViolation:
    return ProtocolViolation(message, "bad-multipart")


def _shown(line: bytes | bytearray) -> str:
    return ascii(line[:40].decode("latin-1"))
