"""How old frames get on each part of their way, over all cameras and viewers that tell."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import define, field

from skysentry_trio.base.histogram import Histogram
from skysentry_trio.server.relay.latency_breakdown import Hops

Hop = Literal["capture", "server", "delivery", "total"]
"""``capture``: until the server has the frame. ``server``: until it goes out, waiting included. ``delivery``: until it
is painted. ``total``: all of that."""
HOPS: tuple[Hop, ...] = get_args(Hop)


@define(eq=False)
class LatencyHistograms:
    """One histogram of seconds for each hop."""

    by_hop: dict[Hop, Histogram] = field(factory=lambda: {hop: Histogram() for hop in HOPS}, init=False)

    def add(self, hops: Hops) -> None:
        """Count a frame; what took less than no time, as clocks are never quite equal, counts as nothing."""
        if hops.capture is not None:
            self.by_hop["capture"].observe(hops.capture)
        self.by_hop["server"].observe(hops.server)
        self.by_hop["delivery"].observe(hops.delivery)
        self.by_hop["total"].observe(hops.total)
