"""Sets the target of a camera's source: what viewers need, reduced to what the uplink carries."""

from __future__ import annotations

from attrs import define, field

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.client.engine.frame_size import FrameSizeGuard
from skysentry_trio.client.engine.uplink_controller import NO_REDUCTION, Reduction, UplinkController, reduction_for
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.wire.capture import Demand

_LOWEST_RATE = 1.0
"""Frames a second; a slow uplink does not reduce the rate below this."""


@define(eq=False)
class RateController:
    """Knows the demand for a camera and how much of it the uplink carries; used for all connections of the camera."""

    slot: FrameSlot
    obeys: bool = True
    """Whether the camera obeys the demand."""
    demand: Demand | None = field(default=None, init=False)
    """The last demand on this connection."""
    reduction: Reduction = field(default=NO_REDUCTION, init=False)
    _controller: UplinkController = field(factory=UplinkController, init=False)
    _guard: FrameSizeGuard = field(factory=FrameSizeGuard, init=False)

    def begin(self) -> None:
        """Begin with a new connection: earlier demand and dropped frames no longer count."""
        self.demand = None
        self._controller.begin(self.slot.offered, self.slot.dropped["behind"])
        self._tell_source()

    def limit_size(self, nbytes: int) -> None:
        """Keep each frame from now on within this many bytes, if the source can make smaller frames."""
        self._guard.limit = nbytes

    @property
    def size_limit(self) -> int:
        """Maximum size of a frame in bytes."""
        return self._guard.limit

    def admits_size(self, nbytes: int, now: float) -> bool:
        """Return whether the server takes a frame of this size; if not, the source is told to make smaller frames.

        Args:
            nbytes: the size of the frame.
            now: monotonic seconds.
        """
        before = self._guard.width_factor
        admitted = self._guard.admits(nbytes, now)
        if self._guard.width_factor != before:
            self._tell_source()
        return admitted

    def take_demand(self, demand: Demand) -> None:
        """Obey a demand; ignore a demand with a value out of range."""
        try:
            Limits(demand.max_fps, demand.max_width, demand.quality)
        except ProtocolViolation:
            return
        self.demand = demand
        self._tell_source()

    def evaluate(self, now: float, *, congested: bool) -> None:
        """Adjust the reduction to what the uplink has carried; call this every half second.

        Args:
            now: monotonic seconds.
            congested: whether frames queue for the link itself.
        """
        if self._controller.evaluate(self.slot.offered, self.slot.dropped["behind"], now, congested=congested):
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
                width_factor=self.reduction.width * self._guard.width_factor,
                quality_factor=self.reduction.quality,
            )
        )
