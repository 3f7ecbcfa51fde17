"""One file of recorded frames: the parts of a Motion JPEG body, which other programs can read too.

A segment describes itself: the head of each part has everything that the index knows about the frame. Parts are only
added at the end. If the last part is incomplete, because the server was killed, then the segment ends before this part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from skysentry_trio.base.frames import JpegFrame

SUFFIX: Final = ".mpjpeg"
OPENING: Final = b"--frame\r\n"
"""The first line of a segment."""
_CLOSING: Final = b"\r\n--frame\r\n"
_HEAD: Final = re.compile(
    rb"Content-Type: image/jpeg\r\nContent-Length: (\d{1,10})\r\nX-Timestamp: (\d{1,15}\.\d{6})\r\n"
    rb"(?:X-Captured-At: (-?\d{1,15}\.\d{6})\r\n)?X-Sequence: (\d{1,18})\r\nX-Epoch: (\d{1,18})\r\n\r\n"
)
_MOST_HEAD: Final = 512
"""Number of bytes in which the head of a part is looked for."""


@frozen
class Record:
    """One frame in a segment."""

    epoch: int
    """Number of the camera's count of frames; a higher epoch is later. Within an epoch, sequences grow."""
    sequence: int
    received_at: float
    """Seconds since the epoch."""
    captured_at: float | None
    """Seconds since the epoch; None if unknown."""
    offset: int
    """Where the part begins in the segment, in bytes."""
    size: int
    """Bytes of the part, including the line of the next boundary."""
    jpeg: slice
    """Where the JPEG is in the segment."""


def encode_record(frame: JpegFrame, epoch: int) -> tuple[bytes, bytes, bytes]:
    """Return the pieces of one part; the JPEG is among them as it is, so that it need not be copied."""
    captured = b"" if frame.captured_at is None else b"X-Captured-At: %.6f\r\n" % frame.captured_at
    length, moment = len(frame.jpeg), frame.received_at
    head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\nX-Timestamp: %.6f\r\n%b" % (length, moment, captured)
    return head + b"X-Sequence: %d\r\nX-Epoch: %d\r\n\r\n" % (frame.sequence, epoch), frame.jpeg, _CLOSING


def decode_record(data: bytes | memoryview, offset: int = 0) -> Record | None:
    """Return the frame whose part begins at an offset; None if there is no complete part.

    Args:
        data: a segment, or a piece of it.
        offset: from the start of ``data``.
    """
    match = _HEAD.match(data, offset, offset + _MOST_HEAD)
    if match is None:
        return None
    length, received, captured, sequence, epoch = match.groups()
    begin, end = match.end(), match.end() + int(length)
    if data[end : end + len(_CLOSING)] != _CLOSING:
        return None
    return Record(
        int(epoch),
        int(sequence),
        float(received),
        None if captured is None else float(captured),
        offset,
        end + len(_CLOSING) - offset,
        slice(begin, end),
    )


def scan(data: bytes | memoryview) -> Iterator[Record]:
    """Yield the frames of a segment up to the first part that is incomplete or invalid."""
    if data[: len(OPENING)] != OPENING:
        return
    offset = len(OPENING)
    while (record := decode_record(data, offset)) is not None:
        yield record
        offset += record.size
