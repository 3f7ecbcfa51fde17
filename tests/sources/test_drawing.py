from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageChops

from skysentry_trio.sources.drawing import DUSK, MORNING, NIGHT, Look, Pattern
from tests.jpegs import size_of

NOON = 1_700_000_000.25


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg)).convert("L")


def differ_in(first: bytes, second: bytes, box: tuple[int, int, int, int]) -> bool:
    """Tell whether two pictures differ visibly within a box of relative thousandths."""
    a, b = opened(first), opened(second)
    left, top, right, bottom = (part * side // 1000 for part, side in zip(box, a.size * 2, strict=True))
    difference = ImageChops.difference(a, b).crop((left, top, right, bottom))
    return max(difference.tobytes()) > 60


CLOCK = (150, 300, 850, 560)
NUMBER = (750, 30, 1000, 140)
LABEL = (0, 30, 500, 140)


@pytest.mark.parametrize("size", [(640, 360), (640, 480), (320, 180), (1920, 1080), (16, 16), (100, 800)])
@pytest.mark.parametrize("look", [DUSK, MORNING, NIGHT])
def test_a_pattern_is_drawn_at_any_size(size: tuple[int, int], look: Look) -> None:
    """A frame is a JPEG of the size asked for."""
    assert size_of(Pattern("door", *size, look=look).draw(1, NOON)) == size


def test_the_clock_shows_milliseconds() -> None:
    """Frames a millisecond apart look different where the clock is, and not where the label is."""
    pattern = Pattern("door")
    first, second = pattern.draw(1, NOON), pattern.draw(1, NOON + 0.001)
    assert differ_in(first, second, CLOCK)
    assert not differ_in(first, second, LABEL)
    assert not differ_in(first, second, NUMBER)


def test_the_number_is_drawn() -> None:
    """Two frames of the same moment differ in their number only."""
    pattern = Pattern("door")
    first, second = pattern.draw(1, NOON), pattern.draw(2, NOON)
    assert differ_in(first, second, NUMBER)
    assert not differ_in(first, second, CLOCK)


def test_the_label_is_drawn() -> None:
    """Patterns of two cameras can be told apart by their label."""
    first, second = Pattern("door").draw(1, NOON), Pattern("yard").draw(1, NOON)
    assert differ_in(first, second, LABEL)
    assert not differ_in(first, second, NUMBER)


def test_a_long_label_leaves_room_for_the_number() -> None:
    """The number can be read however long the label is."""
    long, short = Pattern("x" * 300).draw(1, NOON), Pattern("x").draw(1, NOON)
    assert not differ_in(long, short, (840, 30, 1000, 140))


def test_quality_is_obeyed() -> None:
    """Less quality makes smaller frames."""
    assert len(Pattern("door", quality=20).draw(1, NOON)) < len(Pattern("door", quality=90).draw(1, NOON))
