"""The request that the application is answering."""

from __future__ import annotations

from collections.abc import Callable

from quart import request

from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.transport.hypercorn_server import SCOPE_KEY
from skysentry_trio.server.transport.request import Request

CurrentHub = Callable[[], ScopedHub]
"""Returns the hub as the principal of the current request may use it."""


def current_request() -> Request:
    """Return the request as the router judged it."""
    found: Request = request.scope[SCOPE_KEY]  # type: ignore[literal-required] # a key of our own
    return found


def scoped(hub: Hub) -> CurrentHub:
    """Return what routes get instead of the hub itself, so that none of them can forget who is asking."""
    return lambda: ScopedHub(hub, current_request().principal)
