"""Routes about exports: recordings of several cameras in one file, which can be fetched piece by piece."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from functools import partial
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
from quart import Blueprint, Response, request
from werkzeug.datastructures import ContentRange
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import quote_etag

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action, Principal
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.http.clip_files import local_file_stamp
from skysentry_trio.server.http.current import CurrentHub
from skysentry_trio.server.http.export_archive import ExportRange
from skysentry_trio.server.http.export_jobs import ExportJob, ExportJobs
from skysentry_trio.server.http.gathering import gather_answers
from skysentry_trio.server.http.json_bodies import json_response, read_json
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS, OtherServers
from skysentry_trio.wire.history import ExportReply, ExportRequest, ExportsReply
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.messages import rfc3339

_FORMATS: Final = ("zip", "mkv", "mp4", "mjpeg")
_MOST_CAMERAS: Final = 100
_ASK_TIMEOUT: Final = 3.0
"""Seconds that another server has to say what it has recorded."""
_replies: Final = msgspec.json.Decoder(ExportsReply)
_PIECE: Final = 192 * 1024
"""Bytes that are read and sent at once."""


def create_exports(  # noqa: PLR0915 - one statement for each step of each route
    current_hub: CurrentHub,
    exports: ExportJobs | None,
    recordings: Recordings,
    others: OtherServers = NO_OTHER_SERVERS,
) -> Blueprint:
    """Return the routes about exports, under ``/api``.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may do.
        exports: of the server; None if it records nothing.
        recordings: what reads from the disk.
        others: the other servers of a cluster.
    """
    routes = Blueprint("exports", __name__, url_prefix="/api/exports")

    def find_all() -> ExportJobs:
        """Return the exports, for a principal that may see old frames.

        Raises:
            ProtocolViolation: with code ``not-found``.
        """
        current_hub().require(Action.HISTORY)
        if exports is None:
            raise ProtocolViolation("this server records nothing; --history FOLDER makes it record", "not-found")
        return exports

    def find(export_id: str) -> ExportJob:
        """Return an export that the principal may still have.

        Raises:
            ProtocolViolation: with code ``not-found``.
        """
        visible = find_all().visible(current_hub().principal)
        if (job := next((one for one in visible if one.id == export_id), None)) is None:
            raise ProtocolViolation("there is no such export; /api/exports lists them", "not-found")
        return job

    @routes.get("")
    async def get_exports() -> Response:
        current_hub().require(Action.HISTORY)
        principal = current_hub().principal
        asker = principal.limited_to(Action.HISTORY)
        answers, unreachable = await gather_answers(others, "/api/exports", asker, _replies.decode)
        listed = [one for answer in answers.values() for one in answer.exports]
        if exports is not None or not answers:
            listed += [_describe(job) for job in find_all().visible(principal)]
        listed.sort(key=lambda one: one.created_at)
        return json_response(ExportsReply(listed, unreachable or msgspec.UNSET))

    @routes.post("")
    async def post_export() -> Response:
        jobs, hub = find_all(), current_hub()
        wanted = _read(await read_json(ExportRequest))
        for camera_id in wanted.cameras:
            if not hub.may(Action.HISTORY, camera_id):
                raise ProtocolViolation(f"there is no camera {camera_id}; /api/clients lists them", "not-found")
        if wanted.kind in {"mkv", "mp4"} and find_spec("av") is None:
            raise ProtocolViolation(
                "videos are written by PyAV, which is not installed with this server: "
                "pip install 'skysentry-trio[capture]'; zip and mjpeg work without",
                "not-installed",
            )
        if not await _is_recorded(recordings, jobs, hub.principal, wanted):
            raise ProtocolViolation("none of these cameras was recorded then", "no-frame")
        job = jobs.add(hub.principal, wanted)
        _audit("export made", hub.principal.name, job)
        return json_response(_describe(job), HTTPStatus.ACCEPTED)

    @routes.get("/<export_id>")
    async def get_export(export_id: str) -> Response:
        return json_response(_describe(find(export_id)))

    @routes.delete("/<export_id>")
    async def delete_export(export_id: str) -> Response:
        job = find(export_id)
        await find_all().remove(job)
        _audit("export deleted", current_hub().principal.name, job)
        response = Response(b"", HTTPStatus.NO_CONTENT)
        del response.headers["Content-Type"], response.headers["Content-Length"]
        return response

    @routes.get("/<export_id>/file")
    async def get_file(export_id: str) -> Response:
        job = find(export_id)
        if job.state != "ready":
            raise ProtocolViolation(f"the export is {job.state}; expected one that is ready", "no-frame")
        size, asked = job.progress.nbytes, request.range
        span = (0, size)
        if _wants_part(job):
            found = None if asked is None else asked.range_for_length(size)
            if found is None:
                raise RequestedRangeNotSatisfiable(size)
            span = found
        else:
            _audit("export fetched", current_hub().principal.name, job)
        body = b"" if request.method == "HEAD" else _read_file(recordings, job.path, *span)
        response = Response(body, content_type="application/zip")
        if span != (0, size) or _wants_part(job):
            response.status_code = HTTPStatus.PARTIAL_CONTENT
            response.content_range = ContentRange("bytes", *span, size)
        response.content_length = span[1] - span[0]
        response.set_etag(job.id)
        response.accept_ranges = "bytes"
        response.headers["Content-Disposition"] = f'attachment; filename="{_name(job)}"'
        response.headers["Cache-Control"] = "no-store"
        # The whole reply needs no deadline, because every write has one; over a slow link a large reply may take long.
        response.timeout = None
        return response

    return routes


def _read(asked: ExportRequest) -> ExportRange:
    """Return what a request asks for.

    Raises:
        ProtocolViolation: the request makes no sense.
    """
    cameras = list(dict.fromkeys(check_camera_id(camera_id) for camera_id in asked.clients))
    if not 1 <= len(cameras) <= _MOST_CAMERAS:
        raise ProtocolViolation(f"clients are 1 to {_MOST_CAMERAS} ids of cameras, got {len(cameras)}")
    if asked.format not in _FORMATS:
        raise ProtocolViolation(f"format is one of {', '.join(_FORMATS)}, got {asked.format[:40]!a}")
    begin, end = asked.moment("from"), asked.moment("to")
    if begin > end:
        raise ProtocolViolation(f"from is a moment before to, got {rfc3339(begin)} and {rfc3339(end)}")
    return ExportRange(cameras, begin, end, asked.format)


async def _is_recorded(recordings: Recordings, jobs: ExportJobs, owner: Principal, wanted: ExportRange) -> bool:
    """Return whether one of the cameras was recorded.

    Raises:
        ProtocolViolation: with code ``node-unreachable``; a server that has one of the cameras does not answer.
    """
    own = [camera_id for camera_id in wanted.cameras if jobs.others.owner(camera_id) is None]
    if await recordings.run(partial(_is_recorded_here, jobs, owner, wanted, own)):
        return True
    asked = f"history?from={wanted.begin:.6f}&to={wanted.end:.6f}&buckets=1"
    for camera_id in wanted.cameras:
        if camera_id not in own:
            body = await jobs.others.ask_owner(camera_id, asked, owner, _ASK_TIMEOUT)
            if body is not None and msgspec.json.decode(body)["frames"]:
                return True
    return False


def _is_recorded_here(jobs: ExportJobs, owner: Principal, wanted: ExportRange, cameras: Sequence[str]) -> bool:
    return any(
        jobs.reader_for(owner, camera_id).has_frames(camera_id, wanted.begin, wanted.end) for camera_id in cameras
    )


def _wants_part(job: ExportJob) -> bool:
    # RFC 9110 section 14.2: other methods, other units and what cannot be read are ignored; several ranges may be.
    asked = request.range
    if request.method != "GET" or asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return False
    return "If-Range" not in request.headers or request.headers["If-Range"] == quote_etag(job.id)


async def _read_file(recordings: Recordings, path: Path, begin: int, end: int) -> AsyncIterator[bytes]:
    """Yield a part of a file; each piece is read when the client has taken the one before."""
    while begin < end:
        piece = await recordings.run(partial(_read_piece, path, begin, min(_PIECE, end - begin)))
        yield piece
        begin += len(piece)


def _read_piece(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        piece = os.pread(file.fileno(), size, offset)
    if not piece:
        raise OSError(f"{path} is shorter than it was")
    return piece


def _describe(job: ExportJob) -> ExportReply:
    wanted, progress = job.wanted, job.progress
    return ExportReply(
        id=job.id,
        clients=list(wanted.cameras),
        begin=rfc3339(wanted.begin),
        end=rfc3339(wanted.end),
        format=wanted.kind,
        state=job.state,
        progress=1.0 if job.state == "ready" else round(min(progress.done, 0.999), 3),
        error=job.error,
        frames=progress.frames,
        bytes=progress.nbytes,
        name=_name(job),
        url=f"api/exports/{job.id}/file",
        created_at=rfc3339(job.created_at),
        expires_at=None if job.expires_at is None else rfc3339(job.expires_at),
    )


def _name(job: ExportJob) -> str:
    cameras = job.wanted.cameras
    who = cameras[0] if len(cameras) == 1 else f"{len(cameras)}-cameras"
    return f"{who}_{local_file_stamp(job.wanted.begin)}.zip"


def _audit(event: str, who: str, job: ExportJob) -> None:
    wanted = job.wanted
    moments = {"begin": rfc3339(wanted.begin), "end": rfc3339(wanted.end)}
    audit.info(event, who=who, export=job.id, cameras=list(wanted.cameras), format=wanted.kind, **moments)
