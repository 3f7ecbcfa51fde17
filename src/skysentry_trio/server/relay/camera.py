"""What the hub knows about one camera, and about the connection that sends for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation, SkySentryError
from skysentry_trio.base.frames import FrameRate, FrameRing, RingStatistics
from skysentry_trio.base.rate_limit import RateLimiter


class EndReason(StrEnum):
    """Why the server ended a camera's session."""

    REPLACED = "replaced"
    SILENT = "silent"


class SessionEnded(SkySentryError):
    """The server ended the session: the connection no longer sends for its camera."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason)
        self.reason = reason


@define(eq=False)
class HubCamera:
    """Everything known about one camera; it outlives the camera's connections by the client timeout."""

    id: str
    name: str | None
    ring: FrameRing
    since: float
    """When it was first seen: seconds since the epoch."""
    last_heard: float
    """When it last said anything or left, by a monotonic clock: the wall clock may jump."""
    rate: FrameRate = field(factory=FrameRate, init=False)
    session: CameraSession | None = field(default=None, init=False)
    """The connection that sends for it now."""
    sequence: int = field(default=0, init=False)
    """Sequence of the newest frame."""
    frame_count: int = field(default=0, init=False)
    """Frames accepted."""
    byte_count: int = field(default=0, init=False)
    """JPEG bytes in those."""
    refused: Counter[str] = field(factory=Counter, init=False)
    """Frames refused, by cause."""
    read_until: float = field(default=float("-inf"), init=False)
    """Until when programs that read single pictures count as interested, by the monotonic clock."""

    @property
    def online(self) -> bool:
        """Whether a connection sends for it now."""
        return self.session is not None

    def statistics(self, now: float) -> RingStatistics:
        """Return the ring's figures; ``now`` is of the monotonic clock."""
        newest = self.ring.newest
        return RingStatistics(
            size=len(self.ring),
            capacity=self.ring.capacity,
            frame_count=self.frame_count,
            latest_at=None if newest is None else newest.received_at,
            fps=self.rate.fps(now),
        )


@define(eq=False)
class CameraSession:
    """One connection's hold on a camera, from its registration until it leaves or another takes over."""

    camera: HubCamera
    rate_limiter: RateLimiter
    """How fast frames may come."""
    ended: EndReason | None = field(default=None, init=False)
    """Set when the server ended it."""
    _on_end: Callable[[], None] = field(repr=False)
    on_demand: Callable[[], None] = field(default=lambda: None, repr=False)
    """Is called when the demand may have changed."""

    def refuse(self, violation: ProtocolViolation) -> ProtocolViolation:
        """Count a frame that the server does not take by the violation's code; return the violation, to be raised."""
        self.camera.refused[violation.code] += 1
        return violation

    def end(self, reason: EndReason) -> None:
        """Tell the connection to go; what it still sends counts no longer."""
        self.ended = reason
        self._on_end()


def flood_limit(max_fps: float) -> RateLimiter:
    """Return the pace that only a stranger exceeds: a camera's frames above its rate are dropped one by one."""
    return RateLimiter(10 * max_fps + 50, burst=1.0)
