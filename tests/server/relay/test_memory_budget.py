"""Many rings in a bounded memory: the newest frames first, and the rest shared evenly."""

from __future__ import annotations

import weakref
from typing import ClassVar

import pytest
from attrs import define
from hypothesis import example, given
from hypothesis import strategies as st

from skysentry_trio.base.frames import FrameRing, JpegFrame
from skysentry_trio.base.held_memory import HeldMemory
from skysentry_trio.server.relay.memory_budget import MemoryBudget


def make_frame(sequence: int, size: int, arrived: float = 0.0) -> JpegFrame:
    return JpegFrame(sequence, arrived, None, bytes(size), 4, 3, arrived)


def rings_in(budget: MemoryBudget, count: int, max_age: float = float("inf")) -> list[FrameRing]:
    rings = [FrameRing(1000, max_age) for _ in range(count)]
    for ring in rings:
        budget.add(ring)
    return rings


def test_old_frames_of_the_largest_ring_make_room_for_a_camera_that_comes_later() -> None:
    """Who was first does not keep the memory: soon both have the same."""
    budget = MemoryBudget(100)
    first, second = rings_in(budget, 2)
    for sequence in range(1, 11):
        assert budget.append(first, make_frame(sequence, 10))
    for sequence in range(1, 11):
        assert budget.append(second, make_frame(sequence, 10))

    assert (first.nbytes, second.nbytes, budget.nbytes) == (50, 50, 100)
    assert [frame.sequence for frame in first] == [6, 7, 8, 9, 10]
    assert [frame.sequence for frame in second] == [6, 7, 8, 9, 10]


def test_the_newest_frames_of_others_stay() -> None:
    """What would need them is refused, and changes nothing."""
    budget = MemoryBudget(100)
    first, second = rings_in(budget, 2)
    for sequence in (1, 2, 3):
        budget.append(first, make_frame(sequence, 30))
    assert not budget.append(second, make_frame(1, 71))
    assert (len(first), len(second), budget.nbytes) == (3, 0, 90)
    assert not budget.has_room_for(71)
    assert budget.has_room_for(70)
    assert budget.append(second, make_frame(1, 70))
    assert (len(first), len(second), budget.nbytes) == (1, 1, 100)


def test_a_frame_may_take_the_place_of_its_own_predecessor() -> None:
    """A camera that is alone may use all of the memory for one frame."""
    budget = MemoryBudget(100)
    (ring,) = rings_in(budget, 1)
    assert budget.append(ring, make_frame(1, 60))
    assert budget.append(ring, make_frame(2, 100))

    assert ([frame.sequence for frame in ring], budget.nbytes) == ([2], 100)


def test_a_ring_that_is_removed_counts_no_more() -> None:
    """Its newest frame included."""
    budget = MemoryBudget(100)
    (ring,) = rings_in(budget, 1)
    budget.append(ring, make_frame(1, 60))
    assert not budget.has_room_for(41)
    budget.remove(ring)

    assert budget.nbytes == 0
    assert budget.has_room_for(100)


@define(eq=False)
class _CountingRing(FrameRing):
    """A ring that counts how often the budget looks at it."""

    looks: ClassVar[int] = 0

    @property
    def newest(self) -> JpegFrame | None:
        _CountingRing.looks += 1
        return super().newest


@pytest.mark.parametrize("per_ring", [2, 5])
def test_the_search_in_a_full_memory_does_not_take_longer_for_more_cameras(per_ring: int) -> None:
    """A frame of one of 3,000 cameras costs as many looks at rings as a frame of one of 30."""

    def looks_per_frame(cameras: int) -> float:
        budget, rings = MemoryBudget(per_ring * cameras * 10), [_CountingRing(1000) for _ in range(cameras)]
        for ring in rings:
            budget.add(ring)
        for sequence in range(1, per_ring + 1):
            for ring in rings:
                assert budget.append(ring, make_frame(sequence, 10))
        before = _CountingRing.looks
        for ring in rings:
            assert budget.append(ring, make_frame(per_ring + 1, 12))
        return (_CountingRing.looks - before) / cameras

    assert looks_per_frame(3000) < 2 * looks_per_frame(30)


def test_a_full_memory_gives_up_no_more_than_it_must() -> None:
    """Room for one frame comes out of the largest ring, which keeps what is left."""
    budget = MemoryBudget(256_000)
    first, second = rings_in(budget, 2)
    for sequence in range(1, 257):
        budget.append(first, make_frame(sequence, 1000))
    budget.append(second, make_frame(1, 10))

    assert (first.nbytes, budget.nbytes) == (255_000, 255_010)


