"""Show the cameras of other servers as those of this one: their state, their newest frame, what viewers need of them.

No method awaits, so each of them is atomic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio
from attrs import define, field

from skysentry_trio.base.demand import Limits, most
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.camera import CameraSession, HubCamera, RemoteSource
from skysentry_trio.server.relay.camera_registry import CameraRegistry
from skysentry_trio.server.relay.eviction import Eviction
from skysentry_trio.server.relay.fan_out import FanOut
from skysentry_trio.server.relay.leases import Lease
from skysentry_trio.server.relay.notifier import ViewerNotifier
from skysentry_trio.server.relay.registration import CameraRegistration


@define(eq=False)
class MirroredCameras:
    """The cameras of other servers that the hub knows. The servers themselves and the links to them are not known."""

    _cameras: CameraRegistry
    _audience: Audience
    _fan_out: FanOut
    _eviction: Eviction
    _registration: CameraRegistration
    _notifier: ViewerNotifier
    on_leaving: Callable[[HubCamera], None] = field(default=lambda _camera: None, init=False, repr=False)
    """Called with a camera that is at another server now, before its ring is cut to the newest frame; must not raise.
    """

    @contextmanager
    def mirror(
        self,
        camera_id: str,
        source: RemoteSource,
        lease: Lease,
        *,
        on_end: Callable[[], None],
        on_demand: Callable[[], None],
    ) -> Iterator[CameraSession]:
        """Know a camera of another server for as long as the context lasts; an earlier session of the camera ends.

        Viewers see the camera as one of this server. It is offline until `show` says otherwise.

        Args:
            camera_id: id of the camera.
            source: where the frames come from; the caller publishes them.
            lease: of the other server.
            on_end: called when another session takes over; must not raise.
            on_demand: called when `demand` may have changed; must not raise.

        Raises:
            ProtocolViolation: with code ``server-full``, or ``replaced`` if there is a newer lease.
        """
        camera = self._cameras.get(camera_id) or self._registration.add(camera_id)
        if camera.session is not None and camera.session.lease.epoch > lease.epoch:
            raise ProtocolViolation(f"camera {camera_id} has connected again", "replaced")
        # The other server has applied the limit already.
        unlimited = RateLimiter(math.inf, burst=math.inf)
        session = CameraSession(camera, unlimited, on_end, on_demand, lease=lease, source=source, is_away=True)
        previous, was_online, camera.session = camera.session, camera.online, session
        if previous is not None:
            previous.replace()
        if was_online:
            self._notifier.notify(camera)
        self.on_leaving(camera)
        # Viewers that come later are shown the newest frame. All older ones are at the other server.
        camera.ring.capacity = 1
        camera.condition = None
        try:
            yield session
        finally:
            if camera.session is session:
                camera.session, was_online = None, camera.online
                camera.last_heard = trio.current_time()
                if was_online:
                    self._notifier.notify(camera)

    def show(self, session: CameraSession, *, online: bool, name: str | None, stopped: bool = False) -> None:
        """Show a camera of another server as it is there, and tell the viewers if this is a change."""
        camera = session.camera
        if not session.is_replaced and (camera.online, camera.name, camera.stopped) != (online, name, stopped):
            session.is_away, camera.name, camera.stopped = not online, name, stopped
            self._notifier.notify(camera)

    def note_reachable(self, session: CameraSession, *, reachable: bool) -> None:
        """Tell the viewers of a camera of another server whether that server answers, if this is a change."""
        if not session.is_replaced and session.is_reachable != reachable:
            session.is_reachable = reachable
            self._notifier.notify(session.camera)

    def note_condition(self, session: CameraSession, condition: str | None) -> None:
        """Tell the viewers what the other server says is wrong with the pictures, if this is a change."""
        if not session.is_replaced and session.camera.condition != condition:
            session.camera.condition = condition
            self._notifier.notify(session.camera)

    def drop_newest(self, session: CameraSession, *, restart: bool = False) -> None:
        """Drop the newest frame of a camera of another server, because it is too old to be shown to new viewers.

        Args:
            session: from `mirror`.
            restart: whether the other server counts the frames of the camera from 1 again.
        """
        camera = session.camera
        if not session.is_replaced:
            self._fan_out.forget(camera.id)
            self._cameras.clear(camera, capacity=1)
            if restart:
                camera.sequence = 0

    def demand(self, camera: HubCamera) -> Limits | None:
        """Return the most that viewers need of a camera of another server; None if nobody here needs its frames."""
        limits = [viewer.limits(camera.id) for viewer in self._audience.watching(camera.id) if not viewer.own_only]
        return most(limits) if limits else None

    def count_viewers(self, camera: HubCamera) -> int:
        """Return the number of viewers here that need the frames of a camera of another server."""
        return sum(not viewer.own_only for viewer in self._audience.watching(camera.id))

    def forget(self, camera: HubCamera) -> None:
        """Forget a camera that no server has any more."""
        if self._cameras.get(camera.id) is camera and camera.session is None:
            self._eviction.forget(camera)
