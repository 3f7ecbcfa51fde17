"""The credentials of each request's head become a principal, once for each connection."""

from __future__ import annotations

from typing import Final

from attrs import define, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, NOBODY, Principal
from skysentry_trio.server.access.access import Access
from skysentry_trio.wire.presented import PresentedCredentials, read_credentials
from skysentry_trio.wire.request_head import RequestHead

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""


@frozen
class Identified:
    """Who makes a request."""

    principal: Principal
    denial: ProtocolViolation | None = None
    """Why the credential of the request does not count; None if it counts or there is none."""


@define(eq=False)
class Gate:
    """Finds out who makes a request: every credential that is presented must be valid."""

    access: Access

    async def identify(
        self, head: RequestHead, *, address: str = "unknown", is_from_allowed_origin: bool = True
    ) -> Identified:
        """Return who makes a request.

        Args:
            head: of the request.
            address: of the client.
            is_from_allowed_origin: whether no page of a foreign origin makes the request.
        """
        if self.access.is_open:
            return Identified(ANYONE)
        try:
            presented = read_credentials(head.headers, head.query)
            principal = await self._verify(head, presented, address, is_from_allowed_origin=is_from_allowed_origin)
            return Identified(principal)
        except ProtocolViolation as violation:
            return Identified(NOBODY, violation)

    async def _verify(
        self, head: RequestHead, presented: PresentedCredentials, address: str, *, is_from_allowed_origin: bool
    ) -> Principal:
        """Return the principal of the credential that says most exactly what is meant: the link, then the header.

        Raises:
            ProtocolViolation: one of the credentials is invalid.
        """
        access, principal = self.access, NOBODY
        if presented.token is not None:
            principal = await access.check_token(presented.token, address)
        elif presented.user is not None:
            principal = await access.check_password(presented.user, presented.password or "", address)
        if presented.link is not None:
            principal = await access.check_token(presented.link, address)
        # Browsers add a cookie to every request, so it counts only if nothing else is presented.
        if principal is NOBODY and presented.cookie is not None:
            principal = access.verify_cookie(presented.cookie)
            if head.method not in _SAFE and not (is_from_allowed_origin and "origin" in head.headers):
                raise ProtocolViolation(
                    "a request that changes something with a cookie needs an Origin header of an allowed page",
                    "origin-refused",
                )
        return principal
