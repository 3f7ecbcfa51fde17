from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from skysentry_trio.sources.pacing import FramePacer, PlaybackClock, Thinner


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


async def shown_at(clock: PlaybackClock, pictures: list[tuple[float | None, float | None]]) -> list[float]:
    """Return when pictures with these time stamps and durations are shown, from the first one on."""
    start, times = trio.current_time(), []
    for moment, duration in pictures:
        await clock.wait(moment, duration)
        times.append(round(trio.current_time() - start, 3))
    return times


@pytest.mark.parametrize(
    ("pictures", "times"),
    [
        ([(5.0, None), (5.5, None), (5.6, None)], [0, 0.5, 0.6]),
        ([(None, 0.5), (None, 0.5), (None, None)], [0, 0.5, 1.0]),
        ([(None, None)] * 3, [0, 0.04, 0.08]),
        ([(100.0, 0.1), (100.1, 0.1), (0.0, 0.1), (0.1, 0.1)], [0, 0.1, 0.2, 0.3]),
        ([(0.0, 0.1), (95443.7, 0.1), (95443.8, 0.1)], [0, 0.1, 0.2]),
        ([(1.0, 0.1), (1.0, 0.1), (1.2, 0.1)], [0, 0.1, 0.3]),
        ([(0.0, 0.04), (1800.0, 0.04)], [0, 1800]),
    ],
    ids=["variable", "durations alone", "nothing", "back", "a wrap", "twice the same", "half an hour of a still"],
)
async def test_time_stamps_say_when_a_picture_is_shown(
    autojump_clock: MockClock, pictures: list[tuple[float | None, float | None]], times: list[float]
) -> None:
    """What they cannot say is as it was before."""
    assert await shown_at(PlaybackClock(), pictures) == times


async def test_in_some_formats_time_stamps_may_jump(autojump_clock: MockClock) -> None:
    """There, nobody waits for half an hour."""
    assert await shown_at(PlaybackClock(longest_pause=10), [(0.0, 0.1), (1800.0, 0.1)]) == [0, 0.1]


async def test_a_video_that_begins_again_goes_on_in_its_time(autojump_clock: MockClock) -> None:
    """The last picture is shown as long as it should be, or as long as asked for."""
    clock = PlaybackClock()
    assert await shown_at(clock, [(0.0, 0.2), (0.2, 0.3)]) == [0, 0.2]
    clock.begin_again()
    assert await shown_at(clock, [(0.0, 0.2)]) == [0.3]
    clock.begin_again(1.0)
    assert await shown_at(clock, [(0.0, 0.2)]) == [1.0]


async def test_a_short_delay_of_a_playback_is_made_up_for_and_a_long_one_is_not(autojump_clock: MockClock) -> None:
    """The rate stays right, and there is no burst."""
    clock = PlaybackClock()
    await shown_at(clock, [(0.0, None), (0.1, None)])
    await trio.sleep(0.15)
    assert await shown_at(clock, [(0.2, None), (0.3, None)]) == [0, 0.05]
    await trio.sleep(5)
    assert await shown_at(clock, [(0.4, None), (0.5, None)]) == [0, 0.1]
