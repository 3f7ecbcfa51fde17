"""Encode pictures as JPEGs of a chosen size and quality."""

from __future__ import annotations

from io import BytesIO

from attrs import frozen
from PIL import Image, ImageOps

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.upright import turn_upright
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.wire.jpeg import inspect_jpeg
from skysentry_trio.wire.orientation import UPRIGHT, exchanges_sides, read_orientations

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
    _as_rgb(image).save(encoded, "JPEG", quality=quality or DEFAULT_QUALITY)
    return encoded.getvalue()


def stored_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return the size of a stored picture whose upright picture has this size; the reverse is the same."""
    return (size[1], size[0]) if exchanges_sides(orientation) else size


def reshape_jpeg(jpeg: bytes, shape: ResizeSpec) -> bytes:
    """Return the JPEG unchanged if its upright picture fits the spec, otherwise encode the upright picture.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg`` if the JPEG cannot be decoded.
    """
    width, height = inspect_jpeg(jpeg)
    size = shape.size_for(width, height)
    if shape.quality is None and size == (width, height):
        return jpeg
    exif, _ = read_orientations(jpeg)
    orientation = exif or UPRIGHT
    try:
        with Image.open(BytesIO(jpeg)) as image:
            stored = stored_size(size, orientation)
            # Decoding a picture at half its size, or less, costs the decoder less than decoding the full picture.
            image.draft("RGB", stored)
            resized = image if image.size == stored else image.resize(stored)
            return encode_jpeg(turn_upright(resized, orientation), shape.quality)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ProtocolViolation(f"the JPEG cannot be decoded: {error}", "not-a-jpeg") from error


def encode_picture(data: bytes, shape: ResizeSpec) -> bytes:
    """Return a picture of another format, such as PNG, WebP or GIF, as a JPEG that fits the spec.

    Raises:
        ProtocolViolation: with code ``not-a-jpeg`` if the picture cannot be decoded.
    """
    try:
        with Image.open(BytesIO(data)) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
            size = shape.size_for(*upright.size)
            return encode_jpeg(upright if upright.size == size else _as_rgb(upright).resize(size), shape.quality)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ProtocolViolation(f"the picture cannot be decoded: {error}", "not-a-jpeg") from error


def _as_rgb(image: Image.Image) -> Image.Image:
    """Return a picture in the colours of a JPEG: 16 bits become 8, and what is transparent becomes black."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):
        # Without this, Pillow makes everything above 255 white.
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)
