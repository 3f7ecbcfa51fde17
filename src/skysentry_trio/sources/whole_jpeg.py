"""Turn a frame of Motion JPEG into one complete JPEG, without decoding it."""

from __future__ import annotations

import re
from functools import cache
from io import BytesIO

from PIL import Image

from skysentry_trio.wire.jpeg import inspect_jpeg

_DHT, _SOS, _EOI, _FILL = 0xC4, 0xDA, 0xD9, 0xFF
# In a scan, FF 00 is a byte of data, FF D0 to FF D7 are restarts, and FF FF is fill (ITU-T T.81, B.1.1).
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def whole_jpeg(data: bytes) -> bytes:
    """Return exactly one JPEG out of a frame of Motion JPEG.

    Bytes behind the end of the picture are cut off, because some cameras pad their frames. If the camera left out the
    Huffman tables, as AVI allows, the standard tables are inserted.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg`` if the data does not begin with a complete JPEG.
    """
    data = bytes(data)
    has_tables = False
    first_scan = 0
    position = 2
    while data.startswith(b"\xff\xd8") and len(data) >= position + 2 and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == _EOI:
            data = data[: position + 2]
            break
        if marker == _FILL:
            position += 1
            continue
        if marker == _DHT:
            has_tables = True
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == _SOS:
            first_scan = first_scan or position
            scan_end = _END_OF_SCAN.search(data, end)
            end = scan_end.start() if scan_end else len(data)
        position = end
    inspect_jpeg(data)
    return data if has_tables else data[:first_scan] + standard_huffman_tables() + data[first_scan:]


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
