"""Draw the icons of the installed pages from their SVGs: `python frontend/draw-icons.py`, after an SVG has changed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ICONS: Final = Path(__file__).parent / "public" / "icons"
CHROMIUM: Final = "/usr/bin/chromium"
SIZES: Final = {"192": 192, "512": 512, "maskable": 512, "apple": 180}
FILLED: Final = {"maskable", "apple"}
"""Icons whose corners the system cuts off: the ground fills the whole square."""


def draw(page: Page, svg: str, size: int) -> bytes:
    """Return a PNG of `size` pixels."""
    page.set_viewport_size({"width": size, "height": size})
    page.set_content(f"<style>* {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
    drawn = Image.open(io.BytesIO(page.screenshot(omit_background=True)))
    small = io.BytesIO()
    drawn.quantize(64).save(small, "PNG", optimize=True)
    return small.getvalue()


with sync_playwright() as playwright:
    page = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page()
    for source in sorted(ICONS.glob("*.svg")):
        for name, size in SIZES.items():
            svg = source.read_text().replace('rx="8" fill', 'rx="0" fill') if name in FILLED else source.read_text()
            (ICONS / f"{source.stem}-{name}.png").write_bytes(draw(page, svg, size))
