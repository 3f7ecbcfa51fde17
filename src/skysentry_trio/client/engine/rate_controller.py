"""Tell a camera's source what is wanted of it: what viewers need, cut down to what the uplink carries."""

from __future__ import annotations

from attrs import define, field

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.client.engine.uplink_controller import NO_CUT, Cut, Effort, cut_for
from skysentry_trio.sources.encoder_target import Wanted
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.wire.capture import Demand

_LOWEST_RATE = 1.0
"""Frames a second that remain however slow the uplink is."""


@define(eq=False)
class Steering:
    """What is demanded of a camera and how much of it can be done; lasts over its connections."""

    slot: FrameSlot
    obeys: bool = True
    """Whether demand counts."""
    demand: Demand | None = field(default=None, init=False)
    """What the server said last on this connection."""
    cut: Cut = field(default=NO_CUT, init=False)
    _effort: Effort = field(factory=Effort, init=False)

    def begin(self) -> None:
        """Say that a new connection begins: what was demanded before, and got lost since, is of no interest."""
        self.demand = None
        self._effort.begin(self.slot.offered, self.slot.dropped["behind"])
        self._tell_source()

    def take_demand(self, demand: Demand) -> None:
        """Do what is demanded; what makes no sense is ignored."""
        try:
            Limits(demand.max_fps, demand.max_width, demand.quality)
        except ProtocolViolation:
            return
        self.demand = demand
        self._tell_source()

    def judge(self, *, crowded: bool) -> None:
        """Look whether the uplink has carried what was wanted; to be called every half second."""
        if self._effort.judge(self.slot.offered, self.slot.dropped["behind"], crowded=crowded):
            self._tell_source()

    def _tell_source(self) -> None:
        demand = self.demand if self.obeys else None
        max_fps, cause = demand.max_fps if demand else None, "demand"
        self.cut = cut_for(self._effort.share, encodes=self.slot.encodes)
        if self.cut.rate < 1 and (source_fps := self.slot.source_fps()):
            wanted_fps = min(source_fps, max_fps or source_fps)
            slower = max(_LOWEST_RATE, wanted_fps * self.cut.rate)
            if slower < wanted_fps:
                max_fps, cause = slower, "uplink"
        self.slot.want(
            Wanted(
                max_fps=max_fps,
                cause=cause,
                max_width=demand.max_width if demand else None,
                max_quality=max(1, round(demand.quality * 100)) if demand and demand.quality is not None else None,
                width_factor=self.cut.width,
                quality_factor=self.cut.quality,
            )
        )
