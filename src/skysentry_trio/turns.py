"""Whose turn it is: several cameras share the way to one viewer, whatever their rates."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

_SAVED = 2
"""Turns that a camera may have missed and gets later."""


@define(eq=False)
class Turns:
    """Gives all cameras the same number of frames, as far as they have them.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996), with a frame for a packet: a camera that had nothing to send
    when its turn came has that turn next, and one with few frames does not stand in line behind one that always is.
    """

    _turn: int = field(default=0, init=False)
    """How many every camera has had that always had something to send."""
    _had: dict[str, int] = field(factory=dict, init=False, repr=False)
    """How many each camera has had."""

    def take(self, waiting: Iterable[str]) -> str:
        """Return which of the cameras that wait, of which there is one at least, is the next; that takes its turn."""
        camera_id = min(waiting, key=self._start_of)
        start = self._start_of(camera_id)
        self._turn = max(self._turn, start)
        self._had[camera_id] = start + 1
        return camera_id

    def forget(self, camera_id: str) -> None:
        """Drop what is known of a camera."""
        self._had.pop(camera_id, None)

    def _start_of(self, camera_id: str) -> int:
        return max(self._turn - _SAVED, self._had.get(camera_id, 0))
