"""The frames of one segment in columns: the index keeps them in about six bytes a frame."""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from attrs import define, field

_TICK: Final = 1000
"""Times have this many steps a second; the segment itself has the exact times."""
_COLUMNS: Final = 3
_LARGEST: Final = 2**32 - 1
_LAST_TICK: Final = 2.0**53


class Place(NamedTuple):
    """Where the index finds one frame."""

    sequence: int
    received_at: float
    """Seconds since the epoch, rounded down to milliseconds."""
    offset: int
    """Where the frame's part begins, in bytes from the start of the segment."""
    size: int
    """Size of the part in bytes."""


@define(eq=False)
class FrameTable:
    """Sequences, times and places of the frames of one segment, each column in growing order.

    One thread may append while others read: a frame counts once it is in the last column, `offsets`.
    """

    sequences: array[int] = field(factory=lambda: array("Q"), repr=False)
    ticks: array[int] = field(factory=lambda: array("Q"), repr=False)
    """Times of arrival in milliseconds since 1970."""
    offsets: array[int] = field(factory=lambda: array("Q"), repr=False)
    end: int = 0
    """Bytes of the segment up to the end of the last frame."""

    def __len__(self) -> int:
        return len(self.offsets)

    def fits(self, sequence: int, received_at: float) -> bool:
        """Return whether a frame may follow the last one in the same segment.

        A frame whose time is before that of the last one, because the clock was set back, begins another segment; so
        does one after a pause that is so long that the columns cannot hold it.
        """
        if not self.sequences:
            return True
        return follows(self.sequences[-1], self.ticks[-1], sequence, received_at)

    def append(self, sequence: int, received_at: float, offset: int, size: int) -> None:
        """Add the last frame; `fits` must have returned True for it."""
        self.sequences.append(sequence)
        self.ticks.append(tick_of(received_at))
        self.end = offset + size
        self.offsets.append(offset)

    def place(self, index: int) -> Place:
        """Return the place of a frame by its number in the segment, counted from 0."""
        offset = self.offsets[index]
        following = self.offsets[index + 1] if index + 1 < len(self.offsets) else self.end
        return Place(self.sequences[index], self.ticks[index] / _TICK, offset, following - offset)

    def last_until(self, moment: float) -> int | None:
        """Return the number of the last frame that arrived at a moment or before; None if all came later."""
        index = bisect_right(self.ticks, tick_of(moment), hi=len(self)) - 1
        return index if index >= 0 else None

    def first_from(self, moment: float) -> int | None:
        """Return the number of the first frame that arrived at a moment or later; None if all came before."""
        index = bisect_left(self.ticks, tick_of(moment), hi=len(self))
        return index if index < len(self) else None

    def last_up_to(self, sequence: int) -> int | None:
        """Return the number of the last frame whose sequence is not above another one; None if all are above it."""
        index = bisect_right(self.sequences, sequence, hi=len(self)) - 1
        return index if index >= 0 else None

    def encode(self) -> bytes:
        """Return the columns as bytes for the index: differences, which compress well."""
        if not self.sequences:
            return b""
        first = array("Q", [self.sequences[0], self.ticks[0], self.offsets[0], self.end])
        columns = array("I")
        for column in (self.sequences, self.ticks, self.offsets):
            columns.extend(after - before for before, after in pairwise(column))
        return zlib.compress(first.tobytes() + _planes(columns.tobytes()))

    @classmethod
    def decode(cls, data: bytes) -> FrameTable:
        """Return the table that `encode` has encoded.

        Raises:
            ValueError: the bytes are damaged.
        """
        if not data:
            return cls()
        try:
            raw = zlib.decompress(data)
        except zlib.error as error:
            raise ValueError(f"damaged index of a segment: {error}") from error
        first, columns = array("Q", raw[:32]), array("I", _from_planes(raw[32:]))
        count, rest = divmod(len(columns), _COLUMNS)
        if rest or len(first) != _COLUMNS + 1:
            raise ValueError(f"damaged index of a segment: {len(raw)} bytes")
        sequences, ticks, offsets = (
            array("Q", accumulate(columns[number * count : (number + 1) * count], initial=first[number]))
            for number in range(_COLUMNS)
        )
        return cls(sequences, ticks, offsets, first[_COLUMNS])


def follows(last_sequence: int, last_tick: int, sequence: int, received_at: float) -> bool:
    """Return whether a frame may follow another one in a table, see `FrameTable.fits`."""
    return 0 < sequence - last_sequence <= _LARGEST and 0 <= tick_of(received_at) - last_tick <= _LARGEST


def tick_of(moment: float) -> int:
    """Return a moment, in seconds since the epoch, in the steps of the columns; moments before 1970 count as 1970."""
    return int(min(max(0.0, moment * _TICK), _LAST_TICK))


def _planes(data: bytes) -> bytes:
    """Put the lowest bytes of all 32-bit numbers first, then the second bytes, and so on; the highest are all zero."""
    return b"".join(data[number::4] for number in range(4))


def _from_planes(data: bytes) -> bytes:
    count = len(data) // 4
    result = bytearray(4 * count)
    for number in range(4):
        result[number::4] = data[number * count : (number + 1) * count]
    return bytes(result)
