from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.client.engine.uplink_controller import NO_REDUCTION, Reduction, UplinkController, reduction_for


class Periods:
    """Feeds an effort with periods of fifteen frames."""

    def __init__(self) -> None:
        self.effort = UplinkController()
        self.offered = self.skipped = 0

    def pass_by(self, *skipped: int, congested: bool = True, frames: int = 15) -> float:
        """Let periods pass in which so many frames were skipped; return the share at the end."""
        for lost in skipped:
            self.offered += frames
            self.skipped += lost
            self.effort.evaluate(self.offered, self.skipped, congested=congested)
        return self.effort.share


@pytest.mark.parametrize(
    ("share", "reduction"),
    [
        (1.0, NO_REDUCTION),
        (0.8, Reduction(quality=0.8)),
        (0.5, Reduction(quality=0.5)),
        (0.3, Reduction(quality=0.5, width=0.75)),
        (0.125, Reduction(quality=0.5, width=0.5)),
        (0.05, Reduction(quality=0.5, width=0.5, rate=0.4)),
    ],
)
def test_first_quality_then_width_then_rate(share: float, reduction: Reduction) -> None:
    """Half the quality, half the width, and only then fewer frames."""
    assert reduction_for(share, encodes=True) == reduction


def test_what_is_not_encoded_here_can_only_be_thinned() -> None:
    """Whole JPEGs keep their quality and width."""
    assert reduction_for(0.4, encodes=False) == Reduction(rate=0.4)


@given(st.floats(0.005, 1), st.floats(0.005, 1))
def test_a_larger_share_is_never_a_deeper_cut(one: float, other: float) -> None:
    """In no respect."""
    less, more = (reduction_for(share, encodes=True) for share in sorted((one, other)))
    assert less.quality <= more.quality
    assert less.width <= more.width
    assert less.rate <= more.rate


def test_a_hiccup_changes_nothing() -> None:
    """One bad period may have any cause."""
    assert Periods().pass_by(0, 8, 0, 8, 0) == 1.0


def test_a_few_skipped_frames_change_nothing() -> None:
    """Less than a tenth is the price of keeping the newest."""
    assert Periods().pass_by(1, 1, 1, 1) == 1.0


def test_a_slow_link_gets_what_it_carries() -> None:
    """After a second the share falls to a bit less than what came through."""
    assert Periods().pass_by(6, 6) == pytest.approx(0.6 * 0.9)


def test_one_fall_has_a_limit() -> None:
    """A second in which nothing came through is no measurement."""
    assert Periods().pass_by(15, 15) == 0.25


def test_there_is_always_something_left() -> None:
    """However long nothing comes through."""
    assert Periods().pass_by(*[15] * 100) == 0.005


def test_frames_skipped_for_another_reason_change_nothing() -> None:
    """When the link answers quickly it is the window that grows."""
    assert Periods().pass_by(8, 8, 8, congested=False) == 1.0


def test_it_climbs_back() -> None:
    """A fifth every two seconds while everything comes through without a queue."""
    periods = Periods()
    low = periods.pass_by(6, 6)
    assert periods.pass_by(0, 0, 0, 0, congested=False) == pytest.approx(low * 1.2)
    assert periods.pass_by(*[0] * 16, congested=False) == 1.0
    assert periods.pass_by(*[0] * 16, congested=False) == 1.0


def test_it_does_not_climb_while_frames_queue() -> None:
    """What comes through late is as much as there is room for."""
    periods = Periods()
    low = periods.pass_by(6, 6)
    assert periods.pass_by(*[0] * 30) == low


def test_a_step_that_was_too_much_is_taken_back_and_tried_later() -> None:
    """Twice as late each time it fails; as soon as ever once two steps in a row went well."""
    periods = Periods()
    periods.pass_by(6, 6)

    def periods_to_climb() -> int:
        share, count = periods.effort.share, 0
        while periods.effort.share == share:
            periods.pass_by(0, congested=False)
            count += 1
        return count

    waits = []
    for _ in range(6):
        waits.append(periods_to_climb())
        periods.pass_by(2, 2)
    assert waits == [4, 8, 16, 32, 64, 64]
    assert periods_to_climb() == 64
    assert periods_to_climb() == 64
    assert periods_to_climb() == 4


def test_slow_sources_are_judged_after_a_few_frames() -> None:
    """At a frame a second, a period of half a second says nothing."""
    periods = Periods()
    assert periods.pass_by(1, 0, 1, 0, 1, 0, frames=1) == pytest.approx(0.9 * (1 / 3 + 2 / 3) / 2, abs=0.1)


def test_what_happened_between_connections_does_not_count() -> None:
    """Frames that were skipped while there was no connection say nothing about one."""
    periods = Periods()
    periods.pass_by(6)
    periods.effort.begin(periods.offered + 1000, periods.skipped + 1000)
    periods.offered += 1000
    periods.skipped += 1000
    assert periods.pass_by(6) == 1.0
