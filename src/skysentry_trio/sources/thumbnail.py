"""A small grey picture of a JPEG, in which changes are looked for."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageFilter

WIDTH: Final = 64
HEIGHT: Final = 36
_SMOOTH: Final = ImageFilter.BoxBlur(1)
"""Makes each point the mean of 3 by 3 points, which leaves a third of the noise."""


def make_thumbnail(jpeg: bytes) -> Image.Image | None:
    """Return 64 by 36 points of grey, smoothed; None if the JPEG cannot be decoded."""
    try:
        with Image.open(BytesIO(jpeg)) as image:
            # The decoder makes a picture of an eighth of the size for little more than nothing.
            image.draft("L", (WIDTH, HEIGHT))
            return image.convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BOX).filter(_SMOOTH)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
