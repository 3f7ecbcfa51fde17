"""Routes about recordings: when cameras were recorded, what is kept, what is deleted."""

from __future__ import annotations

from functools import partial
from typing import Final

import trio
from attrs import evolve
from quart import Blueprint, Response

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action, Rights
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.history.history import History
from skysentry_trio.server.history.index import Usage
from skysentry_trio.server.history.reader import HistoryReader, days
from skysentry_trio.server.http.current import CurrentHub, current_request
from skysentry_trio.server.http.history_requests import asked_range, check_right, expect_history
from skysentry_trio.server.http.json_bodies import json_response
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.wire.history import (
    DayReply,
    DaysReply,
    HistoryReply,
    RecordedCameraReply,
    RecordingReply,
    SegmentsReply,
    SpanReply,
)
from skysentry_trio.wire.messages import rfc3339

_MOST_SPANS: Final = 10_000
_MOST_EVENTS: Final = 1000


def create_history(current_hub: CurrentHub, history: History | None, recordings: Recordings) -> Blueprint:
    """Return the routes about recordings, under ``/api``.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may do.
        history: of the server; None if it records nothing.
        recordings: what reads it.
    """
    routes = Blueprint("history", __name__, url_prefix="/api")

    find = partial(expect_history, history)

    @routes.get("/history")
    async def get_recording() -> Response:
        hub, found = current_hub(), find()
        hub.require(Action.HISTORY)
        rights = hub.principal.rights
        usages = await recordings.run(partial(_usages, found.reader, rights))
        free = await recordings.run(found.reader.folder.free_bytes)
        writer, trouble = found.writer, found.writer.current_trouble()
        cameras = [
            RecordedCameraReply(
                usage.camera_id,
                usage.segments,
                usage.frames,
                usage.nbytes,
                rfc3339(usage.oldest_at),
                rfc3339(usage.newest_at),
            )
            for usage in usages
        ]
        # Figures and file names tell of cameras that others may not know of.
        if not (rights.allow_all(Action.HISTORY) or rights.allow(Action.METRICS)):
            said = None if trouble is None else "recording is paused"
            return json_response(RecordingReply(trouble is None, said, cameras))
        return json_response(
            RecordingReply(
                trouble is None,
                trouble,
                cameras,
                frames_written=writer.frames_written,
                frames_dropped=writer.frames_dropped,
                frames_missed=found.recorder.missed,
                bytes_waiting=writer.waiting_bytes,
                bytes_free=free,
            )
        )

    @routes.get("/clients/<camera_id>/history")
    async def get_spans(camera_id: str) -> Response:
        found = find()
        check_right(current_hub, camera_id, Action.HISTORY)
        begin, end = asked_range()
        reader = _visible(current_hub, found, camera_id)
        spans = await recordings.run(partial(reader.spans, camera_id, begin, end))
        events = []
        if current_hub().principal.rights.allow(Action.EVENTS, camera_id):
            events = await recordings.run(partial(reader.events, camera_id, begin, end, _MOST_EVENTS))
        if len(spans) > _MOST_SPANS:
            raise ProtocolViolation(f"there are {len(spans)} spans, ask for a shorter time with at most {_MOST_SPANS}")
        return json_response(
            HistoryReply(
                camera_id,
                [
                    SpanReply(rfc3339(span.begin), rfc3339(span.end), span.frames, span.nbytes, span.protected)
                    for span in spans
                ],
                sum(span.frames for span in spans),
                sum(span.nbytes for span in spans),
                [event.reply() for event in events],
            )
        )

    @routes.get("/clients/<camera_id>/history/days")
    async def get_days(camera_id: str) -> Response:
        found = find()
        check_right(current_hub, camera_id, Action.HISTORY)
        segments = await recordings.run(partial(_visible(current_hub, found, camera_id).segments, camera_id))
        return json_response(
            DaysReply(camera_id, [DayReply(day, *figures) for day, figures in sorted(days(segments).items())])
        )

    @routes.delete("/clients/<camera_id>/history")
    async def delete_recordings(camera_id: str) -> Response:
        found = find()
        check_right(current_hub, camera_id, Action.ADMIN)
        begin, end = asked_range()

        def delete() -> int:
            inside = [
                segment
                for segment in found.reader.folder.index.segments(camera_id, begin, end)
                if begin <= segment.started_at and segment.ended_at <= end and not segment.protected
            ]
            found.reader.folder.delete(inside)
            return len(inside)

        count = await trio.to_thread.run_sync(delete)
        _audit("recordings deleted", camera_id, count)
        return json_response(SegmentsReply(count))

    async def set_protection(camera_id: str, *, protected: bool) -> Response:
        found = find()
        check_right(current_hub, camera_id, Action.ADMIN)
        protect = partial(found.reader.folder.index.protect, camera_id, *asked_range(), protected=protected)
        count = await recordings.run(protect)
        _audit("recordings protected" if protected else "recordings unprotected", camera_id, count)
        return json_response(SegmentsReply(count))

    @routes.post("/clients/<camera_id>/history/protection")
    async def protect(camera_id: str) -> Response:
        return await set_protection(camera_id, protected=True)

    @routes.delete("/clients/<camera_id>/history/protection")
    async def unprotect(camera_id: str) -> Response:
        return await set_protection(camera_id, protected=False)

    return routes


def _usages(reader: HistoryReader, rights: Rights) -> list[Usage]:
    """Return what is on disk, as far as a principal with these rights may see it."""
    usages = list[Usage]()
    for usage in reader.usage():
        if not rights.allow(Action.HISTORY, usage.camera_id):
            continue
        begin = rights.history_begin(usage.camera_id)
        found = usage if usage.oldest_at >= begin else evolve(reader, begin=begin).usage_of(usage.camera_id)
        usages += [] if found is None else [found]
    return usages


def _visible(current_hub: CurrentHub, history: History, camera_id: str) -> HistoryReader:
    """Return a reader of the recordings that the principal may see; note that the principal looks at them."""
    hub = current_hub()
    hub.note_history_read(camera_id, "list")
    return evolve(history.reader, begin=hub.history_begin(camera_id))


def _audit(event: str, camera_id: str, count: int) -> None:
    current = current_request()
    audit.info(event, who=current.principal.name, camera=camera_id, segments=count)
