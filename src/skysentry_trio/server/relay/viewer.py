"""What one viewer watches, and how often it wants a frame of each camera."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, Protocol

from attrs import define, field

from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.latency_breakdown import LatencyReport
from skysentry_trio.server.relay.notices import CameraNotice
from skysentry_trio.server.relay.outbox import Outbox


class FrameReceiver(Protocol):
    """Where the hub delivers a viewer's live frames."""

    def offer(self, delivery: Delivery, now: float) -> None:
        """Take a frame; ``now`` is in seconds of the monotonic clock."""
        ...


class Playback(Protocol):
    """Says which cameras a viewer plays back instead of seeing them live."""

    def is_active(self, camera_id: str | None = None) -> bool:
        """Return whether the viewer plays back this camera; for None, whether it plays back any camera."""
        ...

    def forget(self, camera_id: str) -> None:
        """End the playback of a camera that the viewer no longer gets."""
        ...

    def forget_all(self, *, except_of: Collection[str] = ()) -> None:
        """End the playbacks of all cameras except these."""
        ...


class _NoPlayback:
    def is_active(self, camera_id: str | None = None) -> bool:  # noqa: ARG002
        return False

    def forget(self, camera_id: str) -> None:
        pass

    def forget_all(self, *, except_of: Collection[str] = ()) -> None:
        pass


NO_PLAYBACK: Final = _NoPlayback()
"""The playback of a viewer that sees every camera live."""


