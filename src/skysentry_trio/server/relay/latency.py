"""How old frames get on each part of their way, over all cameras and viewers that tell."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import define, field

from skysentry_trio.base.histogram import Histogram
from skysentry_trio.server.relay.latency_breakdown import LatencyBreakdown

Stage = Literal["capture", "server", "delivery", "total"]
"""``capture``: until the server has the frame. ``server``: until it goes out, waiting included. ``delivery``: until it
is painted. ``total``: all of that."""
STAGES: tuple[Stage, ...] = get_args(Stage)


@define(eq=False)
class LatencyHistograms:
    """One histogram of seconds for each hop."""

    by_stage: dict[Stage, Histogram] = field(factory=lambda: {hop: Histogram() for hop in STAGES}, init=False)

    def add(self, breakdown: LatencyBreakdown) -> None:
        """Count a frame; what took less than no time, as clocks are never quite equal, counts as nothing."""
        if breakdown.capture is not None:
            self.by_stage["capture"].observe(breakdown.capture)
        self.by_stage["server"].observe(breakdown.server)
        self.by_stage["delivery"].observe(breakdown.delivery)
        self.by_stage["total"].observe(breakdown.total)
