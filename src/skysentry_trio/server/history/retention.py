"""Which segments to delete: those whose last frames are the oldest, until age, size and free space are as wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable

from attrs import frozen

from skysentry_trio.server.history.index import Segment


@frozen
class RetentionLimits:
    """How much a history may keep."""

    max_age: float = math.inf
    """Seconds."""
    max_bytes: float = math.inf
    """Bytes of all segments of all cameras."""
    min_free: int = 0
    """Bytes that stay free on the volume."""


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
