"""The request that the application is answering."""

from __future__ import annotations

from collections.abc import Callable

from quart import request

from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.transport.hypercorn_server import SCOPE_KEY
from skysentry_trio.server.transport.request import Request

CurrentHub = Callable[[], ScopedHub]
"""Returns the hub, limited to what the principal of the current request may see."""


def current_request() -> Request:
    """Return the `Request` that the router has made of the current HTTP request."""
    found: Request = request.scope[SCOPE_KEY]  # type: ignore[literal-required] # a key of our own
    return found


def scoped(hub: Hub) -> CurrentHub:
    """Return a function for routes, so that no route can use the hub without the limits of the principal."""
    return lambda: ScopedHub(hub, current_request().principal)
