"""Single frames: the newest, the next, or an old frame, at our own addresses and at the addresses of other programs."""

from __future__ import annotations

import trio
from attrs import frozen
from werkzeug.sansio.http import is_resource_modified

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.nurseries import CONNECTION_LOST, cancel_when, single_error
from skysentry_trio.base.principal import Action
from skysentry_trio.base.timeline import M, Timeline
from skysentry_trio.server.http.exchange import ByteStream, Exchange
from skysentry_trio.server.http.jpeg_headers import frame_headers, placeholder_headers, recorded_headers
from skysentry_trio.server.http.lookup import choose_id, draw_absence, find_camera, read_newest
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.rest import ErrorReply

_METHODS = "GET, HEAD, OPTIONS"
_MAX_WAIT = 60.0
"""Seconds."""
_MAX_BACK = 86400.0 * 365
"""Seconds."""
_WAYS = ("after", "at", "back")
"""Parameters that choose a frame other than the newest; a query has at most one of them."""
_PAUSE_AFTER_EOF = 0.5
"""Seconds for which a frame is waited for after the client has closed its sending direction, as netcat does."""


@frozen
class _Reply:
    status: int
    headers: dict[str, str]
    body: bytes = b""


async def serve_snapshot(
    exchange: Exchange,
    hub: ScopedHub,
    camera_id: str | None,
    shutdown: Shutdown,
    recordings: Recordings,
    *,
    is_ustreamer: bool = False,
) -> None:
    """Answer one request for a frame.

    Args:
        exchange: the request; its query says which frame.
        hub: limited to what the principal of the request may see.
        camera_id: of the camera; None for the only camera.
        shutdown: ends the wait for a frame when a shutdown is requested.
        recordings: have the frames that have left the rings.
        is_ustreamer: whether the answer has a header as that of ustreamer.
    """
    if not await exchange.is_allowed(_METHODS):
        return
    try:
        lookup = _Lookup(exchange, hub, choose_id(hub, camera_id), shutdown, recordings)
        reply = await lookup.run()
    except ProtocolViolation as violation:
        await exchange.refuse(violation)
    except CONNECTION_LOST:
        # The client has left while it waited.
        pass
    else:
        if is_ustreamer:
            reply.headers["X-UStreamer-Online"] = reply.headers["X-SkySentry-Online"]
        await exchange.respond(reply.status, reply.headers, reply.body)


