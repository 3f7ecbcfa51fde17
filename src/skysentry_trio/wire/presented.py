"""Read the credentials in a request's head: a bearer token, a user and a password, a cookie, a signed link."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.query import decode_query

COOKIE: Final = "skysentry_session"
SECURE_COOKIE: Final = "__Host-skysentry_session"
"""Browsers take a cookie with this name only from an encrypted connection, and send it to no other host."""
LINK_FIELD: Final = "link"
_MAX_FIELDS: Final = 2100


@frozen
class PresentedCredentials:
    """What a request presents to prove who is asking; None for what it does not present."""

    token: str | None = field(default=None, repr=False)
    """A key, a signed link or a JWT: from ``Authorization: Bearer``, or the password of Basic if it has such a form."""
    user: str | None = None
    """The user of ``Authorization: Basic``."""
    password: str | None = field(default=None, repr=False)
    """The password of ``Authorization: Basic``."""
    cookie: str | None = field(default=None, repr=False)
    link: str | None = field(default=None, repr=False)
    """The field ``link`` of the query."""


def read_credentials(headers: Mapping[str, str], query: str, *, is_tls: bool = False) -> PresentedCredentials:
    """Return the credentials of a request.

    Args:
        headers: of the request, by lower-case name.
        query: of the request, without ``?``.
        is_tls: whether the client's connection is encrypted.

    Raises:
        ProtocolViolation: with code ``unauthenticated``: the header ``Authorization`` cannot be read.
    """
    token, user, password = _read_authorization(headers.get("authorization"))
    # Most queries have no link, and decoding them is left to the service.
    link = decode_query(query, _MAX_FIELDS).text(LINK_FIELD) if f"{LINK_FIELD}=" in query else None
    return PresentedCredentials(token, user, password, _read_cookie(headers.get("cookie", ""), is_tls=is_tls), link)


def _read_authorization(header: str | None) -> tuple[str | None, str | None, str | None]:
    if header is None:
        return None, None, None
    scheme, _, value = header.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip(), None, None
        case "basic":
            try:
                user, separator, password = b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
            except (binascii.Error, ValueError):
                separator = ""
            if separator:
                return None, user, password
            raise ProtocolViolation("expected user:password in base64 after Basic", "unauthenticated")
    # Nothing of the header is in the message: some programs send the key alone.
    raise ProtocolViolation(
        f"expected Bearer or Basic, and a space, in Authorization, got {len(header)} other characters",
        "unauthenticated",
    )


def _read_cookie(header: str, *, is_tls: bool) -> str | None:
    """Return the value of our cookie.

    On an encrypted connection, only the cookie for these counts: an attacker on an unencrypted connection to the same
    host can set the other one.
    """
    pairs = (one.partition("=") for one in header.split(";"))
    cookies = {name.strip(): value.strip() for name, found, value in pairs if found}
    return cookies.get(SECURE_COOKIE) or (None if is_tls else cookies.get(COOKIE)) or None
