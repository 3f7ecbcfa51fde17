"""Demand: the most that the viewers of a camera need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation

N = TypeVar("N", int, float)
MAX_WIDTH = 65_535
"""Pixels; no JPEG is wider."""


@frozen
class Limits:
    """The most that a viewer needs of one camera; None for no limit."""

    max_fps: float | None = None
    max_width: int | None = None
    """Width in pixels."""
    quality: float | None = None
    """JPEG quality, above 0 and up to 1."""

    def __attrs_post_init__(self) -> None:
        """Refuse limits that are out of range.

        Raises:
            ProtocolViolation: with code ``invalid-message``.
        """
        # Later calculations use 1 / max_fps, which must be neither zero nor infinite.
        if self.max_fps is not None and not 1e-6 <= self.max_fps <= 1e6:
            raise ProtocolViolation(
                f"maxFps is a number of frames a second from 0.000001 to 1000000, got {self.max_fps:g}"
            )
        if self.max_width is not None and not 1 <= self.max_width <= MAX_WIDTH:
            raise ProtocolViolation(f"maxWidth is a number of pixels from 1 to {MAX_WIDTH}, got {self.max_width}")
        if self.quality is not None and not 0 < self.quality <= 1:
            raise ProtocolViolation(f"quality is a number above 0 up to 1, got {self.quality:g}")


NO_LIMITS = Limits()
NO_LIVE_FRAMES = Limits(max_fps=1e-6)
"""The limits of a viewer that wants no live frames, but old ones: the camera is asked for nothing because of it."""


def most(limits: Iterable[Limits]) -> Limits:
    """Return the tightest limits that satisfy every viewer."""
    every = []
    for one in limits:
        if one.max_fps is None and one.max_width is None and one.quality is None:
            # Most often the first viewer has no limits; then the other viewers need not be looked at.
            return NO_LIMITS
        every.append(one)
    return Limits(
        _largest([one.max_fps for one in every]),
        _largest([one.max_width for one in every]),
        _largest([one.quality for one in every]),
    )


def _largest(values: Sequence[N | None]) -> N | None:
    largest = None
    for value in values:
        if value is None:
            return None
        if largest is None or value > largest:
            largest = value
    return largest


@frozen
class CombinedDemand:
    """What the server asks a camera for."""

    viewers: int
    """Number of live viewers; programs that read single frames are not counted, but the limits are enough for them."""
    limits: Limits

    def exceeds(self, other: CombinedDemand) -> bool:
        """Return whether rate, width or quality is higher than in another demand."""
        mine, others = self.limits, other.limits
        return (
            _is_more(mine.max_fps, others.max_fps)
            or _is_more(mine.max_width, others.max_width)
            or _is_more(mine.quality, others.quality)
        )


def _is_more(value: float | None, other: float | None) -> bool:
    return other is not None and (value is None or value > other)
