"""How much of a time a camera was recorded: by days in a zone, and in parts of equal length."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.history.frame_table import FrameTable, tick_of
from skysentry_trio.server.history.index import Tally

QUARTER: Final = 900.0
"""Seconds: in every zone, days begin at a multiple of this."""
_LONGEST_ZONE: Final = 64


@frozen
class Coverage:
    """How many frames arrived in each part of a time."""

    counts: list[int]
    frames: int
    nbytes: int


@frozen
class RecordedDay:
    """A day on which a camera was recorded."""

    day: date
    begin: float
    """Seconds since the epoch."""
    end: float
    """When the next day begins: after 23 to 25 hours."""
    frames: int
    nbytes: int


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name, such as ``Europe/Berlin``; this reads a file.

    Raises:
        ProtocolViolation: there is no such zone.
    """
    try:
        return ZoneInfo(name if len(name) <= _LONGEST_ZONE else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ProtocolViolation(f"zone is the name of a time zone such as Europe/Berlin, got {name[:80]!a}") from None


def days(quarters: Iterable[Tally], zone: ZoneInfo) -> list[RecordedDay]:
    """Return the days in a zone.

    Args:
        quarters: in order, counted from the epoch in parts of `QUARTER`.
        zone: where the days are.
    """
    found = []
    for day, group in groupby(quarters, lambda one: datetime.fromtimestamp(one.number * QUARTER, zone).date()):
        tallies = list(group)
        begin, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        found.append(
            RecordedDay(day, begin, end, sum(one.frames for one in tallies), sum(one.nbytes for one in tallies))
        )
    return found


def count_frames(table: FrameTable, begin: float, width: float, counts: list[int], *, since: float = 0.0) -> None:
    """Add the frames of a segment to the counts of the parts in which the frames arrived.

    Args:
        table: places of the frames.
        begin: when the first part begins, in seconds since the epoch.
        width: seconds of a part.
        counts: of each part.
        since: frames that arrived before this moment do not count.
    """
    number = bisect_left(table.ticks, tick_of(max(begin, since)), hi=len(table))
    while number < len(table):
        part = int((table.ticks[number] / 1000 - begin) / width)
        if part >= len(counts):
            return
        following = bisect_left(table.ticks, tick_of(begin + (part + 1) * width), lo=number + 1, hi=len(table))
        counts[part] += following - number
        number = following


def mark_spans(spans: Iterable[tuple[float, float]], begin: float, width: float, counts: list[int]) -> None:
    """Count at least one frame in each part that touches a span, because frames may be rarer than parts."""
    for first, last in spans:
        lowest = max(0, math.floor((first - begin) / width))
        for part in range(lowest, min(len(counts) - 1, math.floor((last - begin) / width)) + 1):
            counts[part] = max(1, counts[part])


def join_tallies(tallies: Iterable[Tally], begin: float, width: float, pause: float) -> Iterator[tuple[float, float]]:
    """Yield the times from one recorded part to the next, where the pause between them is too short to be a gap."""
    before: Tally | None = None
    for one in tallies:
        if before is not None and (one.number - before.number - 1) * width <= max(pause, 2 * one.interval):
            yield begin + before.number * width, begin + one.number * width
        before = one


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
