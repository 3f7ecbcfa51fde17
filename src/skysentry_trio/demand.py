"""What is needed of a camera: the most that any of those who watch has use for."""

from __future__ import annotations

from attrs import frozen

from skysentry_trio.exceptions import ProtocolViolation

MAX_WIDTH = 65_535
"""Pixels; no JPEG is wider."""


@frozen
class Limits:
    """The most that a viewer has use for of one camera; None for no limit."""

    max_fps: float | None = None
    max_width: int | None = None
    """Pixels."""
    quality: float | None = None
    """Of the JPEG, above 0 to 1."""

    def __attrs_post_init__(self) -> None:
        """Refuse limits that make no sense.

        Raises:
            ProtocolViolation: one is out of range.
        """
        # A rate whose interval could be none would make every later sum infinite.
        if self.max_fps is not None and not 1e-6 <= self.max_fps <= 1e6:
            raise ProtocolViolation(
                f"maxFps is a number of frames a second from 0.000001 to 1000000, got {self.max_fps:g}"
            )
        if self.max_width is not None and not 1 <= self.max_width <= MAX_WIDTH:
            raise ProtocolViolation(f"maxWidth is a number of pixels from 1 to {MAX_WIDTH}, got {self.max_width}")
        if self.quality is not None and not 0 < self.quality <= 1:
            raise ProtocolViolation(f"quality is a number above 0 up to 1, got {self.quality:g}")


NO_LIMITS = Limits()
