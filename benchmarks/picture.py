"""JPEGs of a wanted size that carry a stamp: which camera sent them, the how-manieth it is, and when."""

from __future__ import annotations

import io
import random
import struct

from PIL import Image

# A comment segment (ITU-T T.81 section B.2.4.5) directly after the start of the image: decoders skip it.
_COMMENT = b"\xff\xfe"
_MAX_COMMENT = 65533
_MAGIC = b"sky-bench"
_STAMP = struct.Struct("!QII")
_SEGMENT = _COMMENT + (2 + len(_MAGIC) + _STAMP.size).to_bytes(2, "big") + _MAGIC

STAMP_OFFSET = 2 + len(_SEGMENT)
"""Bytes in front of the stamp in a JPEG of `make_jpeg`."""
STAMP_SIZE = _STAMP.size


def encode_stamp(sent_at: int, camera: int, sequence: int) -> bytes:
    """Write a stamp; ``sent_at`` is nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share."""
    return _STAMP.pack(sent_at, camera, sequence)


def find_stamp(data: bytes) -> tuple[int, int, int]:
    """Return time, camera and sequence from the first bytes of a message that holds such a JPEG.

    Raises:
        ValueError: there is no stamp.
    """
    return _STAMP.unpack_from(data, data.index(_MAGIC) + len(_MAGIC))


def make_jpeg(size: int) -> bytes:
    """Return a JPEG of exactly ``size`` bytes, nearly all of it picture, with room for a stamp."""
    header = b"\xff\xd8" + _SEGMENT + bytes(_STAMP.size)
    smallest, largest = 1, 256
    picture = _noise(smallest)
    while largest - smallest > 1:
        middle = (smallest + largest) // 2
        candidate = _noise(middle)
        # Four bytes are the smallest comment with which the rest can be filled.
        if len(header) + len(candidate) - 2 <= size - 4:
            smallest, picture = middle, candidate
        else:
            largest = middle
    return header + _comments(size - len(header) - len(picture) + 2) + picture[2:]


def _noise(blocks: int) -> bytes:
    """Encode a grey picture that cannot be compressed much, of ``blocks`` blocks in width."""
    width, height = 8 * blocks, 8 * max(1, blocks * 3 // 4)
    noise = random.Random(4).randbytes(width * height)  # noqa: S311  (it only has to be the same in each run)
    target = io.BytesIO()
    Image.frombytes("L", (width, height), noise).save(target, "JPEG", quality=70)
    return target.getvalue()


def _comments(size: int) -> bytes:
    """Return comment segments of ``size`` bytes in all, at least 4."""
    parts = []
    while size:
        length = min(size - 2, _MAX_COMMENT)
        if 0 < size - 2 - length < 4:
            length -= 4
        parts.append(_COMMENT + length.to_bytes(2, "big") + bytes(length - 2))
        size -= 2 + length
    return b"".join(parts)
