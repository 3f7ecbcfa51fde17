"""What those who watch, and the network, want of a source at most."""

from __future__ import annotations

from attrs import frozen


@frozen
class EncoderTarget:
    """The most that is wanted now; None for no limit."""

    max_fps: float | None = None
    cause: str = "demand"
    """Under which frames over the rate are counted."""
    max_width: int | None = None
    """Pixels."""
    max_quality: int | None = None
    """Of the JPEG, 1 to 100."""
    width_factor: float = 1.0
    """By which the width is multiplied on top of that."""
    quality_factor: float = 1.0


UNLIMITED = EncoderTarget()
