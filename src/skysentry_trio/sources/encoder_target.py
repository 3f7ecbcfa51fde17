"""The most that viewers and the uplink allow a source to produce."""

from __future__ import annotations

from attrs import frozen


@frozen
class EncoderTarget:
    """Limits for the frames of a source; None for no limit."""

    max_fps: float | None = None
    cause: str = "demand"
    """The cause under which dropped frames are counted if they exceed ``max_fps``."""
    max_width: int | None = None
    """Maximum width in pixels."""
    max_quality: int | None = None
    """Maximum JPEG quality, 1 to 100."""
    width_factor: float = 1.0
    """Factor for the width, applied after the maximum."""
    quality_factor: float = 1.0


UNLIMITED = EncoderTarget()
