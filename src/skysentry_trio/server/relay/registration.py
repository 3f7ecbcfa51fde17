"""Let cameras register: a camera has one session at a time, and a newer session takes over from an older one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from operator import attrgetter

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.base.wall_clock import WallClock
from skysentry_trio.server.relay.camera import CameraSession, HubCamera
from skysentry_trio.server.relay.camera_registry import CameraRegistry
from skysentry_trio.server.relay.eviction import Eviction
from skysentry_trio.server.relay.leases import NO_LEASE, Lease, Leases, ServerAlone
from skysentry_trio.server.relay.notifier import ViewerNotifier
from skysentry_trio.server.relay.subscriptions import Subscriptions
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.settings import Settings


@define(eq=False)
class CameraRegistration:
    """Gives cameras their sessions. Only `claim` awaits, so every other operation is atomic."""

    _settings: Settings
    _wall_clock: WallClock
    _cameras: CameraRegistry
    _viewers: Collection[HubViewer]
    _subscriptions: Subscriptions
    _eviction: Eviction
    _notifier: ViewerNotifier
    leases: Leases = field(factory=ServerAlone, init=False)
    """Says whether this server may have a camera that connects here."""

    async def claim(self, camera_id: str, name: str | None = None, principal: Principal = ANYONE) -> Lease:
        """Return the lease with which a camera may register now; in a cluster, this asks the other servers.

        Raises:
            ProtocolViolation: with code ``in-use``, or ``replaced`` if the camera connected elsewhere in the meantime.
        """
        _check_free(self._cameras.get(camera_id), principal)
        return await self.leases.claim(camera_id, name, principal)

    @contextmanager
    def register(
        self,
        camera_id: str,
        *,
        name: str | None,
        on_end: Callable[[], None],
        on_demand: Callable[[], None],
        principal: Principal = ANYONE,
        lease: Lease = NO_LEASE,
    ) -> Iterator[CameraSession]:
        """Register a camera for as long as the context lasts; end an earlier session of the camera.

        A camera that the hub already knows keeps its ring, its frame count and its viewers.

        Args:
            camera_id: id of the camera, which the caller has checked.
            name: label for people; None keeps the current label of the camera.
            on_end: called when another session takes over; must not raise.
            on_demand: called when `Hub.demand` may have changed; must not raise.
            principal: who sends. Only the same principal or an administrator takes a live camera over.
            lease: from `claim`, without waiting in between.

        Raises:
            ProtocolViolation: with code ``server-full``, ``in-use``, or ``replaced`` if there is a newer lease.
        """
        camera = self._cameras.get(camera_id) or self.add(camera_id)
        previous = camera.session
        _check_free(camera, principal)
        if previous is not None and previous.lease.epoch > lease.epoch:
            raise ProtocolViolation(f"camera {camera_id} has connected again", "replaced")
        rate_limiter = RateLimiter(self._settings.max_fps, burst=0.5)
        session = CameraSession(camera, rate_limiter, on_end, on_demand, principal, lease=lease)
        camera.session, camera.stopped = session, False
        camera.sequence = max(camera.sequence, lease.sequence)
        camera.last_heard = trio.current_time()
        camera.keep_for = 0.0
        camera.name = name or camera.name
        camera.pictures.forget_measure()
        camera.condition = camera.pictures.current
        if previous is not None:
            previous.replace()
        camera.ring.capacity = self._settings.ring_capacity
        self._notifier.notify(camera)
        try:
            yield session
        finally:
            # A replaced session must not end the session that replaced it.
            if camera.session is session:
                camera.session, camera.stopped = None, session.said_goodbye
                # The client timeout begins now, however long the camera was silent before.
                camera.last_heard = trio.current_time()
                self.leases.leave(camera_id, session.lease, camera.sequence, stopped=camera.stopped)
                self._notifier.notify(camera)

    def end_session(self, camera_id: str, epoch: int) -> None:
        """End the session of a camera that has connected to another server, if its lease is older than an epoch."""
        camera = self._cameras.get(camera_id)
        session = None if camera is None else camera.session
        if session is not None and session.source is None and session.lease.epoch < epoch:
            session.replace()

    def add(self, camera_id: str) -> HubCamera:
        """Add a camera; cameras that are kept for longer than the client timeout give way to it.

        Raises:
            ProtocolViolation: with code ``server-full``.
        """
        overdue: deque[HubCamera] | None = None
        while True:
            try:
                camera = self._cameras.obtain(camera_id)
            except ProtocolViolation:
                if overdue is None:
                    now, timeout = trio.current_time(), self._settings.client_timeout
                    left = (camera for camera in self._cameras.all if camera.is_overdue(now, timeout))
                    overdue = deque(sorted(left, key=attrgetter("last_heard")))
                if not overdue:
                    self.leases.release(camera_id)
                    raise
                self._eviction.forget(overdue.popleft())
            else:
                self._wall_clock.now()
                camera.clock_shift = self._wall_clock.shift
                self._subscriptions.join_new(self._viewers, camera_id)
                return camera


def _check_free(camera: HubCamera | None, principal: Principal) -> None:
    """Refuse to take a live camera over from somebody else.

    Raises:
        ProtocolViolation: with code ``in-use``.
    """
    session = None if camera is None else camera.session
    if session is not None and session.source is None and not principal.may_replace(session.principal):
        message = f"camera {session.camera.id} is connected, and belongs to somebody else"
        raise ProtocolViolation(message, "in-use")
