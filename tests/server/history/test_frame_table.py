"""The frames of one segment in columns."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.server.history.frame_table import FrameTable
from tests.clocks import NOON

STEPS = st.lists(st.tuples(st.integers(1, 2**31), st.floats(0, 3600), st.integers(1, 2**23)), max_size=40)


def build(steps: list[tuple[int, float, int]]) -> FrameTable:
    table, sequence, moment, offset = FrameTable(), 0, NOON, 9
    for more, seconds, size in steps:
        sequence, moment = sequence + more, moment + seconds
        assert table.fits(sequence, moment)
        table.append(sequence, moment, offset, size)
        offset += size
    return table


@given(STEPS)
def test_a_table_is_decoded_as_it_was(steps: list[tuple[int, float, int]]) -> None:
    """Places of all frames survive encoding."""
    table = build(steps)

    again = FrameTable.decode(table.encode())

    assert [again.place(number) for number in range(len(again))] == [
        table.place(number) for number in range(len(table))
    ]


@given(STEPS, st.floats(-10, 3600))
def test_frames_are_found_by_time(steps: list[tuple[int, float, int]], after: float) -> None:
    """The last frame until a moment, and the first frame from it, are the ones that a search from the start finds."""
    table, tick = build(steps), int((NOON + after) * 1000)

    before = [number for number, one in enumerate(table.ticks) if one <= tick]
    behind = [number for number, one in enumerate(table.ticks) if one >= tick]

    assert table.last_until(NOON + after) == (before[-1] if before else None)
    assert table.first_from(NOON + after) == (behind[0] if behind else None)


def test_a_frame_takes_few_bytes() -> None:
    """A minute of a camera with uneven times and sizes takes at most eight bytes a frame in the index."""
    chance = random.Random(1)
    table = build([(1, 0.0667 + chance.uniform(-0.01, 0.01), chance.randrange(40_000, 60_000)) for _ in range(900)])

    assert len(table.encode()) / 900 <= 8


@pytest.mark.parametrize(("sequence", "received_at"), [(5, NOON + 1), (4, NOON + 1), (6, NOON - 1), (6, NOON + 5e6)])
def test_a_frame_that_does_not_follow_does_not_fit(sequence: int, received_at: float) -> None:
    """A frame with a lower sequence, or from before, or from months later, belongs to another segment."""
    table = FrameTable()
    table.append(5, NOON, 9, 100)

    assert not table.fits(sequence, received_at)


@pytest.mark.parametrize("data", [b"x", b"x\x9c", FrameTable.encode(build([(1, 0.0, 5)]))[:-1]])
def test_a_damaged_table_is_an_error(data: bytes) -> None:
    """Damaged bytes raise ValueError, after which the segment can be read again."""
    with pytest.raises(ValueError, match="damaged index"):
        FrameTable.decode(data)
