"""What a program gets from a camera."""

from __future__ import annotations

import time

from attrs import field, frozen


@frozen
class Frame:
    """One picture of a camera. Times are seconds since the epoch by the server's clock."""

    camera_id: str
    """The camera's id."""
    sequence: int
    """Counts the camera's frames from 1. Numbers that are left out are frames that were skipped for newer ones."""
    jpeg: bytes = field(repr=False)
    captured_at: float | None
    """When the camera took it; None if it does not say."""
    received_at: float
    """When the server had it."""
    _began: float = field(repr=False, alias="began")
    """The same moment as `captured_at`, or else as `received_at`, by `time.monotonic`."""

    @property
    def age(self) -> float:
        """Return the seconds that have passed since it was taken, or since the server had it if that is not known."""
        return time.monotonic() - self._began