def test_the_frames_of_a_removed_ring_leave_the_memory() -> None:
    """Nothing in the budget refers to a ring after its removal, however large the ring was."""
    budget = MemoryBudget(1000)
    rings = rings_in(budget, 3)
    for sequence in range(1, 11):
        for ring in rings:
            budget.append(ring, make_frame(sequence, 10 * (len(rings) + 1)))
    gone, frame = weakref.ref(rings[0]), weakref.ref(next(iter(rings[0])))
    budget.remove(rings[0])
    del rings[0], ring

    assert (gone(), frame()) == (None, None)


def _assert_fair(rings: list[FrameRing], before: list[list[JpegFrame]], own: FrameRing) -> None:
    """Assert that a ring that lost frames was the largest: without its last loss, no other ring was larger."""

    def old_bytes(frames: list[JpegFrame]) -> int:
        return sum(len(frame.jpeg) for frame in frames[:-1])

    for ring, frames in zip(rings, before, strict=True):
        lost = len(frames) - len(ring)
        if ring is own or lost == 0:
            continue
        others = [old_bytes(list(other)) for other in rings if other is not ring and other is not own]
        assert old_bytes(frames[lost - 1 :]) >= max(others)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.booleans()), max_size=80),
    st.sampled_from([60, 150, 5000]),
    st.sampled_from([float("inf"), 7.0]),
)
@example(steps=[(0, 0, False), (0, 1, False), (0, 60, False)], limit=60, max_age=float("inf"))
def test_the_sum_is_right_and_bounded_whatever_comes(
    steps: list[tuple[int, int, bool]], limit: int, max_age: float
) -> None:
    """Frames are refused only when the newest of the others leave no room, and then nothing changes."""
    budget = MemoryBudget(limit)
    rings = rings_in(budget, 3, max_age)
    for sequence, (chosen, size, goes) in enumerate(steps, 1):
        if chosen == 3:
            for ring in rings:
                budget.discard_expired(ring, sequence + 3.0)
        elif goes:
            budget.remove(rings[chosen])
            rings[chosen] = FrameRing(1000, max_age)
            budget.add(rings[chosen])
        else:
            ring, before = rings[chosen], [list(ring) for ring in rings]
            others = [len(other.newest.jpeg) for other in rings if other is not ring and other.newest is not None]
            taken = budget.append(ring, make_frame(sequence, size, float(sequence)))
            assert taken == (sum(others) + size <= limit)
            assert taken or [list(ring) for ring in rings] == before
            _assert_fair(rings, before, ring)
            assert not taken or (ring.newest is not None and ring.newest.sequence == sequence)
            for other, frames in zip(rings, before, strict=True):
                assert other is ring or not frames or other.newest is frames[-1]
        assert budget.nbytes == sum(ring.nbytes for ring in rings) <= limit


def test_what_is_held_for_peers_takes_room_from_old_frames_only() -> None:
    """Unfinished messages shrink the rings, but the newest frame of each camera still fits."""
    held = HeldMemory(100)
    budget = MemoryBudget(100, held)
    first, second = rings_in(budget, 2)
    for sequence in range(1, 6):
        assert budget.append(first, make_frame(sequence, 10))
    held.receiving = 70
    assert budget.append(first, make_frame(6, 10))
    assert (len(first), budget.nbytes) == (3, 30)
    held.receiving = 100
    assert budget.append(second, make_frame(1, 40))
    assert [frame.sequence for frame in first] == [6]
    assert budget.append(second, make_frame(2, 50))
    assert ([frame.sequence for frame in second], budget.nbytes) == ([2], 60)


def test_rings_shrink_to_their_newest_frames_at_most() -> None:
    """Whatever asks for room, each camera keeps a picture."""
    budget = MemoryBudget(100)
    first, second = rings_in(budget, 2)
    for sequence in range(1, 4):
        budget.append(first, make_frame(sequence, 10))
    budget.append(second, make_frame(1, 10))
    budget.held.rings.shrink_to(30)
    assert budget.nbytes == 30
    budget.held.rings.shrink_to(0)
    assert (len(first), len(second), budget.nbytes) == (1, 1, 20)
    MemoryBudget(100).shrink_to(0)
