"""Limit the memory of all rings together, and choose which frames to drop when that memory is used up."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Final

from attrs import define, field

from skysentry_trio.base.frames import FrameRing, JpegFrame
from skysentry_trio.base.held_memory import HeldMemory

_FEW: Final = 16
"""Outdated heap entries tolerated before the heap is rebuilt."""


@define(eq=False)
class _Place:
    """Where a ring is in the heap."""

    # None after the ring was removed: an outdated entry of the heap must not keep the frames of the ring in memory.
    ring: FrameRing | None
    bound: int = 0
    """The size in the valid entry of the ring: its old frames have at most this many bytes."""
    newest: int = 0
    """JPEG bytes of the newest frame of the ring."""


@define(eq=False)
class MemoryBudget:
    """The rings of all cameras, within one limit: old frames of any camera are dropped to make room for new frames.

    A heap finds the largest ring in O(log n) steps. A ring that grows beyond the size in its entry gets a new entry. A
    ring that shrinks keeps its entry, and the size in this entry is corrected when the entry comes to the front.
    """

    limit: int
    """JPEG bytes that all rings may hold if nothing else is held for peers."""
    held: HeldMemory = field(factory=HeldMemory)
    """What is held for peers besides the rings: the rings leave room for it."""
    nbytes: int = field(default=0, init=False)
    """JPEG bytes that all rings hold now."""
    # JPEG bytes of the newest frame of each ring. These frames are never dropped to make room for other cameras.
    _newest_nbytes: int = field(default=0, init=False)
    _places: dict[FrameRing, _Place] = field(factory=dict, init=False, repr=False)
    # Entries of minus a size, a number that makes each entry unique, and the place of the ring. An entry is outdated if
    # its size is not the bound of its place. A ring without old frames has no entry.
    _heap: list[tuple[int, int, _Place]] = field(factory=list, init=False, repr=False)
    _numbers: Iterator[int] = field(factory=count, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.held.rings = self

    def has_room_for(self, size: int) -> bool:
        """Return whether the first frame of one more camera would fit if it had this many bytes."""
        return self._newest_nbytes + size <= self.limit

    def add(self, ring: FrameRing) -> None:
        """Include a ring, which is still empty."""
        self._places[ring] = _Place(ring)

    def remove(self, ring: FrameRing) -> None:
        """Exclude a ring."""
        place = self._places.pop(ring)
        place.ring = None
        self._drop_outdated()
        self.nbytes -= ring.nbytes
        self._newest_nbytes -= place.newest

    def append(self, ring: FrameRing, frame: JpegFrame) -> bool:
        """Keep a frame as the newest of its ring; drop the oldest frames of the largest rings if the memory is used up.

        Returns:
            False if the newest frames of other rings leave no room; in this case nothing has changed.
        """
        size, place = len(frame.jpeg), self._places[ring]
        newest_nbytes = self._newest_nbytes - place.newest + size
        if newest_nbytes > self.limit:
            return False
        limit = self.limit - self.held.receiving - self.held.sending
        if self.nbytes + size > limit:
            # The newest frames stay, whatever else is held.
            self._make_room(ring, size, max(limit, newest_nbytes))
        before = ring.nbytes
        ring.append(frame)
        after = ring.nbytes
        self.nbytes += after - before
        self._newest_nbytes, place.newest = newest_nbytes, size
        old = after - size
        if old > place.bound:
            place.bound = old
            heappush(self._heap, (-old, next(self._numbers), place))
            self._drop_outdated()
        return True

    def discard_expired(self, ring: FrameRing, now: float) -> None:
        """Drop the frames of a ring that are too old; ``now`` is in seconds of the monotonic clock."""
        held = ring.nbytes
        ring.trim(now)
        self.nbytes += ring.nbytes - held

    def shrink_to(self, nbytes: float) -> None:
        """Drop old frames of the largest rings until all rings hold at most this many bytes, or only newest frames."""
        while self.nbytes > nbytes and (largest := self._largest()) is not None:
            self._discard_oldest(largest)

    def _make_room(self, own: FrameRing, size: int, limit: int) -> None:
        while self.nbytes + size > limit:
            largest = self._largest()
            # Among equally large rings, take the ring that gets the new frame. If no ring has old frames with any
            # bytes, the new frame replaces the frames of its own ring.
            if largest is None or _size_of_old(own) >= _size_of_old(largest):
                largest = own
            self._discard_oldest(largest)

    def _largest(self) -> FrameRing | None:
        """Return the ring whose old frames have the most bytes; None if no ring has old frames with any bytes."""
        heap = self._heap
        while heap:
            negative_size, _, place = heap[0]
            ring = place.ring
            if ring is None or place.bound != -negative_size:
                heappop(heap)
                continue
            old = _size_of_old(ring)
            if old == place.bound:
                return ring
            place.bound = old
            if old:
                heapreplace(heap, (-old, next(self._numbers), place))
            else:
                heappop(heap)
        return None

    def _drop_outdated(self) -> None:
        """Rebuild the heap if most of its entries are outdated."""
        if len(self._heap) > 2 * len(self._places) + _FEW:
            places = self._places.values()
            self._heap = [(-place.bound, next(self._numbers), place) for place in places if place.bound]
            heapify(self._heap)

    def _discard_oldest(self, ring: FrameRing) -> None:
        held = ring.nbytes
        ring.discard_oldest()
        self.nbytes += ring.nbytes - held


def _size_of_old(ring: FrameRing) -> int:
    """Return the bytes of all frames but the newest."""
    newest = ring.newest
    return 0 if newest is None else ring.nbytes - len(newest.jpeg)
