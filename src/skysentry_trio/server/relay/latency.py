"""Histograms of the latency in each stage, over all cameras and all viewers that acknowledge."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import define, field

from skysentry_trio.base.histogram import Histogram
from skysentry_trio.server.relay.latency_breakdown import LatencyBreakdown

Stage = Literal["capture", "server", "delivery", "total"]
"""``capture``: until the server has the frame. ``server``: until the frame goes out. ``delivery``: until the viewer has
painted the frame. ``total``: the sum."""
STAGES: tuple[Stage, ...] = get_args(Stage)


@define(eq=False)
class LatencyHistograms:
    """One histogram of seconds for each stage."""

    by_stage: dict[Stage, Histogram] = field(factory=lambda: {hop: Histogram() for hop in STAGES}, init=False)

    def add(self, breakdown: LatencyBreakdown) -> None:
        """Count a frame."""
        if breakdown.capture is not None:
            self.by_stage["capture"].observe(breakdown.capture)
        self.by_stage["server"].observe(breakdown.server)
        self.by_stage["delivery"].observe(breakdown.delivery)
        self.by_stage["total"].observe(breakdown.total)
