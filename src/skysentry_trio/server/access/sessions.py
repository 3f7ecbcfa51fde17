"""Who is connected as what, since when, from where; and the end of those whose access ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.principal import Principal

audit: Final = get_logger("skysentry_trio.audit")
"""One line for each grant, refusal and change: who, what, and from where."""


def _do_nothing() -> None:
    """End nothing, because the connection has ended."""


@define(eq=False)
class AccessSession:
    """One connection of a principal."""

    id: str
    principal: Principal
    role: str
    """``camera``, ``viewer`` or ``request``."""
    camera_id: str | None
    """The camera for which the connection sends; None for all other connections."""
    address: str
    """Of the other end."""
    since: float
    """Seconds since the epoch."""
    _on_end: Callable[[], None] = field(repr=False)
    ended: str | None = field(default=None, init=False)
    """Why the access has ended; None while it lasts."""

    def end(self, reason: str) -> None:
        """End the access of this connection; the service of the connection closes it."""
        if self.ended is None:
            self.ended = reason
            audit.info("access ended", who=self.principal.name, role=self.role, reason=reason, session=self.id)
            self._on_end()

    def release(self) -> None:
        """Drop the reference to what ends the connection, after the connection has ended."""
        self._on_end = _do_nothing

    def violation(self) -> ProtocolViolation:
        """Return what the other end is told after the access has ended."""
        return ProtocolViolation(self.ended or "the access has ended", "access-ended")


@define(eq=False)
class Sessions:
    """All connections that are being served."""

    _now: Callable[[], float]
    """Returns the seconds since the epoch."""
    _holds: Callable[[Principal], bool] = lambda _principal: True
    """Returns whether the access of a principal was not revoked."""
    prefix: str = ""
    """Of all ids, so that they differ from those of other servers of a cluster."""
    _open: dict[str, AccessSession] = field(factory=dict, init=False, repr=False)
    _numbers: count[int] = field(factory=lambda: count(1), init=False, repr=False)
    _next_expiry: float = field(default=math.inf, init=False)
    """No session expires before this time."""

    def __iter__(self) -> Iterator[AccessSession]:
        return iter(list(self._open.values()))

    @contextmanager
    def attend(
        self, principal: Principal, role: str, address: str, on_end: Callable[[], None], camera_id: str | None = None
    ) -> Iterator[AccessSession]:
        """List a connection for as long as the context lasts.

        If the access was revoked after the principal had proved who it is, it ends at once.

        Args:
            principal: who is connected.
            role: ``camera``, ``viewer`` or ``request``.
            address: of the other end.
            on_end: called when the access ends; must not raise.
            camera_id: of the camera for which the connection sends.
        """
        identity = f"{self.prefix}{next(self._numbers)}"
        session = AccessSession(identity, principal, role, camera_id, address, self._now(), on_end)
        self._open[session.id] = session
        self._note_expiry(principal)
        if not self._holds(principal):
            session.end("the access was revoked")
        try:
            yield session
        finally:
            del self._open[session.id]
            session.release()

    def renew(self, session: AccessSession, principal: Principal) -> None:
        """Let a connection go on as another principal, or as the same one for longer."""
        session.principal = principal
        self._note_expiry(principal)

    def find(self, session_id: str) -> AccessSession | None:
        """Return the session with this id; None if there is none."""
        return self._open.get(session_id)

    def end_expired(self) -> None:
        """End the sessions whose time is over."""
        now = self._now()
        if now < self._next_expiry:
            return
        self._next_expiry = math.inf
        for session in self:
            expires_at = session.principal.expires_at
            if expires_at is not None and now >= expires_at:
                session.end("the access has expired")
            else:
                self._note_expiry(session.principal)

    def end_unless(self, holds: Callable[[Principal], bool], reason: str) -> None:
        """End the sessions of all principals for which ``holds`` is false."""
        for session in self:
            if not holds(session.principal):
                session.end(reason)

    def _note_expiry(self, principal: Principal) -> None:
        if principal.expires_at is not None:
            self._next_expiry = min(self._next_expiry, principal.expires_at)
