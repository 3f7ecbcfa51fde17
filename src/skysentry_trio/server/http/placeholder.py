"""The picture for a camera that has no frame to show."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

_WIDTH, _HEIGHT = 640, 360
_GROUND, _LENS, _TITLE, _TEXT = (17, 20, 26), (52, 60, 74), (238, 240, 244), (150, 160, 176)
_QUALITY = 80
_MARGIN = 40


@lru_cache(maxsize=32)
def draw_placeholder(title: str, text: str) -> bytes:
    """Return a JPEG with a title and a line of text below the title.

    This takes some milliseconds, so call it in a thread, not on the event loop. Pillow is imported here, so that a
    server that never draws a placeholder does not load Pillow into memory.
    """
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415

    image = Image.new("RGB", (_WIDTH, _HEIGHT), _GROUND)
    canvas = ImageDraw.Draw(image)
    # Draw a crossed-out camera, which people recognize from a distance.
    left, top = _WIDTH // 2 - 46, 78
    canvas.rounded_rectangle((left, top, left + 64, top + 52), 10, fill=_LENS)
    canvas.polygon(
        [(left + 68, top + 22), (left + 92, top + 8), (left + 92, top + 44), (left + 68, top + 30)], fill=_LENS
    )
    canvas.line((left - 6, top + 60, left + 86, top - 8), fill=_GROUND, width=12)
    canvas.line((left - 6, top + 60, left + 86, top - 8), fill=_TEXT, width=4)
    for line, size, height, colour in ((title, 34, 190, _TITLE), (text, 20, 244, _TEXT)):
        font = ImageFont.load_default(size)
        shown = line
        while font.getlength(shown) > _WIDTH - 2 * _MARGIN and len(shown) > 1:
            shown = shown.removesuffix("…")[:-1] + "…"
        canvas.text(((_WIDTH - font.getlength(shown)) / 2, height), shown, font=font, fill=colour)
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=_QUALITY)
    return encoded.getvalue()
