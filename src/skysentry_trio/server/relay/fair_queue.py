"""Whose turn it is: several cameras share the way to one viewer, whatever their rates."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from attrs import define, field

_SAVED = 2
"""FairQueue that a camera may have missed and gets later."""
_FEW = 16
"""Places of those who left the queue that are not worth looking for."""


class _Place(NamedTuple):
    """In the queue."""

    turn: int
    number: int
    """Tells who came first of those with the same turn."""
    camera_id: str


@define(eq=False)
class FairQueue:
    """Gives all cameras the same number of frames, as far as they have them; each step is O(log n).

    Start-time fair queueing (Goyal, Vin and Cheng, 1996), with a frame for a packet: a camera that had nothing to send
    when its turn came has that turn next, and one with few frames does not stand in line behind one that always is.
    """

    _turn: int = field(default=0, init=False)
    """How many every camera has had that always had something to send."""
    _had: dict[str, int] = field(factory=dict, init=False, repr=False)
    """How many each camera has had."""
    _queue: list[_Place] = field(factory=list, init=False, repr=False)
    """A heap; places of cameras that have left it are passed over."""
    _places: dict[str, _Place] = field(factory=dict, init=False, repr=False)
    """Of those who wait."""
    _joined: int = field(default=0, init=False)

    def join(self, camera_id: str) -> None:
        """Let a camera wait for its turn that does not yet."""
        self._joined += 1
        place = _Place(max(self._turn - _SAVED, self._had.get(camera_id, 0)), self._joined, camera_id)
        self._places[camera_id] = place
        heappush(self._queue, place)

    def take(self) -> str:
        """Return which of the cameras that wait, of which there is one at least, is the next; that takes its turn."""
        while True:
            place = heappop(self._queue)
            if self._places.get(place.camera_id) is place:
                break
        del self._places[place.camera_id]
        self._turn = max(self._turn, place.turn)
        self._had[place.camera_id] = place.turn + 1
        return place.camera_id

    def forget(self, camera_id: str) -> None:
        """Drop what is known of a camera, which waits no longer."""
        self._had.pop(camera_id, None)
        self._places.pop(camera_id, None)
        if len(self._queue) > 2 * len(self._places) + _FEW:
            self._queue = list(self._places.values())
            heapify(self._queue)
