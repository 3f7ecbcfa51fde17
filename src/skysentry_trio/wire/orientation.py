"""Read and write the orientation in a JPEG: how a viewer must turn the picture to show it upright.

The numbers 1 to 8 are those of EXIF (CIPA DC-008, tag 0x0112): 1 is upright; from 5 on, width and height are exchanged.
"""

from __future__ import annotations

import re
from typing import Final, Literal

UPRIGHT: Final = 1
APP1: Final = 0xE1
_FIRST_EXCHANGED: Final = 5
_LAST: Final = 8
_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_NO_FILL: Final = re.compile(rb"[^\xff]")
_TAG: Final = 0x0112
_ENTRY_SIZE: Final = 12
_TYPE_SIZES: Final = {1: 1, 3: 2, 4: 4}
"""Sizes in bytes of the whole numbers of TIFF: BYTE, SHORT, LONG."""
_TIFF_ORIENTATION: Final = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")


def exchanges_sides(orientation: int) -> bool:
    """Return whether the upright picture is as wide as the stored picture is high."""
    return orientation >= _FIRST_EXCHANGED


def exif_orientation(data: bytes, start: int, end: int) -> int | None:
    """Return the orientation in the EXIF data of an APP1 segment.

    Browsers obey this orientation, but not the one in XMP.

    Args:
        data: the JPEG.
        start: where the content of the segment begins.
        end: where the segment ends.

    Returns:
        None if the segment holds no valid orientation.
    """
    if not data.startswith(_EXIF, start):
        return None
    tiff = data[start + len(_EXIF) : end]
    order: Literal["little", "big"] = "little" if tiff.startswith(b"II*\0") else "big"
    if order == "big" and not tiff.startswith(b"MM\0*"):
        return None
    directory = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[directory : directory + 2], order)
    first = directory + 2
    for entry in range(first, min(first + count * _ENTRY_SIZE, len(tiff) - _ENTRY_SIZE + 1), _ENTRY_SIZE):
        if int.from_bytes(tiff[entry : entry + 2], order) == _TAG:
            size = _TYPE_SIZES.get(int.from_bytes(tiff[entry + 2 : entry + 4], order), 0)
            value = int.from_bytes(tiff[entry + 8 : entry + 8 + size], order)
            return value if UPRIGHT <= value <= _LAST else None
    return None


def xmp_orientation(data: bytes, start: int, end: int) -> int | None:
    """Return the orientation in the XMP data of an APP1 segment, as `exif_orientation` does for EXIF."""
    if not data.startswith(_XMP, start):
        return None
    found = _TIFF_ORIENTATION.search(data, start, end)
    return int(found[1]) if found else None


def read_orientations(jpeg: bytes) -> tuple[int | None, int | None]:
    """Return the orientations in EXIF and in XMP; None if there is none."""
    exif = xmp = None
    position = 2
    # The segments before the first scan (ITU-T T.81, annex B); others, and what is invalid, end the search.
    while len(jpeg) > position + 3 and jpeg[position] == 0xFF and jpeg[position + 1] not in {0xD9, 0xDA}:
        if jpeg[position + 1] == 0xFF:
            # Fill bytes, of which the last one belongs to the marker (section B.1.1.2).
            found = _NO_FILL.search(jpeg, position)
            position = len(jpeg) if found is None else found.start() - 1
            continue
        end = position + 2 + max(2, int.from_bytes(jpeg[position + 2 : position + 4], "big"))
        if jpeg[position + 1] == APP1:
            exif = exif or exif_orientation(jpeg, position + 4, end)
            xmp = xmp or xmp_orientation(jpeg, position + 4, end)
        position = end
    return exif, xmp


def orient(jpeg: bytes, orientation: int) -> bytes:
    """Return the JPEG with an orientation in EXIF that comes before all others in it."""
    entry = b"\x01\x12\0\x03\0\0\0\x01\0%c\0\0" % orientation
    content = _EXIF + b"MM\0*\0\0\0\x08\0\x01" + entry + bytes(4)
    segment = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    position = 2
    if jpeg[2:4] == b"\xff\xe0":  # JFIF wants to be first
        position += 2 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:position] + segment + jpeg[position:]
