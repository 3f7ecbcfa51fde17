"""Frames as parts of a Motion JPEG body."""

from __future__ import annotations

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.wire.multipart import encode_offline_part, encode_part


def test_a_frame_becomes_a_part_with_the_boundary_of_the_next() -> None:
    """Byte for byte: FFmpeg, browsers and the like are particular about it."""
    frame = JpegFrame(12, 1700000000.25, None, b"JPEG", 1, 1)
    assert encode_part(frame) == (
        b"Content-Type: image/jpeg\r\n"
        b"Content-Length: 4\r\n"
        b"X-Timestamp: 1700000000.250000\r\n"
        b"X-Sequence: 12\r\n"
        b"X-SkySentry-Online: true\r\n"
        b"\r\n"
        b"JPEG\r\n"
        b"--frame\r\n"
    )


def test_the_time_of_capture_comes_before_that_of_arrival() -> None:
    """Whoever stamps frames has the better clock for it."""
    assert b"X-Timestamp: 5.000000\r\n" in encode_part(JpegFrame(1, 9.0, 5.0, b"JPEG", 1, 1))


def test_a_stand_in_has_no_number() -> None:
    """It is no frame of the camera, and says so."""
    part = encode_offline_part(b"JPEG", 3.5)
    assert b"X-SkySentry-Online: false\r\n" in part
    assert b"X-Timestamp: 3.500000\r\n" in part
    assert b"X-Sequence" not in part
    assert part.endswith(b"\r\n\r\nJPEG\r\n--frame\r\n")
