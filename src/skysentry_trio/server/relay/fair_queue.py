"""Share the connection of one viewer fairly among the viewer's cameras, whatever the rates of these cameras are."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from attrs import define, field

_SAVED = 2
"""A camera that had nothing to send may catch up on this many frames."""
_FEW = 16
"""Stale heap entries tolerated before the heap is rebuilt."""


class _Place(NamedTuple):
    """An entry of the heap."""

    turn: int
    number: int
    """Counts the entries: among entries with the same turn, the earlier entry is served first."""
    camera_id: str


@define(eq=False)
class FairQueue:
    """Serves all cameras that have frames equally often; each step is O(log n).

    This is start-time fair queueing (Goyal, Vin and Cheng, 1996), with frames as the packets. A camera that
    gets a frame after a pause is among the next to be served. So it need not wait for cameras that always have frames.
    """

    _turn: int = field(default=0, init=False)
    """The highest turn that has been served; in each turn, every camera that has a frame is served once."""
    _had: dict[str, int] = field(factory=dict, init=False, repr=False)
    """By camera: the turn after the one in which the camera was last served."""
    _queue: list[_Place] = field(factory=list, init=False, repr=False)
    """A heap of entries; entries that are no longer in `_places` are skipped."""
    _places: dict[str, _Place] = field(factory=dict, init=False, repr=False)
    """The valid entry of each camera that waits."""
    _joined: int = field(default=0, init=False)

    def join(self, camera_id: str) -> None:
        """Add a camera that is not in the queue."""
        self._joined += 1
        place = _Place(max(self._turn - _SAVED, self._had.get(camera_id, 0)), self._joined, camera_id)
        self._places[camera_id] = place
        heappush(self._queue, place)

    def take(self) -> str:
        """Remove the next camera from the queue, which must not be empty, and return the camera's id."""
        while True:
            place = heappop(self._queue)
            if self._places.get(place.camera_id) is place:
                break
        del self._places[place.camera_id]
        self._turn = max(self._turn, place.turn)
        self._had[place.camera_id] = place.turn + 1
        return place.camera_id

    def forget(self, camera_id: str) -> None:
        """Remove a camera from the queue, and forget when the camera was last served."""
        self.forget_many({camera_id})

    def forget_many(self, camera_ids: AbstractSet[str]) -> None:
        """Remove cameras from the queue, and forget when these cameras were last served."""
        for camera_id in self._had.keys() & camera_ids:
            del self._had[camera_id]
        for camera_id in self._places.keys() & camera_ids:
            del self._places[camera_id]
        if len(self._queue) > 2 * len(self._places) + _FEW:
            self._queue = list(self._places.values())
            heapify(self._queue)
