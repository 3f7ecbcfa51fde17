"""Routes about events: programs post what happened at a camera, and others ask for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET
from quart import Blueprint, Response

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.history.events import EventSource, RecordedEvent
from skysentry_trio.server.http.current import CurrentHub, current_request
from skysentry_trio.server.http.gathering import gather_answers
from skysentry_trio.server.http.history_requests import asked_query, asked_range, check_right, expect_history
from skysentry_trio.server.http.json_bodies import json_response, require_json
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS, OtherServers
from skysentry_trio.wire.events import (
    AllEventsReply,
    EventsReply,
    decode_event_end,
    decode_event_request,
    read_moment,
)

if TYPE_CHECKING:
    from skysentry_trio.server.history.history import History

_FEW: Final = 1000
_MOST: Final = 10_000
_KEYS: Final = ("from", "to", "label", "limit")
_replies: Final = msgspec.json.Decoder(AllEventsReply)


def create_events(
    current_hub: CurrentHub,
    history: History | None,
    recordings: Recordings,
    others: OtherServers = NO_OTHER_SERVERS,
) -> Blueprint:
    """Return the routes about events, under ``/api``.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may do.
        history: of the server; None if it records nothing.
        recordings: what reads it.
        others: the other servers of a cluster.
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
        (begin, end), (limit, label) = asked_range(), asked_events()
        events = await recordings.run(partial(found.reader.events, camera_id, begin, end, limit + 1, label))
        return json_response(EventsReply(camera_id, [one.reply() for one in events[:limit]], len(events) > limit))

    @routes.get("/events")
    async def get_all_events() -> Response:
        hub = current_hub()
        hub.require(Action.EVENTS)
        (begin, end), (limit, label) = asked_range(), asked_events()
        query, asker = asked_query(), hub.principal.limited_to(Action.EVENTS)
        asked = urlencode({name: text for name in _KEYS if (text := query.text(name)) is not None})
        answers, unreachable = await gather_answers(others, f"/api/events?{asked}", asker, _replies.decode)
        replies = list(answers.values())
        if history is not None or not replies:
            is_visible = partial(hub.principal.rights.allow, Action.EVENTS)
            read = partial(expect_history(history).reader.events_of_all, is_visible, begin, end, limit + 1, label)
            own = [event.reply_with_camera() for event in await recordings.run(read)]
            replies.append(AllEventsReply(own[:limit], len(own) > limit))
        events = sorted((event for reply in replies for event in reply.events), key=lambda one: (one.begin, one.id))
        more = len(events) > limit or any(reply.more for reply in replies)
        return json_response(AllEventsReply(events[:limit], more, unreachable or UNSET))

    def asked_events() -> tuple[int, str | None]:
        """Return the most events that are wanted, and their label."""
        query = asked_query()
        return query.whole("limit", 1, _MOST) or _FEW, query.text("label") or None

    return routes


def _audit(action: str, event: RecordedEvent) -> None:
    who = current_request().principal.name
    audit.info(action, who=who, camera=event.camera_id, id=event.id, label=event.label)
