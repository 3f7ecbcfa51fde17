"""Encode pictures as JPEGs of a chosen size and quality."""

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
    """The size and quality of JPEGs; None keeps what the source has."""

    width: int | None = None
    """Maximum width in pixels; smaller pictures are not enlarged. If a picture is scaled, the height changes in the
    same proportion, and both become even numbers."""
    quality: int | None = None
    """JPEG quality, 1 to 100; None means 80 for a picture that must be encoded."""
    scale: float = 1.0
    """Factor for the resulting width."""

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """Return the size to which a picture of this size is scaled."""
        target = min(width, self.width or width) * self.scale
        if target >= width:
            return width, height
        return _even(target), _even(height * target / width)

    def within(self, wanted: EncoderTarget) -> ResizeSpec:
        """Return a spec that keeps the limits of this spec and of the encoder target."""
        widths = [width for width in (self.width, wanted.max_width) if width is not None]
        quality = self.quality
        if wanted.max_quality is not None or wanted.quality_factor < 1:
            most = min(quality or DEFAULT_QUALITY, wanted.max_quality or 100)
            quality = max(1, round(most * wanted.quality_factor))
        return ResizeSpec(min(widths, default=None), quality, wanted.width_factor)


UNCHANGED = ResizeSpec()


def encode_jpeg(image: Image.Image, quality: int | None) -> bytes:
    """Encode a picture as a JPEG; a quality of None means the default quality."""
    encoded = BytesIO()
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    rgb.save(encoded, "JPEG", quality=quality or DEFAULT_QUALITY)
    return encoded.getvalue()


def reshape_jpeg(jpeg: bytes, shape: ResizeSpec) -> bytes:
    """Return the JPEG unchanged if it fits the spec, otherwise encode it again.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg`` if the JPEG cannot be decoded.
    """
    width, height = inspect_jpeg(jpeg)
    size = shape.size_for(width, height)
    if shape.quality is None and size == (width, height):
        return jpeg
    try:
        with Image.open(BytesIO(jpeg)) as image:
            # Decoding a picture at half its size, or less, costs the decoder less than decoding the full picture.
            image.draft("RGB", size)
            return encode_jpeg(image if image.size == size else image.resize(size), shape.quality)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ProtocolViolation(f"the JPEG cannot be decoded: {error}", "not-a-jpeg") from error


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)
