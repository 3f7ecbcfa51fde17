"""Turn a frame of Motion JPEG into one complete JPEG, without decoding it."""

from __future__ import annotations

from functools import cache
from io import BytesIO

from PIL import Image

from skysentry_trio.wire.jpeg import trim_jpeg
from skysentry_trio.wire.orientation import UPRIGHT, orient, read_orientations

_DHT, _SOS = 0xC4, 0xDA


def whole_jpeg(data: bytes) -> bytes:
    """Return exactly one JPEG out of a frame of Motion JPEG.

    Bytes before and behind the picture are cut off, because some cameras pad their frames. If the camera left out the
    Huffman tables, as AVI allows, the standard tables are inserted. An orientation that is only in XMP, which browsers
    ignore, is written into EXIF as well.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg`` if there is no complete JPEG in the data.
    """
    jpeg = trim_jpeg(bytes(data), thorough=True)
    whole = jpeg.data
    if not jpeg.has_tables:
        whole = whole[: jpeg.scan] + standard_huffman_tables() + whole[jpeg.scan :]
    exif, xmp = read_orientations(whole)
    return whole if exif or xmp in {None, UPRIGHT} else orient(whole, xmp)


@cache
def standard_huffman_tables() -> bytes:
    """Return the DHT segments of ITU-T T.81, annex K.3, as an encoder that does not optimise writes them."""
    drawn = BytesIO()
    Image.new("RGB", (16, 16)).save(drawn, "JPEG", optimize=False)
    data = drawn.getvalue()
    tables = bytearray()
    position = 2
    while data[position + 1] != _SOS:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == _DHT:
            tables += data[position:end]
        position = end
    return bytes(tables)
