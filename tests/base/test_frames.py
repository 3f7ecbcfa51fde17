"""The ring and the frame rate: values in, values out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.frames import FrameRate, FrameRing, JpegFrame


def make_frame(sequence: int, size: int = 1, *, received_at: float = 0.0, arrived: float = 0.0) -> JpegFrame:
    return JpegFrame(sequence, received_at, None, bytes(size), 4, 3, arrived)


def fill(ring: FrameRing, stamps: Iterable[float]) -> None:
    """Put in one frame a second, each with the time that the wall clock shows then."""
    for sequence, stamp in enumerate(stamps, 1):
        ring.append(make_frame(sequence, received_at=stamp, arrived=float(sequence)))


def number(frame: JpegFrame | None) -> int | None:
    return None if frame is None else frame.sequence


def test_an_empty_ring_has_no_newest_frame() -> None:
    """Nothing is there before the first frame."""
    ring = FrameRing(3)

    assert (ring.newest, len(ring), list(ring)) == (None, 0, [])


@given(capacity=st.integers(1, 5), sizes=st.lists(st.integers(0, 20), max_size=20))
def test_a_ring_holds_the_newest_frames_and_knows_their_bytes(capacity: int, sizes: list[int]) -> None:
    """Whatever comes, the ring holds the last ones, oldest first, and `nbytes` is their sum."""
    ring = FrameRing(capacity)
    frames = [make_frame(index, size) for index, size in enumerate(sizes, 1)]

    for frame in frames:
        ring.append(frame)

    assert frames[-capacity:] == list(ring)
    assert sum(sizes[-capacity:]) == ring.nbytes
    assert (frames[-1] if frames else None) is ring.newest


def test_the_oldest_frame_can_be_let_go() -> None:
    """Room is made from the old end, until there is nothing to let go."""
    ring = FrameRing(3)
    ring.append(make_frame(1, 10))
    ring.append(make_frame(2, 5))

    ring.discard_oldest()
    assert (ring.nbytes, [frame.sequence for frame in ring]) == (5, [2])
    ring.discard_oldest()
    assert (ring.nbytes, len(ring)) == (0, 0)
    with pytest.raises(IndexError):
        ring.discard_oldest()


def test_a_ring_is_bounded_in_bytes_but_for_its_newest_frame() -> None:
    """Old frames go until the new one fits; one that is larger than the bound is alone."""
    ring = FrameRing(100, max_bytes=10)
    held = []
    for sequence, size in enumerate([4, 4, 2, 1, 11, 3, 7], 1):
        ring.append(make_frame(sequence, size))
        held.append([frame.sequence for frame in ring])

    assert held == [[1], [1, 2], [1, 2, 3], [2, 3, 4], [5], [6], [6, 7]]


def test_a_ring_is_bounded_in_age() -> None:
    """When a frame comes, those go that are older than the bound then."""
    ring = FrameRing(100, max_age=3.0)
    fill(ring, range(1, 11))

    assert [frame.sequence for frame in ring] == [7, 8, 9, 10]
    assert ring.nbytes == 4


def test_frames_go_by_age_also_when_no_more_come() -> None:
    """Whoever cares for the ring lets old frames go; the newest stays, as it is what the camera shows."""
    ring = FrameRing(100, max_age=3.0)
    fill(ring, range(1, 4))

    ring.trim(4.5)
    assert [frame.sequence for frame in ring] == [2, 3]
    ring.trim(1e9)
    assert ([frame.sequence for frame in ring], ring.nbytes) == ([3], 1)
    FrameRing(1, max_age=3.0).trim(1e9)


def test_some_frames_are_never_too_old() -> None:
    """A ring that keeps the last seconds also keeps the last frames of a camera that rarely sends any."""
    ring = FrameRing(100, max_age=3.0, ageless=6)
    fill(ring, range(1, 11))
    many = [frame.sequence for frame in ring]
    ring.trim(1e9)

    assert many == [5, 6, 7, 8, 9, 10]
    assert [frame.sequence for frame in ring] == many


def test_a_wrong_clock_lets_no_frames_go() -> None:
    """Age is measured by the clock that nobody sets, so a jump of the other empties no ring, and fills none."""
    ring = FrameRing(100, max_age=3.0)
    fill(ring, [1000.0, 5000.0, 2.0, 3.0])

    assert [frame.sequence for frame in ring] == [1, 2, 3, 4]


def test_frames_are_found_by_time() -> None:
    """The answer is the last frame that had been received then, and none before the first."""
    ring = FrameRing(4)
    fill(ring, [10.0, 11.0, 12.0, 13.0, 14.0, 15.0])

    assert [number(ring.at(time)) for time in (11.9, 12.0, 12.5, 13.0, 15.0, 99.0)] == [None, 3, 3, 4, 6, 6]
    assert [number(ring.back(seconds, now=6.5)) for seconds in (0.0, 0.5, 1.0, 3.5, 3.6)] == [6, 6, 5, 3, None]
    assert number(ring.oldest) == 3


def test_frames_are_found_by_sequence() -> None:
    """One that is gone is told from its neighbours: the last one before it, and the first one after it."""
    ring = FrameRing(3)
    fill(ring, range(1, 6))

    assert [number(ring.up_to(sequence)) for sequence in range(1, 8)] == [None, None, 3, 4, 5, 5, 5]
    assert [number(ring.after(sequence)) for sequence in range(7)] == [3, 3, 3, 4, 5, None, None]


def test_nothing_is_found_in_an_empty_ring() -> None:
    """Each question has the answer None."""
    ring = FrameRing(3)

    assert [ring.oldest, ring.at(5.0), ring.back(0.0, 5.0), ring.up_to(5), ring.after(0)] == [None] * 5


def test_after_the_clock_was_set_back_time_means_the_new_clock() -> None:
    """Frames stamped with what is the future now come before all others; they are found by distance and sequence."""
    ring = FrameRing(100)
    fill(ring, [100.0, 101.0, 102.0, 51.0, 52.0, 101.5])

    assert [number(ring.at(time)) for time in (50.9, 51.5, 52.0, 101.2, 101.5)] == [None, 4, 5, 5, 6]
    assert [number(ring.back(seconds, now=6.0)) for seconds in (3.0, 4.0, 5.0)] == [3, 2, 1]


@given(
    st.lists(st.tuples(st.floats(0, 9), st.integers(0, 5), st.booleans()), max_size=40),
    st.integers(1, 12),
    st.sampled_from([math.inf, 3.0]),
    st.sampled_from([math.inf, 9]),
)
def test_whatever_comes_and_goes_a_ring_finds_what_a_search_of_all_would(
    steps: list[tuple[float, int, bool]], capacity: int, max_age: float, max_bytes: float
) -> None:
    """With any bounds, clock and order of coming and going the quick answers are those of looking at every frame."""
    ring, model, by_sequence = FrameRing(capacity, max_age, max_bytes), list[JpegFrame](), attrgetter("sequence")
    for sequence, (stamp, size, goes) in enumerate(steps, 1):
        frame = make_frame(sequence, size, received_at=stamp, arrived=sequence / 2)
        ring.append(frame)
        model.append(frame)
        while len(model) > 1 and (
            len(model) > capacity
            or sum(len(one.jpeg) for one in model) > max_bytes
            or model[0].arrived < frame.arrived - max_age
        ):
            del model[0]
        if goes:
            ring.discard_oldest()
            del model[0]
        assert list(ring) == model
        assert ring.nbytes == sum(len(one.jpeg) for one in model)
        assert (ring.oldest, ring.newest) == ((model[0], model[-1]) if model else (None, None))
        assert len(ring._frames) <= 2 * len(model) + 1
        for moment in range(10):
            assert ring.at(moment) == max(
                (one for one in model if one.received_at <= moment), key=by_sequence, default=None
            )
        for sought in range(sequence + 2):
            assert ring.up_to(sought) == max(
                (one for one in model if one.sequence <= sought), key=by_sequence, default=None
            )
            assert ring.after(sought) == min(
                (one for one in model if one.sequence > sought), key=by_sequence, default=None
            )


def test_the_picture_of_a_frame_stays_out_of_its_representation() -> None:
    """A log line or traceback with a frame in it has no megabytes."""
    assert "jpeg" not in repr(make_frame(1, 1_000_000))


@pytest.mark.parametrize("ticks", [[], [5.0], [5.0, 5.0], [5.0] * 100])
def test_a_rate_needs_two_moments(ticks: list[float]) -> None:
    """One frame, or several at the same instant, have no rate."""
    rate = FrameRate()
    for tick in ticks:
        rate.tick(tick)

    assert rate.fps(5.0) == 0.0


@pytest.mark.parametrize("fps", [0.1, 1.0, 30.0, 60.0])
def test_an_even_rate_is_measured_exactly(fps: float) -> None:
    """Frames at a constant distance have the rate that distance says, slow cameras included."""
    rate = FrameRate()
    for index in range(200):
        rate.tick(100 + index / fps)

    assert rate.fps(100 + 199 / fps) == pytest.approx(fps)
    assert rate.fps(100 + 200 / fps) == pytest.approx(fps)


def test_the_rate_follows_a_change_within_its_window() -> None:
    """Two seconds after a camera slowed down, the fast frames are forgotten."""
    rate = FrameRate(window=2.0)
    for index in range(60):
        rate.tick(index / 30)
    for index in range(11):
        rate.tick(2 + index / 5)

    assert rate.fps(4.0) == pytest.approx(5.0)


def test_the_rate_falls_when_no_more_frames_come() -> None:
    """A camera that stopped fades to nothing without anybody telling."""
    rate = FrameRate()
    for index in range(31):
        rate.tick(index / 30)

    assert [pytest.approx(30.0), pytest.approx(15.0), pytest.approx(3.0), pytest.approx(0.03)] == [
        rate.fps(now) for now in (1.0, 2.0, 10.0, 1000.0)
    ]


@given(distances=st.lists(st.floats(1e-6, 1e3), max_size=400))
def test_a_rate_is_a_finite_number_and_its_memory_bounded(distances: list[float]) -> None:
    """No rhythm makes the rate negative or infinite, or keeps more than 256 moments."""
    rate, now = FrameRate(), 1000.0
    for distance in distances:
        now += distance
        rate.tick(now)
        assert 0.0 <= rate.fps(now) < 2e6
    assert len(rate._ticks) <= 256


def test_times_follow_a_clock_that_was_set() -> None:
    """Old frames are found by their time of the new clock, and the span of the ring is the time that has passed."""
    ring = FrameRing(4)
    fill(ring, [1000.0, 1001.0, 1002.0, 1003.0, 1004.0])
    captured = JpegFrame(6, 1005.0, 1004.5, b"", 4, 3, 6.0)
    ring.append(captured)
    ring.shift_times(-3600.0)
    ring.append(make_frame(7, received_at=-2594.0, arrived=7.0))

    assert (ring.oldest, ring.newest) != (None, None)
    assert ring.newest.received_at - ring.oldest.received_at == 3.0  # type: ignore[union-attr]
    assert [number(ring.at(moment)) for moment in (-2598.0, -2596.0, -2594.5, 1003.0)] == [None, 5, 6, 7]
    assert captured.captured_at == 1004.5 - 3600.0
