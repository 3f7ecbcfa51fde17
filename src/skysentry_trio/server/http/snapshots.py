"""Single frames: the newest, the next, or an old frame, at our own addresses and at the addresses of other programs."""

from __future__ import annotations

import trio
from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.nurseries import cancel_when
from skysentry_trio.base.principal import Action
from skysentry_trio.base.timeline import M, Timeline
from skysentry_trio.server.http.current import CurrentHub
from skysentry_trio.server.http.jpeg_responses import frame_response, placeholder_response, recorded_response
from skysentry_trio.server.http.lookup import choose_id, draw_absence, find_camera, read_newest
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.outbox import Delivery
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.wire.query import Query, decode_query

_MAX_WAIT = 60.0
"""Seconds."""
_MAX_BACK = 86400.0 * 365
"""Seconds."""
_WAYS = ("after", "at", "back")
"""Parameters that choose a frame other than the newest; a query has at most one of them."""


def create_snapshots(current_hub: CurrentHub, shutdown: Shutdown, recordings: Recordings) -> Blueprint:
    """Return the routes of single frames.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may see.
        shutdown: ends every wait for a frame when a shutdown is requested.
        recordings: have the frames that have left the rings.
    """
    snapshots = Blueprint("snapshots", __name__)

    @snapshots.get("/api/clients/<camera_id>/latest.jpg")
    async def get_latest_jpeg(camera_id: str) -> Response:
        hub = current_hub()
        return await _answer(hub, choose_id(hub, camera_id), _query(), shutdown, recordings)

    @snapshots.get("/api/frame.jpeg")
    async def get_go2rtc_frame() -> Response:
        hub, query = current_hub(), _query()
        return await _answer(hub, choose_id(hub, query.text("src")), query, shutdown, recordings)

    @snapshots.get("/snapshot")
    async def get_ustreamer_snapshot() -> Response:
        hub, query = current_hub(), _query()
        response = await _answer(hub, choose_id(hub, query.text("client")), query, shutdown, recordings)
        response.headers["X-UStreamer-Online"] = response.headers["X-SkySentry-Online"]
        return response

    @snapshots.before_app_request
    async def answer_as_mjpg_streamer() -> Response | None:
        # The viewer page has this address too. Only the query differs, and routes do not see the query.
        is_asked = (
            request.path == "/" and request.method in {"GET", "HEAD"} and request.args.get("action") == "snapshot"
        )
        return await get_ustreamer_snapshot() if is_asked else None

    return snapshots


def _query() -> Query:
    return decode_query(request.query_string.decode("latin-1"))


async def _answer(hub: ScopedHub, camera_id: str, query: Query, shutdown: Shutdown, recordings: Recordings) -> Response:
    """Answer with the frame that a query asks for.

    Raises:
        ProtocolViolation: the query is invalid, or there is no such camera or frame.
    """
    if sum(query.text(way) is not None for way in _WAYS) > 1:
        raise ProtocolViolation(f"expected one of {', '.join(_WAYS)}, got several")
    moment, back = query.moment("at"), query.number("back", 0, _MAX_BACK)
    after, wait = query.whole("after", 0, 2**53), query.number("wait", 0, _MAX_WAIT) or 0.0
    if moment is not None or back is not None:
        return await _answer_old(hub, camera_id, moment, back, recordings)
    if after is not None:
        return await _answer_newer(hub, camera_id, after, wait, shutdown)
    if query.flag("placeholder") and _shows_nothing(camera := hub.camera(camera_id)):
        return placeholder_response(await draw_absence(camera_id, camera))
    return await _frame(*read_newest(hub, camera_id))


async def _answer_old(
    hub: ScopedHub, camera_id: str, moment: float | None, back: float | None, recordings: Recordings
) -> Response:
    """Answer with the frame that was the newest at ``moment``, or if this is None, ``back`` seconds ago."""
    camera = hub.camera(camera_id, Action.HISTORY)
    frame = None if camera is None else _find_old(hub.timeline(camera), moment, back)
    if camera is not None and frame is not None:
        hub.note_history_read(camera_id, "picture")
        return await _frame(camera, frame)
    if hub.may(Action.HISTORY, camera_id):
        then = hub.wall_clock.now() - (back or 0.0) if moment is None else moment
        frame = await recordings.frame_at(hub, camera_id, then)
    if frame is not None:
        hub.note_history_read(camera_id, "picture")
        return recorded_response(camera_id, frame)
    # An unknown camera is said to be unknown.
    find_camera(hub, camera_id, Action.HISTORY)
    raise ProtocolViolation(f"camera {camera_id} has no frame from that time", "no-frame")


def _find_old(timeline: Timeline[M], moment: float | None, back: float | None) -> M | None:
    return timeline.back(back or 0.0, trio.current_time()) if moment is None else timeline.at(moment)


async def _answer_newer(hub: ScopedHub, camera_id: str, after: int, seconds: float, shutdown: Shutdown) -> Response:
    """Answer with a frame that is newer than ``after``, or with status 204 if no such frame comes in time."""
    camera = find_camera(hub, camera_id)
    hub.note_read(camera)
    newest = camera.ring.newest
    # A camera that was forgotten and came back counts its frames from 1 again: then all its frames are newer.
    if newest is not None and (newest.sequence > after or camera.sequence < after):
        return await _frame(camera, newest)
    frame = await _wait_for_next(hub, camera_id, newest, seconds, shutdown)
    # The camera may have been forgotten during the wait, and may have come back as another object.
    known = hub.camera(camera_id)
    return _no_content(known) if frame is None or known is None else await _frame(known, frame)


async def _wait_for_next(
    hub: ScopedHub, camera_id: str, seen: JpegFrame | None, seconds: float, shutdown: Shutdown
) -> JpegFrame | None:
    """Return the next frame after ``seen``; None if no frame comes in time or the server stops before."""
    frame = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cancel_when, shutdown.requested, nursery.cancel_scope)
        with trio.move_on_after(seconds):
            frame = await _next_frame(hub, camera_id, seen)
        nursery.cancel_scope.cancel()
    return frame


async def _next_frame(hub: ScopedHub, camera_id: str, seen: JpegFrame | None) -> JpegFrame:
    """Wait for a frame as a viewer does, because a camera may send few frames as long as it has no viewer."""
    with hub.watch() as viewer:
        hub.subscribe(viewer, [camera_id])
        while True:
            news = await viewer.outbox.receive()
            if isinstance(news, Delivery) and news.frame is not seen:
                return news.frame


def _shows_nothing(camera: HubCamera | None) -> bool:
    return camera is None or not camera.online or camera.ring.newest is None


async def _frame(camera: HubCamera, frame: JpegFrame) -> Response:
    """Answer with a frame, or with status 304 if the client already has this frame."""
    response: Response = await frame_response(camera, frame).make_conditional(request)
    return response


def _no_content(camera: HubCamera | None) -> Response:
    response = Response(b"", 204)
    # A response without a body has neither of these two headers (RFC 9110 section 8.6).
    del response.headers["Content-Type"], response.headers["Content-Length"]
    response.headers["X-SkySentry-Online"] = "true" if camera is not None and camera.online else "false"
    response.headers["Cache-Control"] = "no-store"
    return response
