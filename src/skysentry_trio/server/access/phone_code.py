"""The code with which a phone becomes a camera: the server's address in its network, with a link for one browser."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from attrs import define, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.interfaces import InterfaceAddress, lan_address, list_addresses
from skysentry_trio.base.principal import ALL_CAMERAS, Action
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.changes import NewLink, RulesEditor
from skysentry_trio.wire.link_address import link_address

LINK_SECONDS: Final = 600.0
"""How long the link of the code counts."""


class CodeState(StrEnum):
    """Whether a phone can still become a camera with the code."""

    WAITING = "waiting"
    """For a phone."""
    USED = "used"
    """A browser has opened the link, which counts only once."""
    EXPIRED = "expired"


@frozen
class ShownCode:
    """The code at one moment."""

    url: str = field(repr=False)
    """What the QR code holds; it contains the link."""
    state: CodeState
    expires_in: float | None
    """Seconds until the link expires; None if the server is open, so that the code has no link."""


@define(eq=False)
class PhoneCode:
    """The code of a server that was started with ``--phone``."""

    urls: Sequence[str] = ()
    """Where the server listens; empty until it does."""
    _link: NewLink | None = field(default=None, init=False, repr=False)

    @property
    def server(self) -> str | None:
        """The address of the server for a phone in the same network; None if no phone reaches the server."""
        return phone_address(self.urls, list_addresses())

    def renew(self, editor: RulesEditor, issuer: str | None = None) -> None:
        """Give the code a new link; this blocks for some milliseconds.

        Args:
            editor: makes the link.
            issuer: the fact on which the link depends; None for the operator.
        """
        self._link = editor.make_link(Action.PUBLISH, ALL_CAMERAS, LINK_SECONDS, issuer=issuer, once=True)

    def page(self, server: str) -> str:
        """Return the address that a phone opens: the capture page, with the link if the code has one.

        Args:
            server: the address of the server for the phone.
        """
        if self._link is None:
            return f"{server}/capture"
        return link_address(server, Action.PUBLISH, ALL_CAMERAS, self._link.token)

    def describe(self, access: Access) -> ShownCode | None:
        """Return the code for a person who may give links; None if no phone reaches the server."""
        if (server := self.server) is None:
            return None
        if self._link is None:
            return ShownCode(self.page(server), CodeState.WAITING, None)
        left = max(0.0, self._link.expires - access.now())
        return ShownCode(self.page(server), self._read_state(access), left)

    @property
    def has_link(self) -> bool:
        """Whether the code has a link, which a server that is open to everybody does not need."""
        return self._link is not None

    def _read_state(self, access: Access) -> CodeState:
        if self._link is None:
            return CodeState.WAITING
        if access.now() >= self._link.expires:
            return CodeState.EXPIRED
        try:
            access.read_link(self._link.token)
        except ProtocolViolation:
            return CodeState.USED
        return CodeState.WAITING


def phone_address(urls: Sequence[str], addresses: Sequence[InterfaceAddress]) -> str | None:
    """Return the address of the server for a phone in the same network; None if no phone reaches the server.

    Args:
        urls: where the server listens.
        addresses: of this machine.
    """
    nearest = lan_address(addresses)
    for url in urls:
        parts = urlsplit(url)
        if nearest is not None and parts.hostname is not None:
            return f"{parts.scheme}://{nearest.host}:{parts.port}"
    return None
