"""Which requests are pictures without an end, and so are served on the bare stream."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote

import trio
from attrs import frozen

from skysentry_trio.server.http.exchange import ByteStream, Exchange
from skysentry_trio.server.http.mjpeg import serve_mjpeg
from skysentry_trio.server.http.push import serve_push
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.wire.query import Query, decode_query
from skysentry_trio.wire.request_head import RequestHead

ROUTES = {
    "/api/clients/{clientId}/stream.mjpeg": {"get"},
    "/api/clients/{clientId}/frames": {"post"},
    "/api/stream.mjpeg": {"get", "post"},
}
"""Methods by path; besides these there are the addresses that other programs share with a page of ours."""
_OF_CAMERA = re.compile(r"/api/clients/([^/]*)/(stream\.mjpeg|frames)")

Service = Callable[[ByteStream, RequestHead], Awaitable[None]]


class _Address(NamedTuple):
    pushes: bool
    """Whether a camera is meant that sends, not one that is watched."""
    camera_id: str | None
    """As given, if it was."""
    query: Query


@frozen
class StreamingRoutes:
    """Finds the service for a request."""

    hub: Hub
    uploads: PushSessions
    allowed_origins: frozenset[str]
    """Whose pages may read pictures and send them, besides our own."""
    going_away: trio.Event

    def choose(self, head: RequestHead) -> Service | None:
        """Return who serves this request; None if its answer has an end.

        Raises:
            ProtocolViolation: its query cannot be read.
        """
        address = _read_address(head)
        if address is None:
            return None
        return partial(self._serve, address)

    async def _serve(self, address: _Address, stream: ByteStream, head: RequestHead) -> None:
        exchange = Exchange(stream, head, address.query, self.allowed_origins)
        if address.pushes:
            await serve_push(exchange, self.hub, self.uploads, address.camera_id, self.going_away)
        else:
            await serve_mjpeg(exchange, self.hub, address.camera_id, self.going_away)


def _read_address(head: RequestHead) -> _Address | None:
    path = head.path
    if (found := _OF_CAMERA.fullmatch(path)) is not None:
        return _Address(found[2] == "frames", unquote(found[1]), decode_query(head.query))
    if path == "/api/stream.mjpeg":  # of go2rtc
        query, pushes = decode_query(head.query), head.method == "POST"
        return _Address(pushes, query.text("dst" if pushes else "src"), query)
    if path not in {"/", "/stream"} or head.method not in {"GET", "HEAD"}:
        return None
    query = decode_query(head.query)
    # mjpg-streamer's address, and ustreamer's, which is that of a page of ours, too: browsers that open a page say so.
    accept = head.headers.get("accept", "text/html")
    if query.text("action") == "stream" or (path == "/stream" and "text/html" not in accept):
        return _Address(pushes=False, camera_id=query.text("client"), query=query)
    return None
