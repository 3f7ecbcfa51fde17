from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from skysentry_trio.server.http.placeholder import draw_placeholder
from skysentry_trio.wire.jpeg import inspect_jpeg


@pytest.mark.parametrize("title", ["Front door", "", "x" * 80, "Tür 門 \U0001f6aa"])
def test_any_name_makes_a_small_jpeg(title: str) -> None:
    """One that we would take from a camera, whatever it is called."""
    jpeg = draw_placeholder(title, "offline since 2026-05-01 12:00:06 UTC")
    assert inspect_jpeg(jpeg) == (640, 360)
    assert len(jpeg) < 30_000


def test_name_and_text_are_in_it() -> None:
    """Two names make two pictures, and the text stands below the name."""
    empty, name, text = (
        Image.open(BytesIO(draw_placeholder(*words))) for words in (("", ""), ("Gate", ""), ("", "gone"))
    )

    def darkest_row_with_ink(image: Image.Image) -> int:
        difference = [
            abs(one - other)
            for one, other in zip(image.convert("L").tobytes(), empty.convert("L").tobytes(), strict=True)
        ]
        rows = [max(difference[row * 640 : row * 640 + 640]) for row in range(360)]
        return next(row for row, ink in enumerate(rows) if ink > 60)

    assert darkest_row_with_ink(name) < darkest_row_with_ink(text)


def test_it_is_drawn_once() -> None:
    """A thousand clients of a camera that is gone ask for the same."""
    assert draw_placeholder("Gate", "gone") is draw_placeholder("Gate", "gone")
