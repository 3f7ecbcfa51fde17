"""What is wrong with the pictures of a camera."""

from __future__ import annotations

import pytest

from skysentry_trio.server.relay.picture_condition import Condition, PictureCondition
from skysentry_trio.wire.capture import PictureMeasure


def test_the_same_bytes_again_and_again_are_frozen() -> None:
    """For ten seconds; another picture ends it, and a picture that the camera left out is not frozen."""
    condition, said = PictureCondition(), []
    for second in range(25):
        condition.note_frame(b"a%d" % min(second, 5), second)
        said.append(condition.current)
    still, left_out = b"still", PictureCondition()
    for second in range(25):
        left_out.note_frame(still, second)
    condition.note_frame(b"other", 25)

    assert said.index(Condition.FROZEN) == 15
    assert said[15:] == [Condition.FROZEN] * 10
    assert (condition.current, left_out.current) == (None, None)


@pytest.mark.parametrize(
    ("brightness", "contrast", "expected"),
    [
        (5, 1, Condition.DARK),
        (15, 12, Condition.DARK),
        (120, 2, Condition.COVERED),
        (120, 40, None),
        (None, None, None),
    ],
)
def test_dark_and_covered_are_measured(
    brightness: float | None, contrast: float | None, expected: Condition | None
) -> None:
    """They are said after three seconds, so that a hand before the lens or a lamp that is switched on is nothing."""
    condition, said = PictureCondition(), []
    for second in range(6):
        condition.note_frame(b"%d" % second, second)
        condition.note_measure(PictureMeasure(0.0, brightness, contrast), second)
        said.append(condition.current)

    assert said == [None, None, None, *[expected] * 3]
