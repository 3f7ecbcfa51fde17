"""Recognize a complete JPEG without decoding it."""

from __future__ import annotations

from typing import NamedTuple

from skysentry_trio.base.exceptions import ProtocolViolation

# ITU-T T.81, table B.1. Start-of-frame markers are C0..CF except DHT (C4), JPG (C8) and DAC (CC).
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_MAX_SEGMENTS = 256


class PictureSize(NamedTuple):
    """Width and height of a picture in pixels."""

    width: int
    height: int


def inspect_jpeg(data: bytes) -> PictureSize:
    """Check the segments of a JPEG up to its scan, and return the size of the picture.

    This takes only a few steps, also for a large picture. It refuses data that is not a JPEG, and data that does not
    end with an end-of-image marker. It does not find wrong bits in a scan.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg``; the message says what was found.
    """
    if data[:2] != b"\xff\xd8":
        raise _not_a_jpeg(f"expected a JPEG, which begins with FF D8, got {len(data)} bytes {_start_of(data)}")
    if data[-2:] != b"\xff\xd9":
        raise _not_a_jpeg(f"expected the JPEG to end with FF D9, but its {len(data)} bytes end otherwise")
    size: PictureSize | None = None
    position = 2
    try:
        for _ in range(_MAX_SEGMENTS):
            if data[position] != 0xFF:
                raise _not_a_jpeg(f"expected a JPEG marker at byte {position}, got {data[position]:#04x}")
            marker = data[position + 1]
            if marker == 0xFF:  # fill byte, section B.1.1.2
                position += 1
            elif marker in _STANDALONE:
                position += 2
            elif marker == _SOS and size is not None:
                return size
            elif marker in (_SOI, _EOI, _SOS):
                raise _not_a_jpeg(f"marker FF {marker:02X} at byte {position} comes before any frame header")
            else:
                length = data[position + 2] << 8 | data[position + 3]
                if marker in _START_OF_FRAME:
                    size = _frame_size(data, position, length)
                if length < 2:
                    raise _not_a_jpeg(f"the segment at byte {position} says it is {length} bytes long")
                position += 2 + length
    except IndexError:
        raise _not_a_jpeg(f"the JPEG was cut off: its segments go past its {len(data)} bytes") from None
    raise _not_a_jpeg(f"more than {_MAX_SEGMENTS} segments before the picture itself")


def _frame_size(data: bytes, position: int, length: int) -> PictureSize:
    """Read a frame header (section B.2.2)."""
    height = data[position + 5] << 8 | data[position + 6]
    width = data[position + 7] << 8 | data[position + 8]
    if length < 11 or not (width and height):
        raise _not_a_jpeg(f"the frame header at byte {position} says {width}x{height} pixels")
    return PictureSize(width, height)


def _start_of(data: bytes) -> str:
    return f"that begin with {data[:4].hex(' ').upper()}" if data else "(an empty message)"


def _not_a_jpeg(message: str) -> ProtocolViolation:
    return ProtocolViolation(message, "not-a-jpeg")
