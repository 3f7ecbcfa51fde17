"""What is needed of a camera: the most that any of those who watch has use for."""

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


def most(limits: Iterable[Limits]) -> Limits:
    """Return the least limits that leave everybody what they have use for."""
    every = []
    for one in limits:
        if one.max_fps is None and one.max_width is None and one.quality is None:
            # The first of a thousand viewers most often says all.
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
    """What a camera is asked for."""

    viewers: int
    """Who watch it live; programs that read single pictures are not counted, though they are in the limits."""
    limits: Limits

    def exceeds(self, other: CombinedDemand) -> bool:
        """Say whether anything about the picture is more than in another demand."""
        mine, others = self.limits, other.limits
        return (
            _is_more(mine.max_fps, others.max_fps)
            or _is_more(mine.max_width, others.max_width)
            or _is_more(mine.quality, others.quality)
        )


def _is_more(value: float | None, other: float | None) -> bool:
    return other is not None and (value is None or value > other)
