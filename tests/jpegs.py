"""Small JPEGs that can be told apart."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image


def draw_jpeg(shade: int = 0, size: tuple[int, int] = (32, 24), **options: Any) -> bytes:
    """Return a JPEG of one colour."""
    encoded = BytesIO()
    Image.new("RGB", size, (shade % 256, 255 - shade % 256, 90)).save(encoded, "JPEG", **options)
    return encoded.getvalue()


def draw_noise(size: tuple[int, int]) -> bytes:
    """Return a JPEG of noise, which has many bytes for its size."""
    encoded = BytesIO()
    Image.effect_noise(size, 64).convert("RGB").save(encoded, "JPEG")
    return encoded.getvalue()


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Return the size a decoder finds, having decoded all of the picture."""
    with Image.open(BytesIO(jpeg)) as image:
        image.load()
        return image.size
