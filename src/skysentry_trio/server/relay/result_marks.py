"""Remembers when programs found something in a camera's frames, as marks on the camera's timeline."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Final

from attrs import define, field

_JOIN: Final = 2.0
"""Findings that follow each other within this many seconds are one mark."""
_MAX_MARKS: Final = 100
"""Most marks of one camera. Beyond it, the two marks with the shortest time between them become one."""


@define(eq=False)
class ResultMarks:
    """Spans of time in which something was found; times are arrivals of frames, in seconds of the monotonic clock."""

    _spans: list[tuple[float, float]] = field(factory=list, init=False)
    """First and last finding, sorted; no two spans overlap."""

    def add(self, arrived: float, oldest: float) -> None:
        """Note that something was found in a frame.

        Args:
            arrived: when the frame arrived.
            oldest: when the oldest frame of the timeline arrived; marks before this time are dropped.
        """
        spans = self._spans
        index = bisect_right(spans, (arrived, float("inf")))
        first, last = arrived, arrived
        # A result may come late, so that its frame joins the mark before it, the mark after it, or both.
        if index and arrived - spans[index - 1][1] <= _JOIN:
            index -= 1
            first, last = spans[index][0], max(arrived, spans[index][1])
            del spans[index]
        if index < len(spans) and spans[index][0] - last <= _JOIN:
            last = spans[index][1]
            del spans[index]
        spans.insert(index, (first, last))
        while spans[0][1] < oldest and len(spans) > 1:
            del spans[0]
        if len(spans) > _MAX_MARKS:
            gaps = [later[0] - earlier[1] for earlier, later in pairwise(spans)]
            shortest = gaps.index(min(gaps))
            spans[shortest : shortest + 2] = [(spans[shortest][0], spans[shortest + 1][1])]

    def since(self, oldest: float) -> list[tuple[float, float]]:
        """Return the marks, oldest first, without those that end before ``oldest``."""
        return [span for span in self._spans if span[1] >= oldest]
