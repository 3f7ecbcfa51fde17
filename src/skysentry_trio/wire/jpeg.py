"""Find one complete JPEG in received bytes without decoding it: the trimming that all doors share."""

from __future__ import annotations

import struct
from typing import NamedTuple

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.orientation import exchanges_sides, exif_orientation

# ITU-T T.81, table B.1. Start-of-frame markers are C0..CF except DHT (C4), JPG (C8) and DAC (CC).
_FIRST, _DHT, _SOI, _EOI, _SOS, _APP1, _APP2, _FILL = (
    0xFF00,
    0xFFC4,
    0xFFD8,
    0xFFD9,
    0xFFDA,
    0xFFE1,
    0xFFE2,
    0xFFFF,
)
_START_OF_FRAME = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC}
_STANDALONE = frozenset(range(0xFFD0, 0xFFD8)) | {0xFF01}
_PLAIN = (
    frozenset(range(0xFF00, 0x10000)) - _START_OF_FRAME - _STANDALONE - {_DHT, _SOI, _EOI, _SOS, _APP1, _APP2, _FILL}
)
"""Markers of segments that only have to be skipped."""
_read_segment = struct.Struct(">HH").unpack_from
"""Returns the marker at a position, and the length of the segment if the marker has one."""
_MAX_SEGMENTS = 256
_START, _END = b"\xff\xd8", b"\xff\xd9"
MAX_JUNK = 4096
"""Bytes before a JPEG that are skipped at most; a JPEG further inside is a part of a file of another kind."""
_SIGNATURE = 120
"""Number of first bytes by which a second picture of the same encoder is recognized."""


class PictureSize(NamedTuple):
    """Width and height of a picture in pixels, as viewers see it: upright, after the orientation in EXIF."""

    width: int
    height: int


class Jpeg(NamedTuple):
    """One complete JPEG."""

    data: bytes
    """The JPEG, from FF D8 to FF D9."""
    size: PictureSize
    scan: int
    """Position of the first scan in `data`."""
    has_tables: bool
    """Whether Huffman tables come before the first scan."""


def trim_jpeg(data: bytes, *, thorough: bool = False, surely_single: int = 0) -> Jpeg:
    """Return the first JPEG in the data, without the bytes before and behind it.

    Cameras pad pictures with zeros, and add line ends, video clips and further pictures. Decoders ignore such bytes. Up
    to 4096 bytes are skipped before the JPEG. If the data is exactly one JPEG, it is returned itself, not a copy.

    This refuses data without a JPEG, and a JPEG without an end-of-image marker. It does not find wrong bits in a scan.

    Args:
        data: what was received.
        thorough: whether to look at every byte. Otherwise, data that begins and ends as a JPEG takes only a few steps,
            also if the picture is large. A second picture behind the first one is then found only if it begins with the
            same bytes, or if the first one announces it (Multi-Picture Format, CIPA DC-007).
        surely_single: data of up to this many bytes is not searched for a second picture that begins with the same
            bytes. The search is cheap, but not nothing: it takes as long as a quarter of all other steps.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg``; the message says what was found.
    """
    if data[:2] != _START:
        start = data.find(_START + b"\xff", 0, MAX_JUNK)
        if start < 0:
            raise _no_start(data)
        data = data[start:]
    size, scan, has_tables, may_hold_more = _read_head(data)
    if thorough or may_hold_more or data[-2:] != _END or (len(data) > surely_single and _begins_twice(data, scan)):
        # The first such bytes behind the start of a scan are the end: in a scan, FF is data only before a zero, and
        # the tables between two scans do not hold these two bytes.
        end = data.find(_END, scan)
        if end < 0:
            raise _not_a_jpeg(f"expected the JPEG to end with FF D9, but its {len(data)} bytes have no end")
        data = data[: end + 2]
    return Jpeg(data, size, scan, has_tables)


def _begins_twice(data: bytes, scan: int) -> bool:
    # `rfind` takes half the time of `find`.
    return data.rfind(data[:_SIGNATURE], scan) >= 0


def inspect_jpeg(data: bytes) -> PictureSize:
    """Check that the data is one JPEG from its first to its last byte, and return the size of the upright picture.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg``; the message says what was found.
    """
    if data[:2] != _START:
        raise _no_start(data)
    if data[-2:] != _END:
        raise _not_a_jpeg(f"expected the JPEG to end with FF D9, but its {len(data)} bytes end otherwise")
    size, *_ = _read_head(data)
    return size


def _read_head(data: bytes) -> tuple[PictureSize, int, bool, bool]:
    """Check the segments up to the first scan.

    Returns:
        The size of the upright picture, the position of the first scan, whether there are Huffman tables, and whether
        other pictures may follow.
    """
    size: PictureSize | None = None
    orientation: int | None = None
    has_tables = may_hold_more = False
    position = 2
    try:
        for _ in range(_MAX_SEGMENTS):
            marker, length = _read_segment(data, position)
            if marker not in _PLAIN:
                if marker == _SOS and size is not None:
                    upright = size if orientation is None else turned_size(size, orientation)
                    return upright, position, has_tables, may_hold_more
                if marker == _DHT:
                    has_tables = True
                elif marker in _START_OF_FRAME:
                    size = _frame_size(data, position, length)
                elif marker == _APP1:
                    orientation = orientation or exif_orientation(data, position + 4, position + 2 + length)
                elif marker == _APP2:
                    may_hold_more = may_hold_more or data.startswith(b"MPF\0", position + 4)
                else:
                    position += _length_of_marker(marker, position)
                    continue
            if length < 2:
                raise _not_a_jpeg(f"the segment at byte {position} says it is {length} bytes long")
            position += 2 + length
    except (IndexError, struct.error):
        if len(data) == position + 2:
            _length_of_marker(int.from_bytes(data[position:], "big"), position)
        raise _not_a_jpeg(f"the JPEG was cut off: its segments go past its {len(data)} bytes") from None
    raise _not_a_jpeg(f"more than {_MAX_SEGMENTS} segments before the picture itself")


def _length_of_marker(marker: int, position: int) -> int:
    """Return the number of bytes to skip at a marker without a segment."""
    if marker == _FILL:  # section B.1.1.2
        return 1
    if marker in _STANDALONE:
        return 2
    if marker < _FIRST:
        raise _not_a_jpeg(f"expected a JPEG marker at byte {position}, got {marker >> 8:#04x}")
    raise _not_a_jpeg(f"marker FF {marker & 0xFF:02X} at byte {position} comes before any frame header")


def turned_size(size: PictureSize, orientation: int) -> PictureSize:
    """Return the size of the upright picture from that of the stored picture, or the other way round."""
    return PictureSize(size.height, size.width) if exchanges_sides(orientation) else size


def _frame_size(data: bytes, position: int, length: int) -> PictureSize:
    """Read a frame header (section B.2.2)."""
    height = data[position + 5] << 8 | data[position + 6]
    width = data[position + 7] << 8 | data[position + 8]
    if length < 11 or not (width and height):
        raise _not_a_jpeg(f"the frame header at byte {position} says {width}x{height} pixels")
    return PictureSize(width, height)


def _no_start(data: bytes) -> ProtocolViolation:
    start = f"that begin with {data[:4].hex(' ').upper()}" if data else "(an empty message)"
    return _not_a_jpeg(f"expected a JPEG, which begins with FF D8, got {len(data)} bytes {start}")


def _not_a_jpeg(message: str) -> ProtocolViolation:
    return ProtocolViolation(message, "not-a-jpeg")
