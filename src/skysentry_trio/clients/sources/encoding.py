"""Pictures into JPEGs of a wanted size and quality."""

from __future__ import annotations

from io import BytesIO

from attrs import frozen
from PIL import Image

from skysentry_trio.exceptions import ProtocolViolation
from skysentry_trio.wire.jpeg import inspect_jpeg

DEFAULT_QUALITY = 80


@frozen
class Shape:
    """What the JPEGs shall be like; None leaves it as the source has it."""

    width: int | None = None
    """In pixels, at most: nothing is enlarged. The height follows, and both are made even."""
    quality: int | None = None
    """Of the JPEG, 1 to 100; 80 where a picture must be encoded and nothing was asked for."""

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """Return the size a picture of this size is to have."""
        if self.width is None or width <= self.width:
            return width, height
        return _even(self.width), _even(height * self.width / width)


AS_IT_IS = Shape()


def encode_jpeg(image: Image.Image, quality: int | None) -> bytes:
    """Encode a picture."""
    encoded = BytesIO()
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    rgb.save(encoded, "JPEG", quality=quality or DEFAULT_QUALITY)
    return encoded.getvalue()


def reshape_jpeg(jpeg: bytes, shape: Shape) -> bytes:
    """Return the JPEG as it is if it is as it shall be, else encode it anew.

    Raises:
        ProtocolViolation: if it cannot be decoded.
    """
    width, height = inspect_jpeg(jpeg)
    size = shape.size_for(width, height)
    if shape.quality is None and size == (width, height):
        return jpeg
    try:
        with Image.open(BytesIO(jpeg)) as image:
            # The decoder can halve a picture for less than it costs to decode all of it.
            image.draft("RGB", size)
            return encode_jpeg(image if image.size == size else image.resize(size), shape.quality)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ProtocolViolation(f"the JPEG cannot be decoded: {error}", code="not-a-jpeg") from error


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)
