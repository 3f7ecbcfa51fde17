"""Tell a camera's source what is wanted of it: what viewers need, cut down to what the uplink carries."""

from __future__ import annotations

from attrs import define, field

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.client.engine.uplink_controller import NO_REDUCTION, Reduction, UplinkController, reduction_for
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.wire.capture import Demand

_LOWEST_RATE = 1.0
"""Frames a second that remain however slow the uplink is."""


@define(eq=False)
class RateController:
    """What is demanded of a camera and how much of it can be done; lasts over its connections."""

    slot: FrameSlot
    obeys: bool = True
    """Whether demand counts."""
    demand: Demand | None = field(default=None, init=False)
    """What the server said last on this connection."""
    reduction: Reduction = field(default=NO_REDUCTION, init=False)
    _controller: UplinkController = field(factory=UplinkController, init=False)

    def begin(self) -> None:
        """Say that a new connection begins: what was demanded before, and got lost since, is of no interest."""
        self.demand = None
        self._controller.begin(self.slot.offered, self.slot.dropped["behind"])
        self._tell_source()

    def take_demand(self, demand: Demand) -> None:
        """Do what is demanded; what makes no sense is ignored."""
        try:
            Limits(demand.max_fps, demand.max_width, demand.quality)
        except ProtocolViolation:
            return
        self.demand = demand
        self._tell_source()

    def evaluate(self, *, congested: bool) -> None:
        """Look whether the uplink has carried what was wanted; to be called every half second."""
        if self._controller.evaluate(self.slot.offered, self.slot.dropped["behind"], congested=congested):
            self._tell_source()

    def _tell_source(self) -> None:
        demand = self.demand if self.obeys else None
        max_fps, cause = demand.max_fps if demand else None, "demand"
        self.reduction = reduction_for(self._controller.share, encodes=self.slot.encodes)
        if self.reduction.rate < 1 and (source_fps := self.slot.source_fps()):
            wanted_fps = min(source_fps, max_fps or source_fps)
            slower = max(_LOWEST_RATE, wanted_fps * self.reduction.rate)
            if slower < wanted_fps:
                max_fps, cause = slower, "uplink"
        self.slot.set_target(
            EncoderTarget(
                max_fps=max_fps,
                cause=cause,
                max_width=demand.max_width if demand else None,
                max_quality=max(1, round(demand.quality * 100)) if demand and demand.quality is not None else None,
                width_factor=self.reduction.width,
                quality_factor=self.reduction.quality,
            )
        )