@frozen
class _Lookup:
    """Finds the frame that a request asks for."""

    _exchange: Exchange
    _hub: ScopedHub
    _camera_id: str
    _shutdown: Shutdown
    _recordings: Recordings

    async def run(self) -> _Reply:
        """Return the frame, or the reply without one, such as 304.

        Raises:
            ProtocolViolation: the query is invalid, or there is no such camera or frame.
            trio.BrokenResourceError: the client has left.
        """
        query = self._exchange.query
        if sum(query.text(way) is not None for way in _WAYS) > 1:
            raise ProtocolViolation(f"expected one of {', '.join(_WAYS)}, got several")
        moment, back = query.moment("at"), query.number("back", 0, _MAX_BACK)
        after, wait = query.whole("after", 0, 2**53), query.number("wait", 0, _MAX_WAIT) or 0.0
        if moment is not None or back is not None:
            return await self._find_old(moment, back)
        if after is not None:
            return await self._find_newer(after, wait)
        if query.flag("placeholder") and _shows_nothing(camera := self._hub.camera(self._camera_id)):
            jpeg = await draw_absence(self._camera_id, camera)
            return _Reply(200, placeholder_headers(jpeg), jpeg)
        return self._describe(*read_newest(self._hub, self._camera_id))

    async def _find_old(self, moment: float | None, back: float | None) -> _Reply:
        """Return the frame that was the newest at ``moment``, or if this is None, ``back`` seconds ago."""
        hub, camera_id = self._hub, self._camera_id
        camera = hub.camera(camera_id, Action.HISTORY)
        frame = None if camera is None else _find_in_ring(hub.timeline(camera), moment, back)
        if camera is not None and frame is not None:
            hub.note_history_read(camera_id, "picture")
            return self._describe(camera, frame)
        if hub.may(Action.HISTORY, camera_id):
            then = hub.wall_clock.now() - (back or 0.0) if moment is None else moment
            frame = await self._recordings.frame_at(hub, camera_id, then)
        if frame is not None:
            hub.note_history_read(camera_id, "picture")
            return _Reply(200, recorded_headers(camera_id, frame), frame.jpeg)
        # An unknown camera is said to be unknown.
        find_camera(hub, camera_id, Action.HISTORY)
        raise ProtocolViolation(f"camera {camera_id} has no frame from that time", "no-frame")

    async def _find_newer(self, after: int, seconds: float) -> _Reply:
        """Return a frame that is newer than ``after``, or status 204 if no such frame comes in time."""
        camera = find_camera(self._hub, self._camera_id)
        self._hub.note_read(camera)
        newest = camera.ring.newest
        # A camera that was forgotten and came back counts its frames from 1 again: then all its frames are newer.
        if newest is not None and (newest.sequence > after or camera.sequence < after):
            return self._describe(camera, newest)
        frame = await self._wait_for_next(newest, seconds) if seconds else None
        # The camera may have been forgotten during the wait, and may have come back as another object.
        known = self._hub.camera(self._camera_id)
        if frame is not None and known is not None:
            return self._describe(known, frame)
        online = "true" if known is not None and known.online else "false"
        # A response without a body has neither a length nor a type (RFC 9110 section 8.6).
        return _Reply(204, {"X-SkySentry-Online": online, "Cache-Control": "no-store"})

    async def _wait_for_next(self, seen: JpegFrame | None, seconds: float) -> JpegFrame | None:
        """Return the next frame after ``seen``; None if no frame comes in time or the server stops before.

        Raises:
            trio.BrokenResourceError: the client has left.
        """
        frame = None
        with single_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(cancel_when, self._shutdown.requested, nursery.cancel_scope)
                nursery.start_soon(_raise_when_gone, self._exchange.stream)
                with trio.move_on_after(seconds):
                    frame = await self._next_frame(seen)
                nursery.cancel_scope.cancel()
        return frame

    async def _next_frame(self, seen: JpegFrame | None) -> JpegFrame:
        """Wait for a frame as a viewer does, because a camera may send few frames as long as it has no viewer."""
        with self._hub.watch() as viewer:
            self._hub.subscribe(viewer, [self._camera_id])
            while True:
                news = await viewer.outbox.receive()
                if isinstance(news, Delivery) and news.frame is not seen:
                    return news.frame

    def _describe(self, camera: HubCamera, frame: JpegFrame) -> _Reply:
        """Return a frame, or status 304 if the client has this frame, or 412 if it wants another one."""
        headers, asked = frame_headers(camera, frame), self._exchange.head.headers
        known, wanted = asked.get("if-none-match"), asked.get("if-match")
        if (known is None and wanted is None) or is_resource_modified(
            http_if_none_match=known, http_if_match=wanted, etag=headers["ETag"]
        ):
            return _Reply(200, headers, frame.jpeg)
        del headers["Content-Length"]
        if wanted is None:
            return _Reply(304, headers)
        body = encode_json(ErrorReply("the frame is not the one that If-Match names"))
        return _Reply(412, {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}, body)


def _find_in_ring(timeline: Timeline[M], moment: float | None, back: float | None) -> M | None:
    return timeline.back(back or 0.0, trio.current_time()) if moment is None else timeline.at(moment)


def _shows_nothing(camera: HubCamera | None) -> bool:
    return camera is None or not camera.online or camera.ring.newest is None


async def _raise_when_gone(stream: ByteStream) -> None:
    """Notice that the client has left.

    Raises:
        trio.BrokenResourceError: the client has left.
    """
    await stream.read_ahead()
    await trio.sleep(_PAUSE_AFTER_EOF)
    raise trio.BrokenResourceError("the client has closed its sending direction")
