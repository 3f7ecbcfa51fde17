"""Tokens of an identity provider: JWTs, signed with one of the keys that the provider publishes (RFC 7519).

This module and `jwt_keys` need joserfc, which ``skysentry-trio[jwt]`` installs.
"""

from __future__ import annotations

import math
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from attrs import define
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.group_grants import GroupGrants
from skysentry_trio.base.principal import Principal
from skysentry_trio.server.access.jwt_keys import KeyCache

_FORM: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_MAX_LENGTH: Final = 12 * 1024
_LEEWAY: Final = 30
"""Seconds by which the clock of the provider may be ahead."""
_MAX_NAME: Final = 80
_UNUSABLE: Final = (JoseError, ValueError, TypeError, KeyError, RecursionError)
"""What joserfc raises for tokens that are invalid in some way."""


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None


class _Claims(msgspec.Struct):
    """The claims that say who the bearer is, and what the bearer may do."""

    sub: str
    exp: float
    name: str | None = None
    preferred_username: str | None = None
    groups: list[str] = []
    skysentry: dict[str, list[str]] = {}
    """For each action, the cameras: ``{"view": ["yard-*"], "publish": ["front-door"]}``."""


@define(eq=False)
class JwtVerifier:
    """Checks the tokens of one issuer for one audience."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    """The only algorithms that are accepted, whatever a token says."""
    keys: KeyCache
    grants: GroupGrants
    """What the members of the groups in a token may do."""
    now: Callable[[], float] = time.time
    """Returns the seconds since the epoch."""

    async def verify(self, token: str) -> Principal | None:
        """Return the principal of a token; None if the text does not have the form of a JWT.

        Raises:
            ProtocolViolation: with code ``unauthenticated``, or ``busy`` if the keys cannot be fetched.
        """
        if not _FORM.fullmatch(token):
            return None
        if len(token) > _MAX_LENGTH:
            raise _wrong(f"a token may have {_MAX_LENGTH} characters, got {len(token)}")
        header = read_header(token)
        if header.alg not in self.algorithms:
            raise _wrong(f"expected a token signed with {' or '.join(self.algorithms)}, got {header.alg[:20]!a}")
        keys = await self.keys.find(header.kid)
        try:
            verified = jwt.decode(token, keys, algorithms=list(self.algorithms))
            registry = JWTClaimsRegistry(
                now=lambda: int(self.now()),
                leeway=_LEEWAY,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.audience},
                exp={"essential": True},
                sub={"essential": True},
            )
            registry.validate(verified.claims)
        except _UNUSABLE as error:
            raise _wrong(f"the token is not valid here: {error}") from None
        return self._principal_of(verified.claims)

    def _principal_of(self, verified: Mapping[str, Any]) -> Principal:
        try:
            claims = msgspec.convert(verified, _Claims)
            rights = self.grants.rights_of(claims.groups, claims.skysentry)
        except (msgspec.ValidationError, ValueError) as error:
            raise _wrong(f"the token says what cannot be understood here: {error}") from None
        if not math.isfinite(claims.exp) or self.now() >= claims.exp:
            raise _wrong("the token has expired")
        name = claims.name or claims.preferred_username or claims.sub
        shown = "".join(character if character.isprintable() else "_" for character in name[:_MAX_NAME])
        return Principal(shown, rights, "jwt", f"jwt:{claims.sub}", expires_at=claims.exp)


def read_header(token: str) -> _Header:
    """Return what a token says of its signature; nothing of this is proved yet.

    Raises:
        ProtocolViolation: with code ``unauthenticated``.
    """
    encoded = token.partition(".")[0]
    try:
        return msgspec.json.decode(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), type=_Header)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise _wrong(f"the head of the token cannot be read: {error}") from None


def _wrong(message: str) -> ProtocolViolation:
    return ProtocolViolation(message, "unauthenticated")
