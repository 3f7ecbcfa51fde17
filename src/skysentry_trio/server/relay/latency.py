"""Histograms of the latency in each stage, for all cameras and all viewers that acknowledge frames."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import define, field

from skysentry_trio.base.histogram import Histogram
from skysentry_trio.server.relay.latency_breakdown import LatencyBreakdown

Stage = Literal["capture", "server", "delivery", "total"]
"""``capture``: from the camera to the server. ``server``: in the server. ``delivery``: from the server until the viewer
has painted the frame. ``total``: the sum of these three."""
STAGES: tuple[Stage, ...] = get_args(Stage)


@define(eq=False)
class LatencyHistograms:
    """One histogram for each stage; the values are seconds."""

    by_stage: dict[Stage, Histogram] = field(factory=lambda: {hop: Histogram() for hop in STAGES}, init=False)

    def add(self, breakdown: LatencyBreakdown) -> None:
        """Count a frame."""
        if breakdown.capture is not None:
            self.by_stage["capture"].observe(breakdown.capture)
        self.by_stage["server"].observe(breakdown.server)
        self.by_stage["delivery"].observe(breakdown.delivery)
        self.by_stage["total"].observe(breakdown.total)
