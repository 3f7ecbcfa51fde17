"""Routes about recordings: when cameras were recorded, what is kept, what is deleted."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio
from attrs import evolve
from quart import Blueprint, Response

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action, Rights
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.http.current import CurrentHub, current_request
from skysentry_trio.server.http.gathering import gather_answers
from skysentry_trio.server.http.history_requests import asked_query, asked_range, check_right, expect_history
from skysentry_trio.server.http.joined_history import join_recordings
from skysentry_trio.server.http.json_bodies import json_response
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS, OtherServers
from skysentry_trio.wire.history import (
    AgeingReply,
    DayReply,
    DaysReply,
    HistoryReply,
    NextDeletionReply,
    ProtectedReply,
    RangeReply,
    RecordedCameraReply,
    RecordingReply,
    SegmentsReply,
    SpanReply,
)
from skysentry_trio.wire.messages import rfc3339

if TYPE_CHECKING:
    from skysentry_trio.server.history.events import RecordedEvent
    from skysentry_trio.server.history.history import History
    from skysentry_trio.server.history.index import Usage
    from skysentry_trio.server.history.protections import Range
    from skysentry_trio.server.history.reader import HistoryReader, RecordedSpan
    from skysentry_trio.server.history.retention import NextDeletion

_replies: Final = msgspec.json.Decoder(RecordingReply)
_MOST_SPANS: Final = 10_000
_MOST_EVENTS: Final = 1000
_MOST_PARTS: Final = 2000
"""Parts of a time of which one answer says how many frames they have."""


def create_history(  # noqa: PLR0915 - one statement for each step of each route
    current_hub: CurrentHub,
    history: History | None,
    recordings: Recordings,
    others: OtherServers = NO_OTHER_SERVERS,
) -> Blueprint:
    """Return the routes about recordings, under ``/api``.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may do.
        history: of the server; None if it records nothing.
        recordings: what reads it.
        others: the other servers of a cluster.
    """
    routes = Blueprint("history", __name__, url_prefix="/api")

    find = partial(expect_history, history)

    @routes.get("/history")
    async def get_recording() -> Response:
        hub = current_hub()
        hub.require(Action.HISTORY)
        asker = hub.principal.limited_to(Action.HISTORY, Action.METRICS)
        replies, unreachable = await gather_answers(others, "/api/history", asker, _replies.decode)
        if history is not None or not replies:
            replies = {"": await describe(hub, find()), **replies}
        joined = join_recordings(replies)
        return json_response(msgspec.structs.replace(joined, unreachable=unreachable or msgspec.UNSET))

    async def describe(hub: ScopedHub, found: History) -> RecordingReply:
        rights = hub.principal.rights
        usages = await recordings.run(partial(_usages, found.reader, rights))
        free = await recordings.run(found.reader.folder.free_bytes)
        writer, trouble = found.writer, found.writer.current_trouble()
        cameras = [_describe_usage(usage, writer.forecast.by_camera.get(usage.camera_id)) for usage in usages]
        # Figures and file names tell of cameras that others may not know of.
        if not (rights.allow_all(Action.HISTORY) or rights.allow(Action.METRICS)):
            said = None if trouble is None else "recording is paused"
            return RecordingReply(trouble is None, said, cameras)
        return RecordingReply(
            trouble is None,
            trouble,
            cameras,
            frames_written=writer.frames_written,
            frames_dropped=writer.frames_dropped,
            frames_missed=found.recorder.missed,
            bytes_waiting=writer.waiting_bytes,
            bytes_free=free,
            next_deletion=_describe_deletion(writer.forecast.first),
            ageing=AgeingReply(
                list(hub.settings.history_ageing),
                writer.unthinned,
                writer.ageing.frames_dropped,
                writer.ageing.bytes_freed,
            ),
        )

    @routes.get("/clients/<camera_id>/history")
    async def get_spans(camera_id: str) -> Response:
        found = find()
        check_right(current_hub, camera_id, Action.HISTORY)
        (begin, end), parts = asked_range(), asked_query().whole("buckets", 1, _MOST_PARTS)
        if parts is not None and end in {math.inf, begin}:
            raise ProtocolViolation("buckets are parts of a time: expected from, and a later to")
        reader = _visible(current_hub, found, camera_id)
        spans: list[RecordedSpan] = []
        events: list[RecordedEvent] = []
        coverage = None
        if parts is None:
            spans = await recordings.run(partial(reader.spans, camera_id, begin, end))
        else:
            coverage = await recordings.run(partial(reader.coverage, camera_id, begin, end, parts))
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
                sum(span.frames for span in spans) if coverage is None else coverage.frames,
                sum(span.nbytes for span in spans) if coverage is None else coverage.nbytes,
                [event.reply() for event in events],
                _describe_ranges(found.reader.folder.protections.of(camera_id, max(begin, reader.begin), end)),
                None if coverage is None else coverage.counts,
            )
        )

    @routes.get("/clients/<camera_id>/history/days")
    async def get_days(camera_id: str) -> Response:
        found = find()
        check_right(current_hub, camera_id, Action.HISTORY)
        zone = asked_query().text("zone") or "UTC"
        reader = _visible(current_hub, found, camera_id)
        recorded = await recordings.run(partial(reader.days, camera_id, zone))
        described = [
            DayReply(one.day.isoformat(), rfc3339(one.begin), rfc3339(one.end), one.frames, one.nbytes)
            for one in recorded
        ]
        return json_response(DaysReply(camera_id, zone, described))

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
        _audit("recordings deleted", camera_id, begin, end, segments=count)
        return json_response(SegmentsReply(count))

    async def change(found: History, camera_id: str, work: Callable[[], int]) -> Response:
        count = await recordings.run(work)
        protected = found.reader.folder.protections.of(camera_id)
        return json_response(ProtectedReply(camera_id, _describe_ranges(protected), count))

    @routes.post("/clients/<camera_id>/history/protected")
    async def protect(camera_id: str) -> Response:
        found, query = find(), asked_query()
        check_right(current_hub, camera_id, Action.ADMIN)
        begin, end = asked_range()
        if query.text("from") is None or query.text("to") is None:
            raise ProtocolViolation("expected the moments from and to, between which recordings are to be kept")
        response = await change(found, camera_id, partial(found.reader.folder.protect, camera_id, begin, end))
        _audit("recordings protected", camera_id, begin, end)
        return response

    @routes.delete("/clients/<camera_id>/history/protected")
    async def unprotect(camera_id: str) -> Response:
        found = find()
        check_right(current_hub, camera_id, Action.ADMIN)
        begin, end = asked_range()
        response = await change(found, camera_id, partial(found.reader.folder.unprotect, camera_id, begin, end))
        _audit("recordings unprotected", camera_id, begin, end)
        return response

    return routes


def _usages(reader: HistoryReader, rights: Rights) -> list[Usage]:
    """Return what is on disk, as far as a principal with these rights may see it."""
    usages: list[Usage] = []
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


def _describe_usage(usage: Usage, next_deletion: NextDeletion | None) -> RecordedCameraReply:
    return RecordedCameraReply(
        usage.camera_id,
        usage.segments,
        usage.frames,
        usage.nbytes,
        usage.protected_bytes,
        rfc3339(usage.oldest_at),
        rfc3339(usage.newest_at),
        _describe_deletion(next_deletion),
    )


def _describe_deletion(deletion: NextDeletion | None) -> NextDeletionReply | None:
    return None if deletion is None else NextDeletionReply(rfc3339(deletion.at), deletion.cause)


def _describe_ranges(ranges: list[Range]) -> list[RangeReply]:
    return [RangeReply(rfc3339(one.begin), rfc3339(one.end)) for one in ranges]


def _audit(event: str, camera_id: str, begin: float, end: float, **more: int) -> None:
    moments = {"begin": rfc3339(begin), "end": None if end == math.inf else rfc3339(end)}
    audit.info(event, who=current_request().principal.name, camera=camera_id, **moments, **more)
