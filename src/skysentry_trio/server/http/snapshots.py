"""Single pictures: the newest, the next, or one of those from before, under our own addresses and those of others."""

from __future__ import annotations

import trio
from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.nurseries import cancel_when
from skysentry_trio.server.http.current import CurrentHub
from skysentry_trio.server.http.jpeg_responses import picture, stand_in
from skysentry_trio.server.http.lookup import choose_id, draw_absence, find_camera, find_newest
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.outbox import Delivery
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.query import Query, decode_query

_MAX_WAIT = 60.0
_MAX_BACK = 86400.0 * 365
_WAYS = ("after", "at", "back")


def create_snapshots(current_hub: CurrentHub, shutdown: Shutdown) -> Blueprint:
    """Return the routes.

    Args:
        current_hub: where the cameras are.
        shutdown: ends every wait once it is requested.
    """
    snapshots = Blueprint("snapshots", __name__)

    @snapshots.get("/api/clients/<camera_id>/latest.jpg")
    async def get_latest_jpeg(camera_id: str) -> Response:
        return await _answer(current_hub(), camera_id, _query(), shutdown)

    @snapshots.get("/api/frame.jpeg")
    async def get_go2rtc_frame() -> Response:
        hub, query = current_hub(), _query()
        return await _answer(hub, choose_id(hub, query.text("src")), query, shutdown)

    @snapshots.get("/snapshot")
    async def get_ustreamer_snapshot() -> Response:
        hub, query = current_hub(), _query()
        response = await _answer(hub, choose_id(hub, query.text("client")), query, shutdown)
        response.headers["X-UStreamer-Online"] = response.headers["X-SkySentry-Online"]
        return response

    @snapshots.before_app_request
    async def answer_as_mjpg_streamer() -> Response | None:
        # The pages have this address; a query, to which routes are blind, makes it that of a picture.
        wanted = request.path == "/" and request.method in {"GET", "HEAD"} and request.args.get("action") == "snapshot"
        return await get_ustreamer_snapshot() if wanted else None

    return snapshots


def _query() -> Query:
    return decode_query(request.query_string.decode("latin-1"))


async def _answer(hub: ScopedHub, camera_id: str, query: Query, shutdown: Shutdown) -> Response:
    check_camera_id(camera_id)
    if sum(query.text(way) is not None for way in _WAYS) > 1:
        raise ProtocolViolation(f"expected one of {', '.join(_WAYS)}, got several")
    moment, back = query.moment("at"), query.number("back", 0, _MAX_BACK)
    after, wait = query.whole("after", 0, 2**53), query.number("wait", 0, _MAX_WAIT) or 0.0
    if moment is not None or back is not None:
        found = _find_old(find_camera(hub, camera_id), moment, back)
    elif after is not None:
        newer = await _wait_for_newer(hub, find_camera(hub, camera_id), after, wait, shutdown)
        if newer is None:
            return _nothing_newer(hub, camera_id)
        found = newer
    else:
        camera = hub.camera(camera_id)
        absent = camera is None or not camera.online or camera.ring.newest is None
        if query.flag("placeholder") and absent:
            return stand_in(await draw_absence(camera_id, camera))
        found = find_newest(hub, camera_id)
    return await picture(*found).make_conditional(request)


def _find_old(camera: HubCamera, moment: float | None, back: float | None) -> tuple[HubCamera, JpegFrame]:
    """Return the frame that was the newest at a moment, or so long ago."""
    frame = camera.ring.back(back or 0.0, trio.current_time()) if moment is None else camera.ring.at(moment)
    if frame is None:
        raise ProtocolViolation(
            f"camera {camera.id} has no frame any more, or had none yet, from so long ago", "no-frame"
        )
    return camera, frame


async def _wait_for_newer(
    hub: ScopedHub, camera: HubCamera, after: int, seconds: float, shutdown: Shutdown
) -> tuple[HubCamera, JpegFrame] | None:
    """Return a frame with a higher sequence, waiting for it; None if none comes in time."""
    newest = camera.ring.newest
    # A camera that was forgotten and came back counts from 1: then all its frames are newer.
    if newest is not None and (newest.sequence > after or camera.sequence < after):
        return camera, newest
    frame, patience = None, trio.CancelScope(deadline=trio.current_time() + seconds)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cancel_when, shutdown.requested, patience)
        with patience:
            frame = await _next_frame(hub, camera.id, newest)
        nursery.cancel_scope.cancel()
    known = hub.camera(camera.id)
    return None if frame is None or known is None else (known, frame)


async def _next_frame(hub: ScopedHub, camera_id: str, seen: JpegFrame | None) -> JpegFrame:
    """Wait as a viewer does, so that a camera which rests while nobody watches sends a picture."""
    with hub.watch() as viewer:
        hub.subscribe(viewer, [camera_id])
        while True:
            news = await viewer.outbox.receive()
            if isinstance(news, Delivery) and news.frame is not seen:
                return news.frame


def _nothing_newer(hub: ScopedHub, camera_id: str) -> Response:
    camera = hub.camera(camera_id)
    response = Response(b"", 204)
    # Of nothing there is no type, and no length either (RFC 9110 section 8.6).
    del response.headers["Content-Type"], response.headers["Content-Length"]
    response.headers["X-SkySentry-Online"] = "true" if camera is not None and camera.online else "false"
    response.headers["Cache-Control"] = "no-store"
    return response
