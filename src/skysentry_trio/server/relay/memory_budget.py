"""Limit the memory of all rings together, and choose which frames to drop when that memory is used up."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from skysentry_trio.base.frames import FrameRing, JpegFrame
from skysentry_trio.base.held_memory import HeldMemory

_SPARE: Final = 256
"""Old frames are dropped until 1/256 of the budget is free, so that few new frames need a search for old ones."""


@define(eq=False)
class MemoryBudget:
    """The rings of all cameras, within one limit: old frames of any camera are dropped to make room for new frames."""

    limit: int
    """JPEG bytes that all rings may hold if nothing else is held for peers."""
    held: HeldMemory = field(factory=HeldMemory)
    """What is held for peers besides the rings: the rings leave room for it."""
    nbytes: int = field(default=0, init=False)
    """JPEG bytes that all rings hold now."""
    # JPEG bytes of the newest frame of each ring. These frames are never dropped to make room for other cameras.
    _newest_nbytes: int = field(default=0, init=False)
    _rings: dict[FrameRing, None] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.held.rings = self

    def has_room_for(self, size: int) -> bool:
        """Return whether the first frame of one more camera would fit if it had this many bytes."""
        return self._newest_nbytes + size <= self.limit

    def add(self, ring: FrameRing) -> None:
        """Include a ring, which is still empty."""
        self._rings[ring] = None

    def remove(self, ring: FrameRing) -> None:
        """Exclude a ring."""
        del self._rings[ring]
        self.nbytes -= ring.nbytes
        self._newest_nbytes -= _size_of_newest(ring)

    def append(self, ring: FrameRing, frame: JpegFrame) -> bool:
        """Keep a frame as the newest of its ring; drop the oldest frames of the largest rings if the memory is used up.

        Returns:
            False if the newest frames of other rings leave no room; in this case nothing has changed.
        """
        size, previous = len(frame.jpeg), _size_of_newest(ring)
        if self._newest_nbytes - previous + size > self.limit:
            return False
        # The newest frames stay, whatever else is held.
        limit = max(self.limit - self.held.nbytes, self._newest_nbytes - previous + size)
        if self.nbytes + size > limit:
            self._make_room(ring, size, limit)
        held = ring.nbytes
        ring.append(frame)
        self.nbytes += ring.nbytes - held
        self._newest_nbytes += size - previous
        return True

    def discard_expired(self, now: float) -> None:
        """Drop frames that are too old; ``now`` is in seconds of the monotonic clock."""
        for ring in self._rings:
            held = ring.nbytes
            ring.trim(now)
            self.nbytes += ring.nbytes - held

    def shrink_to(self, nbytes: float) -> None:
        """Drop old frames of the largest rings until all rings hold at most this many bytes, or only newest frames."""
        self._drop_old(nbytes, None)

    def _drop_old(self, goal: float, own: FrameRing | None) -> None:
        while self.nbytes > goal and self._rings:
            # Among equally large rings, take the ring that gets the new frame.
            largest = max(self._rings, key=lambda ring: (_size_of_old(ring), ring is own))
            if not _size_of_old(largest):
                break
            while self.nbytes > goal and len(largest) > 1:
                self._discard_oldest(largest)

    def _make_room(self, own: FrameRing, size: int, limit: int) -> None:
        self._drop_old(limit - max(size, self.limit // _SPARE), own)
        # If there is still no room, each ring holds only its newest frame, and perhaps old frames of 0 bytes. The new
        # frame then replaces the frames of its own ring.
        while self.nbytes + size > limit:
            self._discard_oldest(own)

    def _discard_oldest(self, ring: FrameRing) -> None:
        held = ring.nbytes
        ring.discard_oldest()
        self.nbytes += ring.nbytes - held


def _size_of_newest(ring: FrameRing) -> int:
    newest = ring.newest
    return 0 if newest is None else len(newest.jpeg)


def _size_of_old(ring: FrameRing) -> int:
    """Return the bytes of all frames but the newest."""
    return ring.nbytes - _size_of_newest(ring)
