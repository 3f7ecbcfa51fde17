"""The most that anybody has use for."""

from __future__ import annotations

import pytest

from skysentry_trio.base.demand import NO_LIMITS, CombinedDemand, Limits, most
from skysentry_trio.base.exceptions import ProtocolViolation


@pytest.mark.parametrize(
    ("limits", "together"),
    [
        ([Limits(5, 320, 0.5), Limits(10, 160, 0.8)], Limits(10, 320, 0.8)),
        ([Limits(5, 320, 0.5), NO_LIMITS], NO_LIMITS),
        ([Limits(max_fps=5), Limits(max_width=640)], NO_LIMITS),
        ([Limits(5, 320), Limits(2, 640)], Limits(5, 640)),
    ],
)
def test_everybody_gets_what_he_has_use_for(limits: list[Limits], together: Limits) -> None:
    """Of each limit the widest counts, and one without a limit lifts it for all."""
    assert most(limits) == together


@pytest.mark.parametrize(
    ("wanted", "told", "more"),
    [
        (Limits(12), Limits(0.2), True),
        (NO_LIMITS, Limits(12), True),
        (Limits(12), NO_LIMITS, False),
        (Limits(12, 320), Limits(5, 640), True),
        (Limits(5, 320), Limits(12, 640), False),
        (Limits(quality=0.9), Limits(quality=0.5), True),
        (Limits(12), Limits(12), False),
    ],
)
def test_more_is_told_from_less(wanted: Limits, told: Limits, more: bool) -> None:
    """More in any respect is more."""
    assert CombinedDemand(1, wanted).exceeds(CombinedDemand(2, told)) is more


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_fps": 0}, "maxFps"),
        ({"max_fps": float("nan")}, "maxFps"),
        ({"max_width": 0}, "maxWidth"),
        ({"max_width": 65_536}, "maxWidth"),
        ({"quality": 0.0}, "quality"),
        ({"quality": 1.5}, "quality"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, float], words: str) -> None:
    """The error names what is wrong as the wire calls it."""
    with pytest.raises(ProtocolViolation, match=words):
        Limits(**limits)  # type: ignore[arg-type]
