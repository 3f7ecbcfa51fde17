"""Routes whose requests or responses have no known end; these are served on the bare stream, without Quart."""

from __future__ import annotations

import re
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import unquote

from attrs import frozen
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from skysentry_trio.server.http.exchange import Exchange
from skysentry_trio.server.http.mjpeg import serve_mjpeg
from skysentry_trio.server.http.push import serve_push
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.server.transport.request import Request, Service, refusal_of
from skysentry_trio.wire.query import Query, decode_query
from skysentry_trio.wire.request_head import RequestHead

_WATCH: Final = "/api/clients/{clientId}/stream.mjpeg"
_PUSH: Final = "/api/clients/{clientId}/frames"
_GO2RTC: Final = "/api/stream.mjpeg"
"""The address at which go2rtc both sends and receives frames."""
ROUTES: Final = {_WATCH: {"get"}, _PUSH: {"post"}, _GO2RTC: {"get", "post"}}
"""Methods by path, as in the OpenAPI document. Not in here: `/` and `/stream`, at which there is also a page."""
_STREAM_TYPES: Final = {"multipart/x-mixed-replace", "image/jpeg"}
_PATTERNS: Final = {route: re.compile(route.replace("{clientId}", "([^/]*)")) for route in (_WATCH, _PUSH)}


class _Address(NamedTuple):
    pushes: bool
    """True if the request sends frames, False if it asks for frames."""
    camera_id: str | None
    """The id as the client sent it; None if the request names no camera."""
    query: Query


@frozen
class StreamingRoutes:
    """Finds the service for a request that Quart does not serve."""

    hub: Hub
    push_sessions: PushSessions
    shutdown: Shutdown

    def find(self, head: RequestHead) -> Service | None:
        """Return the service for this request; None if Quart serves the request.

        Raises:
            ProtocolViolation: the query is invalid.
        """
        address = _read_address(head)
        return None if address is None else partial(self._serve, address)

    async def _serve(self, address: _Address, request: Request) -> None:
        settings = self.hub.settings
        exchange = Exchange(request, address.query, frozenset(settings.cors_origins), settings.frame_ancestors)
        if exchange.head.method != "OPTIONS" and (refusal := refusal_of(request)) is not None:
            await exchange.refuse(refusal)
            return
        hub = ScopedHub(self.hub, request.principal)
        if address.pushes:
            await serve_push(exchange, hub, self.push_sessions, address.camera_id, self.shutdown)
        else:
            await serve_mjpeg(exchange, hub, address.camera_id, self.shutdown)


def _read_address(head: RequestHead) -> _Address | None:
    for route, pattern in _PATTERNS.items():
        if (found := pattern.fullmatch(head.path)) is not None:
            return _Address(route == _PUSH, unquote(found[1]), decode_query(head.query))
    if head.path == _GO2RTC:
        query, pushes = decode_query(head.query), head.method == "POST"
        return _Address(pushes, query.text("dst" if pushes else "src"), query)
    if head.path not in {"/", "/stream"} or head.method not in {"GET", "HEAD"}:
        return None
    query = decode_query(head.query)
    # mjpg-streamer and ustreamer have their streams at the addresses of our viewer page.
    if query.text("action") == "stream" or (head.path == "/stream" and not _asks_for_page(head)):
        return _Address(pushes=False, camera_id=query.text("client"), query=query)
    return None


def _asks_for_page(head: RequestHead) -> bool:
    """Return whether the client prefers a page to a stream: a browser that opens a page names text/html in Accept."""
    accept = parse_accept_header(head.headers.get("accept"), MIMEAccept)
    page = [quality for name, quality in accept if name.lower() == "text/html"]
    stream = [quality for name, quality in accept if name.lower() in _STREAM_TYPES]
    return max(page, default=0) > 0 and max(page) >= max(stream, default=0)
