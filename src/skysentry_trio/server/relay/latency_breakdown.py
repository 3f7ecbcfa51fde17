"""The latency of a frame from the camera to a viewer's screen, stage by stage, and means over many frames."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from attrs import define, field, frozen

from skysentry_trio.server.relay.ack_window import SentFrame

_TOLERANCE = 1.0
"""Seconds by which two clocks may differ; a delay that is negative by more than this is discarded."""
_LONGEST = 3600.0
"""Longest plausible delay in seconds; a longer delay is discarded, because a clock must be wrong."""
_REPORT_INTERVAL = 1.0
_FRESH = 5.0
"""Seconds for which a mean counts as current."""


@frozen
class LatencyBreakdown:
    """The stages of one frame, in seconds."""

    capture: float | None
    """From capture until the server had the frame; None if the time of capture is unknown or cannot be true."""
    server: float
    """From when the server had the frame until it sent the frame, including the wait in the outbox."""
    delivery: float
    """From when the server sent the frame until the viewer had painted the frame."""
    transit: float | None = None
    """From when another server had the frame until this one had it; None for a camera of this server."""

    @property
    def total(self) -> float:
        """Sum of the known stages."""
        return (self.capture or 0.0) + (self.transit or 0.0) + self.server + self.delivery


def measure(sent: SentFrame, painted_at: float, acknowledged_at: float) -> LatencyBreakdown | None:
    """Return the latency of a frame; None if the delay from server to screen cannot be true.

    The delay cannot be longer than the time until the acknowledgement came. A longer delay means that somebody has set
    the server's clock, and that the viewer does not know yet.

    Args:
        sent: the frame.
        painted_at: when the viewer painted the frame: seconds since the epoch by the server's clock, as far as the
            viewer knows that clock.
        acknowledged_at: when the acknowledgement came, in seconds of the clock of `SentFrame.sent_at`.
    """
    server = sent.sent_at - sent.arrived
    delivery = painted_at - sent.received_at - (sent.transit or 0.0) - server
    longest = acknowledged_at - sent.sent_at
    if not -_TOLERANCE <= delivery <= longest + _TOLERANCE:
        return None
    capture = None if sent.captured_at is None else sent.received_at - sent.captured_at
    if capture is not None:
        capture = max(0.0, capture) if -_TOLERANCE <= capture <= _LONGEST else None
    return LatencyBreakdown(capture, server, min(max(0.0, delivery), longest), sent.transit)


@frozen
class MeanLatency:
    """Mean latency over some frames of one camera."""

    frames: int
    breakdown: LatencyBreakdown

    def in_milliseconds(self) -> tuple[int, float | None, float, float, float]:
        """Return the number of frames, then capture, server, delivery and total in milliseconds, as peers read them."""
        breakdown = self.breakdown
        capture = None if breakdown.capture is None else _milliseconds(breakdown.capture)
        return (
            self.frames,
            capture,
            _milliseconds(breakdown.server),
            _milliseconds(breakdown.delivery),
            _milliseconds(breakdown.total),
        )

    @property
    def transit_in_milliseconds(self) -> float | None:
        """The way between two servers in milliseconds, as peers read it; None for a camera of this server."""
        transit = self.breakdown.transit
        return None if transit is None else _milliseconds(transit)


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 2)


def mean_of(means: Iterable[MeanLatency]) -> MeanLatency | None:
    """Combine several means into the mean over all of their frames; return None if there are no frames."""
    meter = LatencyMeter()
    for mean in means:
        meter.add(mean.breakdown, mean.frames)
    return meter.conclude(0.0)


@define(eq=False)
class LatencyMeter:
    """Mean latencies of one camera's frames to one viewer, each over about a second; times are monotonic seconds."""

    latest: MeanLatency | None = field(default=None, init=False)
    """Mean of the last second in which frames were measured."""
    measured_at: float = field(default=float("-inf"), init=False)
    """When `latest` was computed."""
    _frames: int = field(default=0, init=False)
    _captured: int = field(default=0, init=False)
    """Number of frames among `_frames` whose capture stage is known."""
    _capture: float = field(default=0.0, init=False)
    _server: float = field(default=0.0, init=False)
    _delivery: float = field(default=0.0, init=False)
    _transit: float | None = field(default=None, init=False)

    def add(self, breakdown: LatencyBreakdown, frames: int = 1) -> None:
        """Count a frame, or several with the same latency."""
        self._frames += frames
        self._server += breakdown.server * frames
        self._delivery += breakdown.delivery * frames
        if breakdown.transit is not None:
            self._transit = (self._transit or 0.0) + breakdown.transit * frames
        if breakdown.capture is not None:
            self._captured += frames
            self._capture += breakdown.capture * frames

    def conclude(self, now: float) -> MeanLatency | None:
        """Return the mean since the last call; None if there were no frames."""
        if not self._frames:
            return None
        capture = self._capture / self._captured if self._captured else None
        transit = None if self._transit is None else self._transit / self._frames
        breakdown = LatencyBreakdown(capture, self._server / self._frames, self._delivery / self._frames, transit)
        self.latest, self.measured_at = MeanLatency(self._frames, breakdown), now
        self._frames = self._captured = 0
        self._capture = self._server = self._delivery = 0.0
        self._transit = None
        return self.latest


@define(eq=False)
class LatencyReport:
    """Latencies of one viewer's cameras, from its acknowledgements."""

    meters: dict[str, LatencyMeter] = field(factory=dict, init=False)
    _due: float = field(default=float("-inf"), init=False)

    def add(self, camera_id: str, breakdown: LatencyBreakdown) -> None:
        """Count a frame."""
        meter = self.meters.get(camera_id)
        if meter is None:
            meter = self.meters[camera_id] = LatencyMeter()
        meter.add(breakdown)

    def conclude(self, now: float) -> dict[str, MeanLatency]:
        """Return the mean of each camera that had frames, at most once a second; empty in between."""
        if now < self._due or not self.meters:
            return {}
        # Wait a second also if the result is empty: this method is called for each acknowledgement, and there may be
        # many cameras.
        self._due = now + _REPORT_INTERVAL
        return {
            camera_id: mean for camera_id, meter in self.meters.items() if (mean := meter.conclude(now)) is not None
        }

    def latest(self, camera_id: str, now: float) -> MeanLatency | None:
        """Return the last mean of a camera; None if it is older than a few seconds."""
        meter = self.meters.get(camera_id)
        return None if meter is None or meter.measured_at < now - _FRESH else meter.latest

    def forget(self, camera_id: str) -> None:
        """Drop the figures of a camera that the viewer no longer watches."""
        self.forget_many({camera_id})

    def forget_many(self, camera_ids: AbstractSet[str]) -> None:
        """Drop the figures of cameras that the viewer no longer watches."""
        for camera_id in self.meters.keys() & camera_ids:
            del self.meters[camera_id]
