"""The ring and the frame rate: values in, values out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.frames import Frame, FrameRate, FrameRing


def make_frame(sequence: int, size: int = 1) -> Frame:
    return Frame(sequence, 0.0, None, bytes(size), 4, 3)


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
