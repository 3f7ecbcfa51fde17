from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.sources.pacing import FramePacer, Thinner


async def test_turns_come_at_the_rate(autojump_clock: trio.testing.MockClock) -> None:
    """The first turn is at once, the others a period apart."""
    pacer = FramePacer(4)
    start = trio.current_time()
    turns = []
    for _ in range(5):
        await pacer.wait()
        turns.append(trio.current_time() - start)
    assert turns == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])


async def test_a_late_turn_is_made_up_for(autojump_clock: trio.testing.MockClock) -> None:
    """Work that takes less than a period does not lower the rate."""
    pacer = FramePacer(10)
    start = trio.current_time()
    for _ in range(11):
        await pacer.wait()
        await trio.sleep(0.07)
    assert trio.current_time() - start == pytest.approx(1.07)


async def test_a_pause_is_not_followed_by_a_burst(autojump_clock: trio.testing.MockClock) -> None:
    """After being held up for long, turns come a period apart again."""
    pacer = FramePacer(10)
    await pacer.wait()
    await trio.sleep(5)
    start = trio.current_time()
    turns = []
    for _ in range(3):
        await pacer.wait()
        turns.append(trio.current_time() - start)
    assert turns == pytest.approx([0, 0.1, 0.2])


@given(st.integers(1, 60), st.integers(1, 60), st.lists(st.floats(-0.2, 0.2), min_size=120, max_size=120))
def test_thinning_gives_the_rate_asked_for(wanted: int, given_fps: int, jitter: list[float]) -> None:
    """Out of a stream that is a bit unsteady, as many a second remain as wanted, or all if there are less."""
    thinner = Thinner(wanted)
    times = [(index + off) / given_fps for index, off in enumerate(jitter)]
    admitted = sum(thinner.admits(time) for time in times)
    expected = min(wanted, given_fps) * len(times) / given_fps
    assert expected * 0.6 - 2 <= admitted <= expected * 1.1 + 2


def test_a_stream_as_fast_as_wanted_is_left_alone() -> None:
    """30 fps out of 30 is every frame, although a camera is never exactly on time."""
    thinner = Thinner(30)
    times = [index / 30 + (0.004 if index % 2 else -0.004) for index in range(300)]
    assert sum(thinner.admits(time) for time in times) == 300


def test_after_a_pause_thinning_begins_afresh() -> None:
    """The first frame after a pause is taken, but no burst behind it."""
    thinner = Thinner(1)
    assert [thinner.admits(time) for time in (0.0, 0.1, 60.0, 60.1, 60.2, 61.0)] == [
        True,
        False,
        True,
        False,
        False,
        True,
    ]
