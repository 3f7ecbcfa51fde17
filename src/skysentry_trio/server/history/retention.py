"""Which segments to delete: those whose last frames are the oldest, until age, size and free space are as wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import frozen

from skysentry_trio.server.history.index import Segment, Usage

_NEVER: Final = 32_503_680_000.0
"""The year 3000."""


@frozen
class RetentionLimits:
    """How much a history may keep."""

    max_age: float = math.inf
    """Seconds."""
    max_bytes: float = math.inf
    """Bytes of all segments of all cameras."""
    min_free: int = 0
    """Bytes that stay free on the volume."""
    max_camera_bytes: float = math.inf
    """Bytes of all segments of one camera."""


@frozen
class NextDeletion:
    """When the oldest recordings will be deleted, if recording goes on as it has, and why."""

    at: float
    """Seconds since the epoch."""
    cause: str
    """``age``, ``bytes``, ``cameraBytes`` or ``free``."""


@frozen
class Forecast:
    """The next deletions."""

    first: NextDeletion | None = None
    by_camera: Mapping[str, NextDeletion] = {}


def choose_expired(
    oldest_first: Iterable[Segment], limits: RetentionLimits, *, now: float, nbytes: int, free: int
) -> list[Segment]:
    """Return the segments to delete.

    Args:
        oldest_first: segments that may be deleted, the oldest first.
        limits: how much the history may keep.
        now: seconds since the epoch.
        nbytes: bytes of all segments, including those that may not be deleted.
        free: bytes that are free on the volume.
    """
    expired = []
    for segment in oldest_first:
        is_old = segment.ended_at < now - limits.max_age
        if not is_old and nbytes <= limits.max_bytes and free >= limits.min_free:
            break
        expired.append(segment)
        nbytes -= segment.nbytes
        free += segment.nbytes
    return expired


def forecast(
    usages: Sequence[Usage], growth: Mapping[str, float], limits: RetentionLimits, *, now: float, free: int
) -> Forecast:
    """Return when recordings will be deleted next.

    Args:
        usages: what each camera has on disk.
        growth: bytes of each camera in a second.
        limits: how much the history may keep.
        now: seconds since the epoch.
        free: bytes that are free on the volume.
    """
    # Where nothing may be deleted, nothing will be.
    deletable = [usage for usage in usages if usage.ends_first is not None]
    nbytes, rate = sum(usage.nbytes for usage in usages), sum(growth.values())
    oldest = min(deletable, key=lambda usage: usage.ends_first or 0.0, default=None)
    shared = [
        NextDeletion(_reached(limits.max_bytes - nbytes, rate, now), "bytes"),
        NextDeletion(_reached(free - limits.min_free, rate, now), "free"),
    ]
    by_camera = {}
    for usage in deletable:
        left = limits.max_camera_bytes - usage.nbytes
        causes = [
            NextDeletion(max(now, (usage.ends_first or 0.0) + limits.max_age), "age"),
            NextDeletion(_reached(left, growth.get(usage.camera_id, 0.0), now), "cameraBytes"),
            *(shared if usage is oldest else ()),
        ]
        first = min(causes, key=lambda one: one.at)
        if first.at < _NEVER:
            by_camera[usage.camera_id] = first
    return Forecast(min(by_camera.values(), key=lambda one: one.at, default=None), by_camera)


def _reached(left: float, rate: float, now: float) -> float:
    """Return when a limit is reached, if this much is left of it and is used up at this rate."""
    if left <= 0:
        return now
    return now + left / rate if rate > 0 else math.inf
