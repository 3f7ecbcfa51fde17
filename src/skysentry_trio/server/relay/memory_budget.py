"""The bytes that all rings may hold together, and which frames go when they are used up."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from skysentry_trio.base.frames import FrameRing, JpegFrame

_SPARE: Final = 256
"""Part of the bytes that is made free in one go, so that not every frame looks for the largest of many rings."""


@define(eq=False)
class MemoryBudget:
    """The rings of all cameras. What is live goes before what was: old frames make room for new ones of any camera."""

    limit: int
    """Bytes of JPEGs."""
    nbytes: int = field(default=0, init=False)
    """Held now."""
    # Of the newest frames alone, which never go to make room for others.
    _newest_nbytes: int = field(default=0, init=False)
    _rings: dict[FrameRing, None] = field(factory=dict, init=False, repr=False)

    def has_room_for(self, size: int) -> bool:
        """Say whether a frame of one more camera could be kept."""
        return self._newest_nbytes + size <= self.limit

    def add(self, ring: FrameRing) -> None:
        """Count a ring that is still empty."""
        self._rings[ring] = None

    def remove(self, ring: FrameRing) -> None:
        """Count a ring no longer."""
        del self._rings[ring]
        self.nbytes -= ring.nbytes
        self._newest_nbytes -= _size_of_newest(ring)

    def append(self, ring: FrameRing, frame: JpegFrame) -> bool:
        """Keep a frame as the newest of its ring; the oldest of the largest rings go as far as they must.

        Returns:
            False if the newest frames of the others leave no room; then nothing has changed.
        """
        size, previous = len(frame.jpeg), _size_of_newest(ring)
        if self._newest_nbytes - previous + size > self.limit:
            return False
        if self.nbytes + size > self.limit:
            self._make_room(ring, size)
        held = ring.nbytes
        ring.append(frame)
        self.nbytes += ring.nbytes - held
        self._newest_nbytes += size - previous
        return True

    def discard_expired(self, now: float) -> None:
        """Let frames go that have become too old in rings that get no more; ``now`` as for the rings."""
        for ring in self._rings:
            held = ring.nbytes
            ring.trim(now)
            self.nbytes += ring.nbytes - held

    def _make_room(self, own: FrameRing, size: int) -> None:
        goal = self.limit - max(size, self.limit // _SPARE)
        while self.nbytes > goal:
            # Of equals that which is about to grow.
            largest = max(self._rings, key=lambda ring: (_size_of_old(ring), ring is own))
            if not _size_of_old(largest):
                break
            while self.nbytes > goal and len(largest) > 1:
                self._discard_oldest(largest)
        # All rings are down to their newest frames, of which this one is about to be replaced.
        if self.nbytes + size > self.limit:
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