@define(eq=False)
class HubViewer:
    """One viewer's subscription, which starts empty, and its outbox.

    While `wants_all` is set, `named` holds the cameras that the viewer does not want; otherwise it holds the cameras
    that the viewer wants.
    """

    outbox: Outbox
    number: int = 0
    """Identifies the viewer; the hub numbers its viewers from 1."""
    notify_about: Collection[str] | None = ()
    """Ids of cameras about which the viewer gets notices even without a subscription to them; None for all cameras."""
    principal: Principal = ANYONE
    """The viewer may know only of cameras that this principal may see."""
    online_only: bool = False
    """Whether the viewer is shown no old frames of cameras that are offline."""
    own_only: bool = False
    """Whether no frames of cameras of other servers are fetched for the viewer."""
    passes_on: dict[str, int] = field(factory=dict, init=False)
    """The number of viewers to which another server passes the frames of a camera on, by camera id; 1 if not here."""
    takes_frames: bool = True
    """False for a part of the server that reads the rings, and subscribes only so that cameras send frames."""
    latency: LatencyReport = field(factory=LatencyReport, init=False)
    """Latencies computed from the viewer's acknowledgements."""
    wants_all: bool = field(default=False, init=False)
    wants_new: bool = field(default=False, init=False)
    """Whether to add new cameras of the hub to `named`: the viewer wants all, but its principal may not see all."""
    named: set[str] = field(factory=set, init=False)
    paused: bool = field(default=False, init=False)
    playback: Playback = field(default=NO_PLAYBACK, init=False, repr=False)
    """Says which cameras the viewer does not see live."""
    _limits: Limits = field(default=NO_LIMITS, init=False)
    _own_limits: dict[str, Limits] = field(factory=dict, init=False)
    _declined: set[str] = field(factory=set, init=False)
    """Cameras from which the viewer has unsubscribed: they are not added to `named` although `wants_new` is set."""
    _rate_limiters: dict[str, RateLimiter] = field(factory=dict, init=False, repr=False)

    def follows(self, camera_id: str) -> bool:
        """Return whether the viewer subscribes to this camera, paused or not."""
        return (camera_id in self.named) != self.wants_all

    def is_notified_about(self, camera_id: str) -> bool:
        """Return whether the viewer gets notices about this camera even without a subscription to it."""
        return (self.notify_about is None or camera_id in self.notify_about) and self.principal.may_see(camera_id)

    def limits(self, camera_id: str) -> Limits:
        """Return the viewer's limits for a camera that it follows."""
        return self._own_limits.get(camera_id, self._limits)

    def select_all(self, limits: Limits = NO_LIMITS, known: Collection[str] = ()) -> None:
        """Subscribe to all cameras that the principal may see.

        Args:
            limits: for each camera.
            known: the ids of the cameras that exist now and that the principal may see; `add_new` adds later cameras.
        """
        self._rate_limiters.clear()
        self._own_limits.clear()
        self._declined.clear()
        self._limits = limits
        self.wants_all = self.principal.sees is None
        self.wants_new = not self.wants_all
        self.named = set() if self.wants_all else set(known)

    def select(self, camera_ids: Collection[str], limits: Limits = NO_LIMITS) -> None:
        """Subscribe to these cameras too; after a subscription to all cameras, subscribe to these cameras only.

        Args:
            camera_ids: ids of the cameras; the caller has checked that the principal may see these cameras.
            limits: for each of these cameras.
        """
        self._rate_limiters.clear()
        if self.wants_all or self.wants_new:
            self.wants_all = self.wants_new = False
            self.named.clear()
            self.outbox.forget_all(except_of=camera_ids)
            self.playback.forget_all(except_of=camera_ids)
        self.named.update(camera_ids)
        self._own_limits.update(dict.fromkeys(camera_ids, limits))

    def adapt_to_principal(self, known: Collection[str]) -> None:
        """Make the subscription fit a principal that has changed.

        Args:
            known: the ids of all cameras that exist now.
        """
        may_see, sees_all = self.principal.may_see, self.principal.sees is None
        if self.wants_all or self.wants_new:
            declined = self.named if self.wants_all else self._declined
            self.wants_all, self.wants_new = sees_all, not sees_all
            self._declined = set() if sees_all else set(declined)
            self.named = set(declined) if sees_all else {one for one in known if may_see(one)} - declined
        else:
            self.named = {camera_id for camera_id in self.named if may_see(camera_id)}
        self.forget({camera_id for camera_id in known if not may_see(camera_id)} if not sees_all else frozenset())

    def add_new(self, camera_id: str) -> bool:
        """Subscribe to a new camera of the hub if the viewer wants this camera; return whether it does."""
        wanted = self.wants_new and camera_id not in self._declined and self.principal.may_see(camera_id)
        if wanted:
            self.named.add(camera_id)
        return wanted

    def deselect(self, camera_ids: Collection[str]) -> None:
        """Unsubscribe from these cameras."""
        self.forget(frozenset(camera_ids))
        for camera_id in camera_ids:
            self._own_limits.pop(camera_id, None)
            self.passes_on.pop(camera_id, None)
        if self.wants_new:
            self._declined.update(camera_ids)
        if self.wants_all:
            self.named.update(camera_ids)
        else:
            self.named.difference_update(camera_ids)

    @property
    def named_count(self) -> int:
        """Number of camera ids that the viewer has sent and that the hub keeps for the viewer."""
        return len(self._declined if self.wants_new else self.named)

    def forget(self, camera_ids: AbstractSet[str]) -> None:
        """Drop the waiting frames, latencies, playbacks and rate limiters of cameras; the subscription stays."""
        self.outbox.forget_many(camera_ids)
        self.latency.forget_many(camera_ids)
        if self.playback.is_active():
            for camera_id in camera_ids:
                self.playback.forget(camera_id)
        for camera_id in self._rate_limiters.keys() & camera_ids:
            del self._rate_limiters[camera_id]

    def concerned_by(self, notices: Mapping[str, CameraNotice]) -> Mapping[str, CameraNotice]:
        """Return the notices that the viewer gets, by camera id: those of cameras that it follows or asked about."""
        about, named, wants_all, may_see = self.notify_about, self.named, self.wants_all, self.principal.may_see
        if (about is None and self.principal.sees is None) or (wants_all and not named):
            return notices
        return {
            camera_id: notice
            for camera_id, notice in notices.items()
            if (camera_id in named) != wants_all or ((about is None or camera_id in about) and may_see(camera_id))
        }

    def receiver(self, camera_id: str | None) -> FrameReceiver:
        """Return the object that takes the live frames of a followed camera; None means all cameras.

        If no filter applies, this object is the outbox itself: one object less for each viewer makes a delivery
        measurably cheaper. The object is right until the subscription changes, or a playback begins or ends.
        """
        return self if self._is_filtered(camera_id) else self.outbox

    def _is_filtered(self, camera_id: str | None) -> bool:
        """Return whether a filter may keep frames of this camera out of the outbox; None means any camera.

        Only this method lists all filters, and `receiver` and `offer` both rely on it. If this returns False, `offer`
        checks no filter. A filter that is missing here has no effect where it is the only one.
        """
        if camera_id is None:
            return bool(
                self._limits.max_fps is not None or self.playback.is_active() or self.named or not self.wants_all
            )
        limits = self._own_limits.get(camera_id, self._limits)
        is_wanted = (camera_id in self.named) != self.wants_all
        return limits.max_fps is not None or self.playback.is_active(camera_id) or not is_wanted

    def offer(self, delivery: Delivery, now: float) -> None:
        """Put a live frame into the outbox unless a filter applies: subscription, playback, or rate."""
        camera_id = delivery.camera_id
        if self._is_filtered(camera_id):
            if not self.follows(camera_id) or self.playback.is_active(camera_id):
                return
            if not self._admits(camera_id, now):
                self.outbox.rate_limited += 1
                return
        self.show(delivery, now)

    def _admits(self, camera_id: str, now: float) -> bool:
        max_fps = self.limits(camera_id).max_fps
        if max_fps is None:
            return True
        limiter = self._rate_limiters.get(camera_id)
        if limiter is None:
            # Frames never come evenly, so a frame may come half an interval early.
            limiter = self._rate_limiters[camera_id] = RateLimiter(max_fps, burst=0.5 / max_fps)
        return limiter.admit(now)

    def show(self, delivery: Delivery, now: float) -> None:
        """Put a frame into the outbox without filters, unless the viewer is paused or takes no frames."""
        if self.takes_frames and not self.paused:
            self.outbox.offer(delivery, now)
