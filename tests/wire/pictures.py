"""Real JPEGs of many kinds, small enough to be cut off at every byte."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

from PIL import Image

from skysentry_trio.wire.jpeg import PictureSize


def draw_jpeg(size: tuple[int, int] = (32, 24), mode: str = "RGB", **options: Any) -> bytes:
    """Return a JPEG of a gradient, which gives the scan something to say."""
    image = Image.linear_gradient("L").resize(size).convert(mode)
    encoded = BytesIO()
    image.save(encoded, "JPEG", **options)
    return encoded.getvalue()


def exif_with_thumbnail() -> bytes:
    """Return an Exif segment's content that has a whole JPEG in it, as cameras put it there."""
    thumbnail = draw_jpeg((16, 12))
    # TIFF, big endian: IFD0 without entries, then IFD1 with JPEGInterchangeFormat and its length.
    ifd1_at, data_at = 14, 14 + 2 + 2 * 12 + 4
    entries = b"".join(
        tag.to_bytes(2, "big") + (4).to_bytes(2, "big") + (1).to_bytes(4, "big") + value.to_bytes(4, "big")
        for tag, value in ((0x0201, data_at), (0x0202, len(thumbnail)))
    )
    tiff = b"MM\x00\x2a" + (8).to_bytes(4, "big") + b"\0\0" + ifd1_at.to_bytes(4, "big")
    return b"Exif\0\0" + tiff + b"\0\2" + entries + bytes(4) + thumbnail


def multi_picture_segment() -> bytes:
    """Return the start of an APP2 segment that announces further pictures behind this one (CIPA DC-007)."""
    content = b"MPF\0MM\0\x2a\0\0\0\x08" + bytes(16)
    return b"\xff\xe2" + (2 + len(content)).to_bytes(2, "big") + content


_KINDS = {
    "baseline": (draw_jpeg(), (32, 24)),
    "progressive": (draw_jpeg(progressive=True), (32, 24)),
    "optimized": (draw_jpeg(optimize=True), (32, 24)),
    "grayscale": (draw_jpeg(mode="L"), (32, 24)),
    "cmyk": (draw_jpeg(mode="CMYK"), (32, 24)),
    "one pixel": (draw_jpeg((1, 1)), (1, 1)),
    "wide": (draw_jpeg((4000, 1)), (4000, 1)),
    "worst quality": (draw_jpeg(quality=1), (32, 24)),
    "best quality": (draw_jpeg(quality=100, subsampling=0), (32, 24)),
    "restart markers": (draw_jpeg((64, 64), restart_marker_blocks=1), (64, 64)),
    "comment": (draw_jpeg(comment=b"\xff\xd9\xff\xd8 not the end"), (32, 24)),
    "thumbnail in Exif": (draw_jpeg(exif=exif_with_thumbnail()), (32, 24)),
    "colour profile": (draw_jpeg(icc_profile=bytes(range(256)) * 300), (32, 24)),
}
KINDS = {name: (jpeg, PictureSize(*size)) for name, (jpeg, size) in _KINDS.items()}
"""By name: a JPEG and the size it should have."""


def with_segment(jpeg: bytes, content: bytes) -> bytes:
    """Return a JPEG with an APP1 segment of this content at its start."""
    return jpeg[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content + jpeg[2:]


def exif_jpeg(orientation: int, order: str = ">") -> bytes:
    """Return a JPEG of 32x24 stored pixels with an orientation in EXIF, in big or little endian order."""
    head = b"MM" if order == ">" else b"II"
    values = {0x0100: 32, 0x0112: orientation}
    entries = b"".join(struct.pack(order + "HHIHH", tag, 3, 1, value, 0) for tag, value in values.items())
    tiff = head + struct.pack(order + "HIH", 42, 8, 2) + entries + bytes(4)
    return with_segment(draw_jpeg(), b"Exif\0\0" + tiff)


def xmp_jpeg(orientation: int) -> bytes:
    """Return a JPEG of 32x24 stored pixels with an orientation in XMP only."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'tiff:Orientation="{orientation}"/></rdf:RDF></x:xmpmeta>'
    )
    return with_segment(draw_jpeg(), b"http://ns.adobe.com/xap/1.0/\0" + packet.encode())
