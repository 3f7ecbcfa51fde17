"""Set up what identity providers vouch for: people who have signed in at a proxy, and bearers of JWTs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.group_grants import GroupGrants
from skysentry_trio.server.access.access import TokenVerifier
from skysentry_trio.server.access.header_sign_on import HeaderSignOn
from skysentry_trio.server.settings import Settings


def has_provider(settings: Settings) -> bool:
    """Return whether an identity provider says who people are, so that a server without keys is not open."""
    return settings.header_sign_on or bool(settings.jwt_issuer)


def create_sign_on(settings: Settings, camera_groups: Mapping[str, Iterable[str]]) -> HeaderSignOn | None:
    """Return what takes people from the headers of a trusted proxy; None if the operator does not want this.

    Raises:
        ConfigurationError: the grants of the groups are invalid.
    """
    if not settings.header_sign_on:
        return None
    return HeaderSignOn(GroupGrants.parse(settings.group_grants, camera_groups))


def create_token_verifiers(settings: Settings, camera_groups: Mapping[str, Iterable[str]]) -> list[TokenVerifier]:
    """Return the checks of tokens of identity providers.

    Raises:
        ConfigurationError: joserfc is not installed, or the grants of the groups are invalid.
    """
    if not settings.jwt_issuer:
        return []
    try:
        # Imported here, because most servers know no identity provider and need no joserfc.
        from skysentry_trio.server.access.jwt import JwtVerifier  # noqa: PLC0415
        from skysentry_trio.server.access.jwt_keys import KeyCache, KeySource  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            f"jwt_issuer: expected joserfc, which skysentry-trio[jwt] installs, got an error: {error}"
        ) from error
    grants = GroupGrants.parse(settings.group_grants, camera_groups)
    keys = KeyCache(KeySource(settings.jwt_keys).fetch)
    return [JwtVerifier(settings.jwt_issuer, settings.jwt_audience, settings.jwt_algorithms, keys, grants).verify]
