"""A frame as a program gets it."""

from __future__ import annotations

import time

from attrs import field, frozen


@frozen
class Frame:
    """One frame of a camera. Times are seconds since the epoch by the server's clock."""

    camera_id: str
    """The camera's id."""
    sequence: int
    """The number of the frame, counted for each camera from 1. Missing numbers are skipped frames."""
    jpeg: bytes = field(repr=False)
    captured_at: float | None
    """When the camera took the picture; None if the camera does not say."""
    received_at: float
    """When the server received the frame."""
    _began: float = field(repr=False, alias="began")
    """The time of `captured_at`, or without it the time of `received_at`, in seconds of `time.monotonic`."""

    @property
    def age(self) -> float:
        """Return the seconds since the picture was taken, or if that is unknown, since the server received it."""
        return time.monotonic() - self._began
