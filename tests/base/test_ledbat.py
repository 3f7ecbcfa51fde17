"""The delay of an empty link, and how far from the target a queue is."""

from __future__ import annotations

import math

import pytest

from skysentry_trio.base.ledbat import TARGET, BaseDelay, off_target


@pytest.mark.parametrize(("queueing", "frames"), [(0, 1), (TARGET / 2, 0.5), (TARGET, 0), (3 * TARGET, -2)])
def test_a_window_grows_until_the_target(queueing: float, frames: float) -> None:
    """By a frame on an empty link, not at all at the target, and it shrinks beyond."""
    assert off_target(queueing) == pytest.approx(frames)


def test_nothing_is_known_before_the_first_delay() -> None:
    """Whatever comes is less."""
    base = BaseDelay(10, 2)
    assert base.least == math.inf
    base.note(0.5, 0)
    assert base.least == 0.5


def test_the_least_delay_counts_until_its_period_is_too_old() -> None:
    """A period begins with the first delay after the last one's end."""
    base = BaseDelay(10, 2)
    least = []
    for now, delay in ((0, 0.3), (5, 0.1), (9, 0.2), (12, 0.4), (21, 0.5), (22, 0.6)):
        base.note(delay, now)
        least.append(base.least)

    assert least == [0.3, 0.1, 0.1, 0.1, 0.1, 0.4]


def test_a_period_is_over_after_its_seconds() -> None:
    """So that whoever measures can let the link run empty before."""
    base = BaseDelay(10, 2)
    base.note(0.1, 5)
    assert [base.is_over(now) for now in (5, 14.9, 15)] == [False, False, True]
