"""What the hub knows about one camera, and about the connection that sends its frames."""

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
    """One camera; the hub keeps it for the client timeout after its last connection has ended."""

    id: str
    name: str | None
    ring: FrameRing
    since: float
    """When the hub met the camera: seconds since the epoch."""
    last_heard: float
    """When the camera last sent anything or left: seconds of the monotonic clock, as the wall clock may jump."""
    rate: FrameRate = field(factory=FrameRate, init=False)
    session: CameraSession | None = field(default=None, init=False)
    """The connection that sends for the camera now; None while it is offline."""
    sequence: int = field(default=0, init=False)
    """Sequence of the newest frame."""
    frame_count: int = field(default=0, init=False)
    """Number of frames that the hub accepted."""
    byte_count: int = field(default=0, init=False)
    """JPEG bytes in the accepted frames."""
    refused: Counter[str] = field(factory=Counter, init=False)
    """Number of refused frames by the code of the refusal."""
    read_until: float = field(default=float("-inf"), init=False)
    """Until when programs that read single frames count as interested, in seconds of the monotonic clock."""

    @property
    def online(self) -> bool:
        """Whether a connection sends for the camera now."""
        return self.session is not None

    def statistics(self, now: float) -> RingStatistics:
        """Return the figures of the ring; ``now`` is in seconds of the monotonic clock."""
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
    """Drops frames above the highest rate."""
    ended: EndReason | None = field(default=None, init=False)
    """Why the server ended the session; None while it lasts."""
    _on_end: Callable[[], None] = field(repr=False)
    on_demand: Callable[[], None] = field(default=lambda: None, repr=False)
    """Called when the demand may have changed."""

    def refuse(self, violation: ProtocolViolation) -> ProtocolViolation:
        """Count a frame that the server does not take by the violation's code; return the violation, to be raised."""
        self.camera.refused[violation.code] += 1
        return violation

    def end(self, reason: EndReason) -> None:
        """End the session: its connection is told to close, and its further frames are refused."""
        self.ended = reason
        self._on_end()


def flood_limit(max_fps: float) -> RateLimiter:
    """Return the message rate above which the peer is disconnected; frames merely above `max_fps` are dropped."""
    return RateLimiter(10 * max_fps + 50, burst=1.0)
