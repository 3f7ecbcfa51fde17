"""What one viewer wants to see, and how often."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from attrs import define, field

from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.relay.latency_breakdown import LatencyReport
from skysentry_trio.server.relay.outbox import Delivery, Outbox
from skysentry_trio.server.relay.playback import PlaybackCursor


class FrameReceiver(Protocol):
    """Whoever takes live frames."""

    def offer(self, delivery: Delivery, now: float) -> None:
        """Take a frame; ``now`` is of the monotonic clock."""
        ...


@define(eq=False)
class HubViewer:
    """One viewer's choice of cameras; it begins with none.

    While all cameras are wanted, `named` holds the exceptions; else it holds the cameras that are wanted.
    """

    outbox: Outbox
    number: int = 0
    """Tells it from others; viewers are counted from 1."""
    notify_about: Collection[str] | None = ()
    """Cameras of which it is told when they come and go, besides those chosen now; None for all."""
    latency: LatencyReport = field(factory=LatencyReport, init=False)
    """What its acknowledgements say."""
    wants_all: bool = field(default=False, init=False)
    named: set[str] = field(factory=set, init=False)
    paused: bool = field(default=False, init=False)
    playbacks: dict[str, PlaybackCursor] = field(factory=dict, init=False)
    """Of the cameras whose live picture it has left."""
    _limits: Limits = field(default=NO_LIMITS, init=False)
    _own_limits: dict[str, Limits] = field(factory=dict, init=False)
    _pacers: dict[str, RateLimiter] = field(factory=dict, init=False, repr=False)

    def follows(self, camera_id: str) -> bool:
        """Say whether this camera is among those chosen, paused or not."""
        return (camera_id in self.named) != self.wants_all

    def always_notified_about(self, camera_id: str) -> bool:
        """Say whether it is told about this camera, whatever it chooses."""
        return self.notify_about is None or camera_id in self.notify_about

    def limits(self, camera_id: str) -> Limits:
        """Return the most it has use for of a camera that it follows."""
        return self._own_limits.get(camera_id, self._limits)

    def select(self, camera_ids: Collection[str] | None, limits: Limits = NO_LIMITS) -> None:
        """Want these cameras too, or all for None; the first names end the wish for all.

        Args:
            camera_ids: what to add.
            limits: the most it has use for of each of these.
        """
        self._pacers.clear()
        if camera_ids is None:
            self.wants_all = True
            self.named.clear()
            self._own_limits.clear()
            self._limits = limits
            return
        if self.wants_all:
            self.wants_all = False
            self.named.clear()
            self.outbox.forget_all(except_of=camera_ids)
            for camera_id in self.playbacks.keys() - set(camera_ids):
                del self.playbacks[camera_id]
        self.named.update(camera_ids)
        self._own_limits.update(dict.fromkeys(camera_ids, limits))

    def deselect(self, camera_ids: Collection[str]) -> None:
        """Want these cameras no longer."""
        for camera_id in camera_ids:
            self.forget(camera_id)
            self._own_limits.pop(camera_id, None)
        if self.wants_all:
            self.named.update(camera_ids)
        else:
            self.named.difference_update(camera_ids)

    def forget(self, camera_id: str) -> None:
        """Drop what waits of a camera, its playback and what is known of its pace; the choice stays."""
        self.outbox.forget(camera_id)
        self.latency.forget(camera_id)
        self.playbacks.pop(camera_id, None)
        self._pacers.pop(camera_id, None)

    def receiver(self, camera_id: str | None) -> FrameReceiver:
        """Return who takes the live frames of a chosen camera, or for None those of all.

        Good until the choice changes or a playback begins. It is the viewer, or if that would have nothing to look at,
        its outbox: what a delivery costs is above all how many objects are touched for each viewer.
        """
        if camera_id is None:
            is_free = self._limits.max_fps is None and not self.playbacks and not self.named
        else:
            is_free = self.limits(camera_id).max_fps is None and camera_id not in self.playbacks
        return self.outbox if is_free else self

    def offer(self, delivery: Delivery, now: float) -> None:
        """Put a live frame into the outbox if its camera is watched live and it is not too soon after the last."""
        camera_id = delivery.camera_id
        limits = self._limits
        if self.named or self.playbacks or not self.wants_all:
            if not self.follows(camera_id) or camera_id in self.playbacks:
                return
            limits = self.limits(camera_id)
        max_fps = limits.max_fps
        if max_fps is not None:
            pacer = self._pacers.get(camera_id)
            if pacer is None:
                # Half an interval early is in time: frames never come evenly.
                pacer = self._pacers[camera_id] = RateLimiter(max_fps, burst=0.5 / max_fps)
            if not pacer.admit(now):
                self.outbox.rate_limited += 1
                return
        if not self.paused:
            self.outbox.offer(delivery, now)

    def show(self, delivery: Delivery, now: float) -> None:
        """Put a frame into the outbox whatever was chosen, unless it is paused."""
        if not self.paused:
            self.outbox.offer(delivery, now)
