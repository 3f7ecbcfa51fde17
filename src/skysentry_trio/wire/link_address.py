"""The address that a signed link has: the page for its action, with its camera and its token."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from skysentry_trio.base.principal import Action
from skysentry_trio.wire.presented import LINK_FIELD

_PAGES: Final = {Action.PUBLISH: ("capture", "id"), Action.VIEW: ("", "client"), Action.ADMIN: ("admin", None)}
"""For each action, the page, and the field of its query that names the camera."""


def link_address(server: str, action: Action, camera_id: str, token: str) -> str:
    """Return the address to give to somebody.

    Args:
        server: address of the server, such as ``http://192.0.2.1:8080``.
        action: what the link allows.
        camera_id: the camera, a glob or a group; only an id is part of the address.
        token: of the link.
    """
    page, camera_field = _PAGES.get(action, ("", None))
    query = {}
    if camera_field is not None and not set("*?@") & set(camera_id):
        query[camera_field] = camera_id
    return f"{server.rstrip('/')}/{page}?{urlencode({**query, LINK_FIELD: token})}"
