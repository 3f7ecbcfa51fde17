"""Routes about events: programs post what happened at a camera, and others ask for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.history.events import EventSource, RecordedEvent
from skysentry_trio.server.http.current import CurrentHub, current_request
from skysentry_trio.server.http.history_requests import asked_range, check_right, expect_history
from skysentry_trio.server.http.json_bodies import json_response, require_json
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.wire.events import EventsReply, decode_event_end, decode_event_request, read_moment
from skysentry_trio.wire.query import decode_query

if TYPE_CHECKING:
    from skysentry_trio.server.history.history import History

_FEW: Final = 1000
_MOST: Final = 10_000


def create_events(current_hub: CurrentHub, history: History | None, recordings: Recordings) -> Blueprint:
    """Return the routes about events, under ``/api``.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may do.
        history: of the server; None if it records nothing.
        recordings: what reads it.
    """
    routes = Blueprint("events", __name__, url_prefix="/api")

    @routes.post("/clients/<camera_id>/events")
    async def post_event(camera_id: str) -> Response:
        found = expect_history(history)
        check_right(current_hub, camera_id, Action.ANNOTATE)
        if current_hub().camera(camera_id, Action.ANNOTATE) is None and not await is_recorded(found, camera_id):
            raise ProtocolViolation(f"there is no camera {camera_id}; /api/clients lists them", "not-found")
        posted = decode_event_request(await require_json())
        event = found.events.begin(
            camera_id,
            posted.label,
            EventSource.API,
            begin=read_moment("begin", posted.begin),
            end=read_moment("end", posted.end),
            data=posted.data,
        )
        _audit("event posted", event)
        return json_response(event.reply(), 201)

    async def is_recorded(found: History, camera_id: str) -> bool:
        return await recordings.run(partial(found.reader.find_first, camera_id)) is not None

    @routes.post("/clients/<camera_id>/events/<event_id>")
    async def end_event(camera_id: str, event_id: str) -> Response:
        found = expect_history(history)
        check_right(current_hub, camera_id, Action.ANNOTATE)
        posted = decode_event_end(await require_json())
        event = found.events.end(camera_id, event_id, end=read_moment("end", posted.end), data=posted.data)
        _audit("event ended", event)
        return json_response(event.reply())

    @routes.get("/clients/<camera_id>/history/events")
    async def get_events(camera_id: str) -> Response:
        found = expect_history(history)
        check_right(current_hub, camera_id, Action.EVENTS)
        begin, end = asked_range()
        limit = decode_query(request.query_string.decode("latin-1")).whole("limit", 1, _MOST) or _FEW
        events = await recordings.run(partial(found.reader.events, camera_id, begin, end, limit + 1))
        return json_response(EventsReply(camera_id, [one.reply() for one in events[:limit]], len(events) > limit))

    return routes


def _audit(action: str, event: RecordedEvent) -> None:
    who = current_request().principal.name
    audit.info(action, who=who, camera=event.camera_id, id=event.id, label=event.label)
