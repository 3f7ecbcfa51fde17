"""Share the connection of one viewer fairly among its cameras, whatever their rates."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from attrs import define, field

_SAVED = 2
"""Frames that a camera may catch up on after it had nothing to send."""
_FEW = 16
"""Stale heap entries tolerated before the heap is rebuilt."""


class _Place(NamedTuple):
    """An entry of the heap."""

    turn: int
    number: int
    """Orders entries with the same turn by their arrival."""
    camera_id: str


@define(eq=False)
class FairQueue:
    """Serves all cameras equally often, as far as they have frames; each step is O(log n).

    Start-time fair queueing (Goyal, Vin and Cheng, 1996), with a frame for a packet: a camera that had nothing to send
    is served next when it has, and a camera with few frames does not wait behind one that always has some.
    """

    _turn: int = field(default=0, init=False)
    """Frames sent of each camera that always had one."""
    _had: dict[str, int] = field(factory=dict, init=False, repr=False)
    """Frames sent of each camera."""
    _queue: list[_Place] = field(factory=list, init=False, repr=False)
    """A heap; entries of cameras that have left it are skipped."""
    _places: dict[str, _Place] = field(factory=dict, init=False, repr=False)
    """The valid entry of each camera that waits."""
    _joined: int = field(default=0, init=False)

    def join(self, camera_id: str) -> None:
        """Queue a camera that is not queued."""
        self._joined += 1
        place = _Place(max(self._turn - _SAVED, self._had.get(camera_id, 0)), self._joined, camera_id)
        self._places[camera_id] = place
        heappush(self._queue, place)

    def take(self) -> str:
        """Remove the next camera from the queue, which must not be empty, and return it."""
        while True:
            place = heappop(self._queue)
            if self._places.get(place.camera_id) is place:
                break
        del self._places[place.camera_id]
        self._turn = max(self._turn, place.turn)
        self._had[place.camera_id] = place.turn + 1
        return place.camera_id

    def forget(self, camera_id: str) -> None:
        """Remove a camera and its count."""
        self._had.pop(camera_id, None)
        self._places.pop(camera_id, None)
        if len(self._queue) > 2 * len(self._places) + _FEW:
            self._queue = list(self._places.values())
            heapify(self._queue)
