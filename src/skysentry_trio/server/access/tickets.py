"""Signed texts that the server need not keep: links for others, and the cookies of people who have signed in."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
from itsdangerous import BadData, URLSafeSerializer

LINK_PREFIX: Final = "lnk_"
"""Begins every link's token, so that tools which look for secrets find it."""
_MAX_LENGTH: Final = 2048


class TicketKind(StrEnum):
    """What a ticket is for; a ticket of one kind is never accepted as the other kind."""

    LINK = "link"
    COOKIE = "cookie"


class Ticket(
    msgspec.Struct, omit_defaults=True, rename={"id": "i", "issuer": "b", "expires": "e", "allow": "a", "made": "m"}
):
    """What is signed."""

    id: str
    issuer: str | None
    """On whose access the ticket depends: a fact such as ``key:ID:FINGERPRINT``; None for the operator's."""
    expires: float
    """Seconds since the epoch."""
    allow: dict[str, list[str]] | None = None
    """The only rights of the ticket, at most those of the issuer; None for all rights of the issuer."""
    once: bool = False
    """Whether the ticket counts only until a browser has exchanged it for a cookie."""
    made: float | None = None
    """When a cookie was made, which a person can end; None for a link, and for a cookie that is the link itself."""


def make_ticket_id(issuer: str | None = None) -> str:
    """Return an id that no other ticket has.

    Args:
        issuer: the fact whose tag the id begins with; None for an id without a tag.
    """
    tag = "" if issuer is None else f"{tag_of(issuer)}."
    return tag + secrets.token_urlsafe(9)


def tag_of(issuer: str) -> str:
    """Return a short text that stands for a fact."""
    return hashlib.sha256(issuer.encode()).hexdigest()[:16]


def sign(ticket: Ticket, kind: TicketKind, signing_secrets: Sequence[str]) -> str:
    """Return a ticket as text; the last secret signs."""
    text = _serializer(kind, signing_secrets).dumps(msgspec.to_builtins(ticket))
    return f"{LINK_PREFIX}{text}" if kind is TicketKind.LINK else str(text)


def read_ticket(text: str, kind: TicketKind, signing_secrets: Sequence[str]) -> Ticket | None:
    """Return the ticket in a text; None if no secret signed it as a ticket of this kind.

    The caller checks what is in the ticket.
    """
    if not signing_secrets or len(text) > _MAX_LENGTH:
        return None
    if kind is TicketKind.LINK:
        if not text.startswith(LINK_PREFIX):
            return None
        text = text.removeprefix(LINK_PREFIX)
    try:
        content: Any = _serializer(kind, signing_secrets).loads(text)
        return msgspec.convert(content, Ticket)
    except (BadData, msgspec.ValidationError, RecursionError, ValueError):
        return None


def _serializer(kind: TicketKind, signing_secrets: Sequence[str]) -> URLSafeSerializer:
    return URLSafeSerializer(
        list(signing_secrets), salt=f"skysentry-{kind}", signer_kwargs={"digest_method": hashlib.sha256}
    )
