"""Keep cameras online that send each frame in a separate request."""

from __future__ import annotations

from contextlib import ExitStack

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.logs import LogLimiter, get_logger
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.sessions import AccessSession, Sessions
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.hub import Hub

log = get_logger(__name__)

_ONLINE_AT_MOST = 3600.0
"""Seconds."""
_KEPT_AT_LEAST, _KEPT_AT_MOST = 3600.0, 86400.0
"""Seconds."""
_LOGGED_ID = 80
"""Maximum number of characters of an invalid id in the log."""


@define(eq=False)
class PushSessions:
    """Keeps each such camera registered for some time after each frame; see `touch`."""

    _hub: Hub
    _sessions: Sessions = field(factory=lambda: Access().sessions)
    """Lists those whose access may end."""
    _held: dict[str, _Held] = field(factory=dict, init=False, repr=False)
    _begun: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _log_limit: LogLimiter = field(factory=LogLimiter, init=False, repr=False)

    @property
    def idle_limit(self) -> float:
        """Seconds for which a camera is online after a frame at least."""
        return self._hub.settings.client_timeout / 2

    async def touch(self, camera_id: str, name: str | None, principal: Principal = ANYONE) -> CameraSession:
        """Return a camera's session, registering the camera if needed, and keep the session.

        A camera on a battery posts rarely. So a camera stays online for twice the time since the frame before, at least
        for `idle_limit` and at most for an hour. After that, the hub keeps it for twice that time too, at least for an
        hour and at most for a day, unless other cameras need its place.

        Raises:
            ProtocolViolation: with code ``server-full``, ``in-use``, ``replaced`` or ``access-ended``.
        """
        held = self._find(camera_id, principal)
        if held is None:
            lease = await self._hub.claim(camera_id, name, principal)
            # Another request of the camera may have registered it in the meantime.
            held = self._find(camera_id, principal)
        if held is None:
            stack = ExitStack()

            def expire() -> None:
                self._expire(camera_id, stack)

            register = self._hub.register(camera_id, name=name, on_end=expire, principal=principal, lease=lease)
            session = stack.enter_context(register)
            access = stack.enter_context(self._sessions.attend(principal, "camera", "posts", expire, camera_id))
            if access.ended is not None:
                stack.close()
                raise access.violation()
            held = self._held[camera_id] = _Held(stack, session, access)
            self._begun.set()
            log.info("camera uploads", camera=camera_id)
        elif held.access.principal != principal:
            # The same camera has another token, which may count for longer.
            held.session.principal = principal
            self._sessions.renew(held.access, principal)
        camera, now = held.session.camera, trio.current_time()
        pause = 0.0 if camera.ring.newest is None else now - camera.ring.newest.arrived
        held.until = now + max(self.idle_limit, min(2 * pause, _ONLINE_AT_MOST))
        camera.keep_for = min(max(_KEPT_AT_LEAST, 2 * pause), _KEPT_AT_MOST)
        camera.name = name or camera.name
        return held.session

    def _find(self, camera_id: str, principal: Principal) -> _Held | None:
        held = self._held.get(camera_id)
        # The hub decides whether another principal may take over.
        return held if held is not None and held.session.principal.identity == principal.identity else None

    def log_refusal(self, camera_id: str | None, violation: ProtocolViolation) -> None:
        """Log a refusal, but not every refusal, because a broken camera may send sixty requests a second."""
        if (suppressed := self._log_limit.admit(violation.code, trio.current_time())) is not None:
            shown = None if camera_id is None else camera_id[:_LOGGED_ID]
            log.warning(
                "pictures refused", camera=shown, code=violation.code, error=str(violation), suppressed=suppressed
            )

    async def run(self) -> None:
        """End each session when it expires, until this task is cancelled; then end all sessions."""
        try:
            while True:
                while not self._held:
                    self._begun = trio.Event()
                    await self._begun.wait()
                await trio.sleep_until(min(held.until for held in self._held.values()))
                now = trio.current_time()
                for camera_id in [camera_id for camera_id, held in self._held.items() if held.until <= now]:
                    log.info("camera stopped uploading", camera=camera_id)
                    self._expire(camera_id)
        finally:
            for camera_id in list(self._held):
                self._expire(camera_id)

    def _expire(self, camera_id: str, stack: ExitStack | None = None) -> None:
        """End the session of a camera; with ``stack``, only if the session is the one with this stack."""
        held = self._held.get(camera_id)
        if held is not None and stack in {None, held.stack}:
            del self._held[camera_id]
            held.stack.close()


@define(eq=False)
class _Held:
    stack: ExitStack
    session: CameraSession
    access: AccessSession
    until: float = 0.0
