"""JPEGs of a given size with a stamp: the time of sending, the camera, and the sequence of the frame."""

from __future__ import annotations

import io
import random
import struct

from PIL import Image

# The stamp is in a comment segment (ITU-T T.81 section B.2.4.5) at the start of the JPEG. Decoders skip it.
_COMMENT = b"\xff\xfe"
_MAX_COMMENT = 65533
_MAGIC = b"sky-bench"
_STAMP = struct.Struct("!QII")
_SEGMENT = _COMMENT + (2 + len(_MAGIC) + _STAMP.size).to_bytes(2, "big") + _MAGIC

STAMP_OFFSET = 2 + len(_SEGMENT)
"""Number of bytes before the stamp in a JPEG of `make_jpeg`."""
STAMP_SIZE = _STAMP.size


def encode_stamp(sent_at: int, camera: int, sequence: int) -> bytes:
    """Encode a stamp; ``sent_at`` is in nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share."""
    return _STAMP.pack(sent_at, camera, sequence)


def find_stamp(data: bytes) -> tuple[int, int, int]:
    """Return time, camera and sequence from the first bytes of a message that contains a stamped JPEG.

    Raises:
        ValueError: there is no stamp.
    """
    return _STAMP.unpack_from(data, data.index(_MAGIC) + len(_MAGIC))


def make_jpeg(size: int) -> bytes:
    """Return a JPEG of exactly ``size`` bytes with space for a stamp; nearly all of it is image data."""
    header = b"\xff\xd8" + _SEGMENT + bytes(_STAMP.size)
    smallest, largest = 1, 256
    picture = _noise(smallest)
    while largest - smallest > 1:
        middle = (smallest + largest) // 2
        candidate = _noise(middle)
        # At least four bytes must be left, the size of the smallest comment, to fill up to the exact size.
        if len(header) + len(candidate) - 2 <= size - 4:
            smallest, picture = middle, candidate
        else:
            largest = middle
    return header + _comments(size - len(header) - len(picture) + 2) + picture[2:]


def _noise(blocks: int) -> bytes:
    """Encode a grey image of noise, which compresses badly; ``blocks`` is its width in blocks of 8 pixels."""
    width, height = 8 * blocks, 8 * max(1, blocks * 3 // 4)
    noise = random.Random(4).randbytes(width * height)  # noqa: S311  (no secret: the same in each run)
    target = io.BytesIO()
    Image.frombytes("L", (width, height), noise).save(target, "JPEG", quality=70)
    return target.getvalue()


def _comments(size: int) -> bytes:
    """Return comment segments with a total of ``size`` bytes, at least 4."""
    parts = []
    while size:
        length = min(size - 2, _MAX_COMMENT)
        if 0 < size - 2 - length < 4:
            length -= 4
        parts.append(_COMMENT + length.to_bytes(2, "big") + bytes(length - 2))
        size -= 2 + length
    return b"".join(parts)
