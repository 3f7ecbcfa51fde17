"""People who have signed in at a proxy: a trusted proxy names them and their groups in headers of each request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.group_grants import GroupGrants
from skysentry_trio.base.principal import Principal

USER_HEADER: Final = "remote-user"
GROUPS_HEADER: Final = "remote-groups"
_SEPARATORS: Final = re.compile(r"[,|]")
"""Authelia and oauth2-proxy separate groups by commas, Authentik by vertical bars."""
_MAX_NAME: Final = 80


@frozen
class HeaderSignOn:
    """Takes the person from the headers of a request; only for requests that a trusted proxy has sent."""

    grants: GroupGrants

    def identify(self, headers: Mapping[str, str]) -> Principal | None:
        """Return the principal; None if the proxy names nobody, for example because the address needs no sign-in.

        Args:
            headers: of a request from a trusted proxy, by lower-case name.

        Raises:
            ProtocolViolation: with code ``unauthenticated``: the header is not the name of one person.
        """
        name = _decode(headers.get(USER_HEADER, ""))
        if not name:
            return None
        # A comma separates repeated headers, and one of them may be the client's own.
        if len(name) > _MAX_NAME or not name.isprintable() or "," in name:
            raise ProtocolViolation(
                f"expected the name of one person in Remote-User, of at most {_MAX_NAME} characters", "unauthenticated"
            )
        groups = [group.strip() for group in _SEPARATORS.split(_decode(headers.get(GROUPS_HEADER, "")))]
        return Principal(name, self.grants.rights_of(groups), "header", f"header:{name}")


def _decode(value: str) -> str:
    """Return the text of a header: proxies write UTF-8, and HTTP libraries read it as Latin-1."""
    try:
        return value.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        return value.strip()
