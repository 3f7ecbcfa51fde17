"""Routes that are served on the bare stream, without Quart: single frames, and whatever has no known end."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import unquote

from attrs import evolve, field, frozen
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from skysentry_trio.base.principal import ANYONE
from skysentry_trio.server.http.exchange import Exchange
from skysentry_trio.server.http.missing_page import prefers_page
from skysentry_trio.server.http.mjpeg import serve_mjpeg
from skysentry_trio.server.http.push import serve_push
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.http.snapshots import serve_snapshot
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.server.transport.request import Request, Service, refusal_of
from skysentry_trio.wire.presented import LINK_FIELD
from skysentry_trio.wire.query import Query, decode_query
from skysentry_trio.wire.request_head import RequestHead


class _Kind(Enum):
    """What a request asks for."""

    SNAPSHOT = auto()
    USTREAMER_SNAPSHOT = auto()
    """A snapshot with a header as that of ustreamer."""
    STREAM = auto()
    PUSH = auto()
    """The request sends frames."""


_CAMERA: Final = "/api/clients/{clientId}/"
_OF_CAMERA: Final = {"latest.jpg": _Kind.SNAPSHOT, "stream.mjpeg": _Kind.STREAM, "frames": _Kind.PUSH}
_GO2RTC: Final = "/api/stream.mjpeg"
"""The address at which go2rtc both sends and receives frames."""
_GO2RTC_FRAME: Final = "/api/frame.jpeg"
_USTREAMER: Final = "/snapshot"
ROUTES: Final = {
    **{_CAMERA + name: {"post"} if kind is _Kind.PUSH else {"get"} for name, kind in _OF_CAMERA.items()},
    _GO2RTC: {"get", "post"},
    _GO2RTC_FRAME: {"get"},
    _USTREAMER: {"get"},
}
"""Methods by path, as in the OpenAPI document. Not in here: `/` and `/stream`, at which there is also a page."""
_STREAM_TYPES: Final = {"multipart/x-mixed-replace", "image/jpeg"}
_PATTERN: Final = re.compile(
    _CAMERA.replace("{clientId}", "([^/]*)") + f"({'|'.join(re.escape(name) for name in _OF_CAMERA)})"
)


class _Address(NamedTuple):
    kind: _Kind
    camera_id: str | None
    """The id as the client sent it; None if the request names no camera."""
    query: Query


@frozen
class DirectRoutes:
    """Finds the service for a request that Quart does not serve."""

    hub: Hub
    push_sessions: PushSessions
    shutdown: Shutdown
    recordings: Recordings = field(factory=Recordings)
    pages: Service | None = None
    """Serves people who have to sign in first, or who bring a link; None if nobody has to."""

    def find(self, head: RequestHead) -> Service | None:
        """Return the service for this request; None if Quart serves the request.

        Raises:
            ProtocolViolation: the query is invalid.
        """
        address = _read_address(head)
        return None if address is None else partial(self._serve, address)

    async def _serve(self, address: _Address, request: Request) -> None:
        settings, head = self.hub.settings, request.head
        refusal = None if head.method == "OPTIONS" else refusal_of(request)
        needs_pages = refusal is not None or address.query.text(LINK_FIELD) is not None
        if self.pages is not None and needs_pages and _is_opened_by_person(request):
            await self.pages(request)
            return
        exchange = Exchange(request, address.query, frozenset(settings.cors_origins), settings.frame_ancestors)
        if address.kind is not _Kind.PUSH and not head.has_body:
            request.stream.push_back(request.stream.take_back()[head.size :])
            exchange = evolve(exchange, is_read=True)
        if refusal is not None:
            await exchange.refuse(refusal)
            return
        hub = ScopedHub(self.hub, request.principal)
        match address.kind:
            case _Kind.PUSH:
                await serve_push(exchange, hub, self.push_sessions, address.camera_id, self.shutdown)
            case _Kind.STREAM:
                await serve_mjpeg(exchange, hub, address.camera_id, self.shutdown)
            case _:
                is_ustreamer = address.kind is _Kind.USTREAMER_SNAPSHOT
                await serve_snapshot(
                    exchange, hub, address.camera_id, self.shutdown, self.recordings, is_ustreamer=is_ustreamer
                )


def _read_address(head: RequestHead) -> _Address | None:
    if (found := _PATTERN.fullmatch(head.path)) is not None:
        return _Address(_OF_CAMERA[found[2]], unquote(found[1]), decode_query(head.query))
    if (read := _ALIASES.get(head.path)) is not None:
        return read(head)
    return None


def _read_go2rtc(head: RequestHead) -> _Address:
    query = decode_query(head.query)
    if head.method == "POST":
        return _Address(_Kind.PUSH, query.text("dst"), query)
    return _Address(_Kind.STREAM, query.text("src"), query)


def _read_go2rtc_frame(head: RequestHead) -> _Address:
    query = decode_query(head.query)
    return _Address(_Kind.SNAPSHOT, query.text("src"), query)


def _read_ustreamer(head: RequestHead) -> _Address:
    query = decode_query(head.query)
    return _Address(_Kind.USTREAMER_SNAPSHOT, query.text("client"), query)


def _read_page(head: RequestHead) -> _Address | None:
    """Return what is asked for at the addresses of our viewer page, where other servers have their streams."""
    if head.method not in {"GET", "HEAD"}:
        return None
    query = decode_query(head.query)
    action = query.text("action")
    if action == "stream" or (head.path == "/stream" and not _asks_for_page(head)):
        return _Address(_Kind.STREAM, query.text("client"), query)
    if action == "snapshot" and head.path == "/":
        return _Address(_Kind.USTREAMER_SNAPSHOT, query.text("client"), query)
    return None


_ALIASES: Final[dict[str, Callable[[RequestHead], _Address | None]]] = {
    "/": _read_page,
    "/stream": _read_page,
    _GO2RTC: _read_go2rtc,
    _GO2RTC_FRAME: _read_go2rtc_frame,
    _USTREAMER: _read_ustreamer,
}


def _is_opened_by_person(request: Request) -> bool:
    """Return whether a person has opened the address in a browser, at a server where people sign in."""
    head = request.head
    return head.method == "GET" and request.principal is not ANYONE and prefers_page(_accepted(head))


def _asks_for_page(head: RequestHead) -> bool:
    """Return whether the client prefers a page to a stream: a browser that opens a page names text/html in Accept."""
    accept = _accepted(head)
    page = [quality for name, quality in accept if name.lower() == "text/html"]
    stream = [quality for name, quality in accept if name.lower() in _STREAM_TYPES]
    return max(page, default=0) > 0 and max(page) >= max(stream, default=0)


def _accepted(head: RequestHead) -> MIMEAccept:
    return parse_accept_header(head.headers.get("accept"), MIMEAccept)
