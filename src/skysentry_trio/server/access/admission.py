"""The access of one WebSocket: proved by the request's head, or by a message, which may also renew it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import define, field
from structlog.stdlib import BoundLogger

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, NOBODY, Principal
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.sessions import AccessSession, audit


@define(eq=False)
class Admission:
    """What a connection may do, as long as its access lasts."""

    access: Access = field(factory=Access)
    principal: Principal = ANYONE
    """Who is connected; `NOBODY` until a message has proved it."""
    address: str = "unknown"
    """Of the other end."""
    _session: AccessSession | None = field(default=None, init=False, repr=False)

    @property
    def is_pending(self) -> bool:
        """Whether the connection has still to prove who it is."""
        return self.principal is NOBODY

    @property
    def ended(self) -> ProtocolViolation | None:
        """What the other end is told because its access has ended; None while it lasts."""
        session = self._session
        return None if session is None or session.ended is None else session.violation()

    async def prove(self, token: str) -> Principal:
        """Check a token, and let the connection go on as its principal; on an open server every token counts.

        Raises:
            ProtocolViolation: with code ``unauthenticated``; the connection keeps the access that it had.
        """
        if self.access.is_open:
            return self.principal
        principal = await self.access.check_token(token, self.address)
        self.principal = principal
        if self._session is not None:
            self.access.sessions.renew(self._session, principal)
        return principal

    @contextmanager
    def attend(self, role: str, on_end: Callable[[], None], camera_id: str | None = None) -> Iterator[None]:
        """List the connection for as long as the context lasts; see `Sessions.attend`."""
        with self.access.sessions.attend(self.principal, role, self.address, on_end, camera_id) as session:
            self._session = session
            yield

    def log_beginning(self, log: BoundLogger, event: str, **details: str | None) -> None:
        """Log that the connection is served: one audit line that names the principal, or on an open server any line."""
        if self.access.is_open:
            log.info(event, **details)
        else:
            session = None if self._session is None else self._session.id
            audit.info(event, who=self.principal.name, session=session, **details)
