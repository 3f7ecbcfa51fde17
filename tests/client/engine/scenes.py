"""Pictures of a scene with the noise of a camera, and with a figure that walks through it."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw

SIZE = (320, 180)
NOISE = 12
"""Standard deviation, in levels of grey, of each pixel: as of a webcam in the evening."""


def scene(figure_at: float | None = None, *, light: int = 0, noise: int = NOISE, size: tuple[int, int] = SIZE) -> bytes:
    """Return a JPEG.

    Args:
        figure_at: where the figure is, as a share of the width; None for an empty scene.
        light: levels of grey by which the whole picture is brighter.
        noise: standard deviation of each pixel.
        size: in pixels.
    """
    image = _draw(figure_at, light, size)
    if noise:
        image = ImageChops.add(image, Image.effect_noise(size, noise), 1, -128)
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=80)
    return encoded.getvalue()


@lru_cache
def _draw(figure_at: float | None, light: int, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = Image.linear_gradient("L").resize(size).point(lambda level: 60 + level // 3 + light)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width * 0.6, height * 0.2, width * 0.8, height * 0.7), fill=150 + light)
    if figure_at is not None:
        left = figure_at * width
        draw.rectangle((left, height * 0.3, left + width * 0.06, height * 0.8), fill=30)
    return image
