"""Histograms of the latency in each stage, for all cameras and all viewers that acknowledge frames."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import define, field

from skysentry_trio.base.histogram import Histogram
from skysentry_trio.server.relay.latency_breakdown import LatencyBreakdown

Stage = Literal["capture", "transit", "server", "delivery", "total"]
"""``capture``: from the camera to the server. ``transit``: from the server that has the camera to this one. ``server``:
in this server. ``delivery``: from this server until the viewer has painted the frame. ``total``: the sum of these."""
STAGES: tuple[Stage, ...] = get_args(Stage)


@define(eq=False)
class LatencyHistograms:
    """One histogram for each stage; the values are seconds."""

    by_stage: dict[Stage, Histogram] = field(factory=lambda: {hop: Histogram() for hop in STAGES}, init=False)

    def add(self, breakdown: LatencyBreakdown) -> None:
        """Count a frame."""
        if breakdown.capture is not None:
            self.by_stage["capture"].observe(breakdown.capture)
        if breakdown.transit is not None:
            self.by_stage["transit"].observe(breakdown.transit)
        self.by_stage["server"].observe(breakdown.server)
        self.by_stage["delivery"].observe(breakdown.delivery)
        self.by_stage["total"].observe(breakdown.total)
