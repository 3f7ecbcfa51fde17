"""The credentials of each request's head become a principal, once for each connection."""

from __future__ import annotations

from typing import Final

from attrs import define, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, NOBODY, Principal
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.header_sign_on import HeaderSignOn
from skysentry_trio.wire.presented import PresentedCredentials, read_credentials
from skysentry_trio.wire.request_head import RequestHead

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
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
    sign_on: HeaderSignOn | None = None
    """Takes people from the headers of a trusted proxy; None if these headers do not count."""

    async def identify(
        self,
        head: RequestHead,
        *,
        address: str = "unknown",
        is_from_named_origin: bool = True,
        is_from_proxy: bool = False,
        is_tls: bool = False,
    ) -> Identified:
        """Return who makes a request.

        Args:
            head: of the request.
            address: of the client.
            is_from_named_origin: whether no page of a foreign origin makes the request that the operator has not named.
            is_from_proxy: whether a trusted proxy has sent the request.
            is_tls: whether the client's connection is encrypted.
        """
        if self.access.is_open:
            return Identified(ANYONE)
        try:
            presented = read_credentials(head.headers, head.query, is_tls=is_tls)
            if presented.user is not None and not is_from_named_origin:
                _refuse_to_act(head)
            principal = await self._verify(presented, address)
            if principal is NOBODY and is_from_proxy:
                principal = self._take_from_proxy(head, is_from_named_origin=is_from_named_origin)
            if principal is NOBODY and presented.cookie is not None:
                principal = self._verify_cookie(head, presented.cookie, is_from_named_origin=is_from_named_origin)
            return Identified(principal)
        except ProtocolViolation as violation:
            return Identified(NOBODY, violation)

    async def _verify(self, presented: PresentedCredentials, address: str) -> Principal:
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
        return principal

    # Browsers add what follows to every request, and Basic authentication once a person has typed it in. So these count
    # only if nothing else is presented, and a foreign page cannot act with them, also if the operator has allowed all
    # origins: that is for pages with a token of their own.

    def _take_from_proxy(self, head: RequestHead, *, is_from_named_origin: bool) -> Principal:
        principal = None if self.sign_on is None else self.sign_on.identify(head.headers)
        if principal is None:
            return NOBODY
        if not is_from_named_origin:
            _refuse_to_act(head)
        return principal

    def _verify_cookie(self, head: RequestHead, cookie: str, *, is_from_named_origin: bool) -> Principal:
        principal = self.access.verify_cookie(cookie)
        if not is_from_named_origin:
            _refuse_to_act(head)
        if head.method not in SAFE_METHODS and "origin" not in head.headers:
            raise ProtocolViolation(
                "a request that changes something with a cookie needs an Origin header", "origin-refused"
            )
        return principal


def _refuse_to_act(head: RequestHead) -> None:
    """Refuse what a foreign page does with the access of a person: change something, or open a WebSocket.

    Pages can send other requests too, but browsers keep the answers from them.

    Raises:
        ProtocolViolation: with code ``origin-refused``.
    """
    if head.method not in SAFE_METHODS or head.upgrade is not None:
        raise ProtocolViolation(
            "a page of another origin may do this only if --cors-origin names its origin, or with a token of its own",
            "origin-refused",
        )
