"""What the hub knows about one camera, and about the connection that sends its frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation, SkySentryError
from skysentry_trio.base.frames import FrameRate, FrameRing, RingStatistics
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.relay.leases import NO_LEASE, Lease
from skysentry_trio.server.relay.notices import CameraNotice
from skysentry_trio.server.relay.picture_condition import PictureCondition
from skysentry_trio.server.relay.result_marks import ResultMarks


class SessionReplaced(SkySentryError):
    """A newer session has the camera: the connection may no longer send frames for the camera."""


class RemoteSource(Protocol):
    """The other server from which the frames of a camera come."""

    @property
    def node_id(self) -> str:
        """The id of the server."""
        ...

    def send_result(self, message: bytes) -> None:
        """Pass on a detection result, an encoded message, for that server to send to all viewers."""
        ...


@define(eq=False)
class HubCamera:
    """One camera; the hub keeps the camera for the client timeout after the camera's last connection has ended."""

    id: str
    name: str | None
    ring: FrameRing
    since: float
    """When the hub met the camera: seconds since the epoch. This never changes, also if the clock is set, because ETags
    contain it."""
    last_heard: float
    """When the camera last sent anything, or left: seconds of the monotonic clock, because the wall clock may jump."""
    met: float = field(init=False)
    """The time of `since` in seconds of the monotonic clock, for ages."""
    rate: FrameRate = field(factory=FrameRate, init=False)
    session: CameraSession | None = field(default=None, init=False)
    """The session of the connection that sends for the camera now; None while the camera is offline."""
    stopped: bool = field(default=False, init=False)
    """Whether the camera is offline because it was stopped on purpose."""
    sequence: int = field(default=0, init=False)
    """Sequence of the newest frame."""
    frame_count: int = field(default=0, init=False)
    """Number of frames that the hub accepted."""
    byte_count: int = field(default=0, init=False)
    """JPEG bytes in the accepted frames; a picture that the camera did not send again counts once."""
    refused: Counter[str] = field(factory=Counter, init=False)
    """Number of refused frames for each error code."""
    times_ignored: int = field(default=0, init=False)
    """Number of accepted frames whose time of capture was so wrong that the hub ignored it."""
    keep_for: float = field(default=0.0, init=False)
    """Seconds for which the hub keeps the camera after it left, if this is longer than the client timeout and there is
    room."""
    marks: ResultMarks | None = field(default=None, init=False)
    """When something was found in the frames; None before the first finding, because most cameras have none."""
    pictures: PictureCondition = field(factory=PictureCondition, init=False)
    """Finds out what is wrong with the pictures."""
    condition: str | None = field(default=None, init=False)
    """What is wrong with the pictures, as the viewers know it; None if nothing is."""
    clock_shift: float = field(default=0.0, init=False)
    """`WallClock.shift` of the clock by which the times of the frames in the ring are."""
    read_until: float = field(default=float("-inf"), init=False)
    """The demand counts programs that read single frames until this time, in seconds of the monotonic clock."""

    @met.default
    def _first_heard(self) -> float:
        return self.last_heard

    def is_overdue(self, now: float, client_timeout: float) -> bool:
        """Return whether the camera left so long ago that another camera may have its place.

        A camera with a session is never overdue: pings or deadlines show that its connection lives.
        """
        return self.session is None and self.last_heard <= now - client_timeout

    def is_expired(self, now: float, client_timeout: float) -> bool:
        """Return whether the hub should forget the camera; ``now`` is in seconds of the monotonic clock."""
        return self.is_overdue(now, max(client_timeout, self.keep_for))

    @property
    def online(self) -> bool:
        """Whether a connection sends for the camera now, here or at another server."""
        return self.session is not None and not self.session.is_away

    @property
    def is_reachable(self) -> bool:
        """Whether frames can come: False if another server has the camera and does not answer."""
        return self.session is None or self.session.is_reachable

    @property
    def is_elsewhere(self) -> bool:
        """Whether another server has the camera."""
        return self.session is not None and self.session.source is not None

    def notice(self) -> CameraNotice:
        """Return what viewers are told about the camera as it is now."""
        return CameraNotice(
            self.id,
            self.name,
            self.online,
            stopped=self.stopped,
            reachable=self.is_reachable,
            condition=self.condition,
        )

    def follow_clock(self, shift: float) -> None:
        """Correct the times of all frames after the clock was set; ``shift`` is the `WallClock.shift` of now."""
        self.ring.shift_times(shift - self.clock_shift)
        self.clock_shift = shift

    def mark_result(self, sequence: int) -> None:
        """Note that something was found in a frame; do nothing if the ring no longer has the frame."""
        frame, oldest = self.ring.up_to(sequence), self.ring.oldest
        if frame is None or oldest is None or frame.sequence != sequence:
            return
        if self.marks is None:
            self.marks = ResultMarks()
        self.marks.add(frame.arrived, oldest.arrived)

    def results(self) -> list[tuple[float, float]]:
        """Return when something was found, as first and last times in seconds since the epoch, oldest first."""
        oldest = self.ring.oldest
        if self.marks is None or oldest is None:
            return []
        # The clock may have been set since, so the times are those of the clock as it is set now.
        epoch = oldest.received_at - oldest.arrived
        return [(first + epoch, last + epoch) for first, last in self.marks.since(oldest.arrived)]

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
    """A connection's right to send for a camera, until the connection leaves or a newer session replaces this one."""

    camera: HubCamera
    rate_limiter: RateLimiter
    """Drops frames above the highest rate."""
    said_goodbye: bool = field(default=False, init=False)
    """Whether the camera said that it is being stopped on purpose."""
    is_replaced: bool = field(default=False, init=False)
    """Whether a newer session has the camera."""
    _on_end: Callable[[], None] = field(repr=False)
    on_demand: Callable[[], None] = field(default=lambda: None, repr=False)
    """Called when the demand may have changed."""
    principal: Principal = ANYONE
    """Who sends; only the same principal or an administrator may take over."""
    source: RemoteSource | None = None
    """Where the frames come from, if the camera is connected to another server; None for a camera of this server."""
    is_away: bool = False
    """Whether the camera of another server is not connected there now."""
    is_reachable: bool = True
    """Whether the other server answers, as far as is known."""
    lease: Lease = NO_LEASE
    """The right of this server to have the camera."""

    def refuse(self, violation: ProtocolViolation) -> ProtocolViolation:
        """Count a refused frame under the violation's code; return the violation, so that the caller can raise it."""
        self.camera.refused[violation.code] += 1
        return violation

    def replace(self) -> None:
        """End the session: tell the camera's connection to close, and refuse further frames from this connection."""
        self.is_replaced = True
        self._on_end()


def flood_limit(max_fps: float) -> RateLimiter:
    """Return the limit on messages above which a camera is disconnected.

    Frames that come faster than `max_fps`, but within this limit, are only dropped.
    """
    return RateLimiter(10 * max_fps + 50, burst=1.0)
