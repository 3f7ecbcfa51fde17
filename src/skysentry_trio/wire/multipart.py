"""Encode Motion JPEG over HTTP, for viewers (RFC 2046 section 5.1); `multipart_reader` decodes it."""

from __future__ import annotations

from typing import Final

from skysentry_trio.base.frames import JpegFrame

CONTENT_TYPE: Final = "multipart/x-mixed-replace; boundary=frame"
OPENING: Final = b"--frame\r\n"
"""The boundary before the first part; FFmpeg recognizes the stream by this line."""
# Browsers paint a part when the boundary of the next part has arrived, so the boundary is sent with the part before.
_CLOSING: Final = b"\r\n--frame\r\n"


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
