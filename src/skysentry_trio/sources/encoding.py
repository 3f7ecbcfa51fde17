"""Pictures into JPEGs of a wanted size and quality."""

from __future__ import annotations

from io import BytesIO

from attrs import frozen
from PIL import Image

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.wire.jpeg import inspect_jpeg

DEFAULT_QUALITY = 80


@frozen
class ResizeSpec:
    """What the JPEGs shall be like; None leaves it as the source has it."""

    width: int | None = None
    """In pixels, at most: nothing is enlarged. The height follows, and both are made even."""
    quality: int | None = None
    """Of the JPEG, 1 to 100; 80 where a picture must be encoded and nothing was asked for."""
    scale: float = 1.0
    """By which the width that would come out is multiplied."""

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """Return the size a picture of this size is to have."""
        target = min(width, self.width or width) * self.scale
        if target >= width:
            return width, height
        return _even(target), _even(height * target / width)

    def within(self, wanted: EncoderTarget) -> ResizeSpec:
        """Return the shape that also keeps to what is wanted."""
        widths = [width for width in (self.width, wanted.max_width) if width is not None]
        quality = self.quality
        if wanted.max_quality is not None or wanted.quality_factor < 1:
            most = min(quality or DEFAULT_QUALITY, wanted.max_quality or 100)
            quality = max(1, round(most * wanted.quality_factor))
        return ResizeSpec(min(widths, default=None), quality, wanted.width_factor)


UNCHANGED = ResizeSpec()


def encode_jpeg(image: Image.Image, quality: int | None) -> bytes:
    """Encode a picture."""
    encoded = BytesIO()
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    rgb.save(encoded, "JPEG", quality=quality or DEFAULT_QUALITY)
    return encoded.getvalue()


def reshape_jpeg(jpeg: bytes, shape: ResizeSpec) -> bytes:
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
        raise ProtocolViolation(f"the JPEG cannot be decoded: {error}", "not-a-jpeg") from error


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)
