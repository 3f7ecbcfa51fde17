"""Exports: archives that are written one after the other beside the recordings, and wait there to be fetched."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio
from attrs import define, evolve, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.principal import Action, Principal, Rights
from skysentry_trio.server.http.clip_files import ClipFile, JpegClip, MatroskaClip
from skysentry_trio.server.http.export_archive import ExportRange, FrameSource, Progress, write_archive
from skysentry_trio.server.http.fetched_clips import FetchedClips
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS, OtherServers
from skysentry_trio.wire.jpeg import PictureSize
from skysentry_trio.wire.messages import encode_json

if TYPE_CHECKING:
    from skysentry_trio.server.history.reader import HistoryReader
    from skysentry_trio.server.history.recorded_part import RecordedPart

log = get_logger(__name__)

FOLDER: Final = "@exports"
"""In the folder of the recordings; no camera can have this name."""
_FILE: Final = re.compile(r"[0-9a-f]{32}\.zip")
MOST: Final = 16
"""Exports at the same time, whatever their state is."""
KEPT: Final = 86400.0
"""Seconds for which an export can be fetched."""
_MOST_EVENTS: Final = 10_000
"""Events of a camera of another server."""
_ASK_TIMEOUT: Final = 10.0
"""Seconds that another server has to list them, or to say when it has recorded."""
_CLIP_SECONDS: Final = 600.0
"""Seconds of one clip of another server: both servers have the list of its frames in memory."""
_MOST_PARTS: Final = 2000
"""Parts of a time for which another server says at once whether it has recorded."""
_TRIES: Final = 60
"""How often a clip is asked for of a server that is sending as many clips as it may."""
_BUSY_WAIT: Final = 2.0
"""Seconds between two tries."""
_LOOK: Final = 60.0
"""Seconds between two looks for exports that are over."""


class ExportFailed(Exception):
    """An export cannot be finished; the message is a sentence for people."""


@define(eq=False)
class FromElsewhere:
    """What another server has recorded of a camera."""

    clips: list[Path] = field(factory=list)
    """One after another, for `FetchedClips`."""
    nbytes: int = 0
    events: Sequence[Mapping[str, Any]] = ()


@define(eq=False)
class ExportJob:
    """One export, from the request until it is deleted."""

    id: str
    owner: Principal
    wanted: ExportRange
    path: Path
    created_at: float
    """Seconds since the epoch."""
    state: str = "waiting"
    """``waiting``, ``writing``, ``ready`` or ``failed``."""
    error: str | None = None
    progress: Progress = Progress(0.0, 0, 0)  # noqa: RUF009 - it is frozen
    expires_at: float | None = None
    is_over: bool = False
    """Whether it was deleted."""
    elsewhere: dict[str, FromElsewhere] = field(factory=dict)
    """What was fetched from other servers, by camera."""
    fetching: trio.CancelScope = field(factory=trio.CancelScope, repr=False)
    """Ends the waiting for other servers."""

    @property
    def nbytes(self) -> int:
        """The size of everything that was written for it."""
        return self.progress.nbytes + sum(found.nbytes for found in self.elsewhere.values())

    def is_allowed_by(self, rights: Rights) -> bool:
        """Return whether somebody with these rights may see all old frames that the export has."""
        begin, made_with = self.wanted.begin, self.owner.rights
        return all(
            rights.allow(Action.HISTORY, camera_id)
            and rights.history_begin(camera_id) <= max(begin, made_with.history_begin(camera_id))
            for camera_id in self.wanted.cameras
        )


@define(eq=False)
class ExportJobs:
    """All exports of a server. They end with the process, and so do their files."""

    reader: HistoryReader
    max_bytes: int
    """Of all exports."""
    min_free: int
    """Bytes that stay free on the volume."""
    now: Callable[[], float]
    node_id: str = ""
    """Id of this node of a cluster, with which the ids of its exports begin; "" for a server alone."""
    others: OtherServers = NO_OTHER_SERVERS
    """The other servers of the cluster."""
    jobs: dict[str, ExportJob] = field(factory=dict, init=False)
    frames_exported: int = field(default=0, init=False)
    _wanted: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False, repr=False)
    """For writing."""
    _deleting: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False, repr=False)
    """For deleting, which does not wait for a step of writing."""

    def add(self, owner: Principal, wanted: ExportRange) -> ExportJob:
        """Add an export that is written when those before it are.

        Raises:
            ProtocolViolation: with code ``busy``.
        """
        most, _ = self._room_for(owner)
        if len(self._of(owner)) >= most:
            raise ProtocolViolation(
                f"there are {len(self.jobs)} exports, and {most} of {owner.name}, which is the limit; "
                "delete one, or try later",
                "busy",
            )
        identity = self.node_id + token_hex(16 - len(self.node_id) // 2)
        job = self.jobs[identity] = ExportJob(identity, owner, wanted, self._path(identity), self.now())
        self._wanted.set()
        return job

    def visible(self, principal: Principal) -> list[ExportJob]:
        """Return the exports that a principal may see: its own of what it still may see; for an administrator, all."""
        if principal.rights.is_admin:
            return list(self.jobs.values())
        own = (job for job in self.jobs.values() if job.owner.identity == principal.identity)
        return [job for job in own if job.is_allowed_by(principal.rights)]

    async def remove(self, job: ExportJob) -> None:
        """End an export, and delete its file."""
        job.is_over = True
        job.fetching.cancel()
        self.jobs.pop(job.id, None)
        await trio.to_thread.run_sync(_delete, [job.path], limiter=self._deleting, abandon_on_cancel=True)

    @property
    def nbytes(self) -> int:
        """The size of all exports."""
        return sum(job.nbytes for job in self.jobs.values())

    def _of(self, owner: Principal) -> list[ExportJob]:
        return [job for job in self.jobs.values() if job.owner.identity == owner.identity]

    def _room_for(self, owner: Principal) -> tuple[int, int]:
        """Return how many exports, and how many bytes, somebody may have.

        An administrator may have what the others leave. Everybody else may have half of it, so that nobody can use up
        everything.
        """
        own = self._of(owner)
        count = MOST - len(self.jobs) + len(own)
        nbytes = self.max_bytes - self.nbytes + sum(job.nbytes for job in own)
        return (count, nbytes) if owner.rights.is_admin else (count // 2, nbytes // 2)

    async def run(self) -> None:
        """Write exports for ever, and delete those that nobody has fetched in time."""
        await self._in_thread(self._delete_leftovers)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._delete_expired)
            while True:
                await self._wanted.wait()
                self._wanted = trio.Event()
                while (job := self._take_next()) is not None:
                    await self._write(job)

    def _take_next(self) -> ExportJob | None:
        """Return the export to be written next; then it is the turn of everybody else who waits."""
        waiting = [job for job in self.jobs.values() if job.state == "waiting"]
        if not waiting:
            return None
        for job in waiting[1:]:
            if job.owner.identity == waiting[0].owner.identity:
                self.jobs[job.id] = self.jobs.pop(job.id)
        return waiting[0]

    async def _write(self, job: ExportJob) -> None:
        job.state, steps = "writing", self._steps(job)
        try:
            with job.fetching:
                await self._fetch(job)
            while not job.is_over and (progress := await self._in_thread(partial(next, steps, None))) is not None:
                self.frames_exported += progress.frames - job.progress.frames
                job.progress = progress
                self._check_size(job)
            job.state, job.expires_at = "ready", self.now() + KEPT
        except Exception as error:  # noqa: BLE001 - whatever fails, the next export is written
            self._fail(job, getattr(error, "strerror", None) or str(error) or type(error).__name__)
        except BaseException:
            # The service may have crashed, and does not go on with it when it is started again.
            self._fail(job, "the server has stopped writing; begin the export again")
            job.elsewhere.clear()
            raise
        if job.state == "failed" or job.is_over:
            await self._in_thread(partial(_discard, steps, job.path))
        for found in job.elsewhere.values():
            await self._in_thread(partial(_delete, found.clips))
        job.elsewhere.clear()

    def _fail(self, job: ExportJob, reason: str) -> None:
        job.state, job.error, job.expires_at = "failed", reason, self.now() + KEPT
        job.progress = Progress(job.progress.done, job.progress.frames, 0)
        log.warning("export failed", export=job.id, error=reason)

    async def _fetch(self, job: ExportJob) -> None:
        """Fetch what other servers have recorded.

        Raises:
            ProtocolViolation: another server does not answer.
            ExportFailed: there is not enough room, or a camera moved from one server to another meanwhile.
        """
        begin, end = job.wanted.begin, job.wanted.end
        for camera_id in job.wanted.cameras:
            if (owner := self.others.owner(camera_id)) is None:
                continue
            found = job.elsewhere[camera_id] = FromElsewhere()
            await self._fetch_clips(job, camera_id, begin, end)
            asked = f"history/events?{_between(begin, end)}&limit={_MOST_EVENTS}"
            if body := await self.others.ask_owner(camera_id, asked, job.owner, _ASK_TIMEOUT):
                found.events = msgspec.json.decode(body)["events"]
            if self.others.owner(camera_id) != owner:
                # So the frames are of several servers now, and not all of them were asked.
                raise ExportFailed(f"camera {camera_id} moved to another server meanwhile; begin the export again")

    async def _fetch_clips(self, job: ExportJob, camera_id: str, begin: float, end: float) -> None:
        """Fetch short clips of what another server has recorded of a camera, in the order of time."""
        if end - begin <= _CLIP_SECONDS:
            await self._fetch_clip(job, camera_id, begin, end)
            return
        parts = min(_MOST_PARTS, math.ceil((end - begin) / _CLIP_SECONDS))
        asked, width = f"history?{_between(begin, end)}&buckets={parts}", (end - begin) / parts
        body = await self.others.ask_owner(camera_id, asked, job.owner, _ASK_TIMEOUT)
        for number, frames in enumerate([] if body is None else msgspec.json.decode(body)["coverage"]):
            if frames:
                since = begin + number * width
                await self._fetch_clips(job, camera_id, since, min(since + width, end))

    async def _fetch_clip(self, job: ExportJob, camera_id: str, begin: float, end: float) -> None:
        found, path = job.elsewhere[camera_id], self._path(token_hex(16))
        found.clips.append(path)

        async def take(piece: bytes) -> None:
            found.nbytes += len(piece)
            self._check_size(job)
            await self._in_thread(partial(self._append, path, piece))

        asked = f"clip?{_between(begin, end)}"
        has_frames = await self._when_not_busy(partial(self.others.fetch_from_owner, camera_id, asked, job.owner, take))
        if not has_frames:
            # This is no error: if no clip has frames, the manifest has the camera all the same.
            found.clips.remove(path)
            await self._in_thread(partial(_delete, [path]))

    async def _when_not_busy(self, fetch: Callable[[], Awaitable[bool]]) -> bool:
        for _ in range(_TRIES - 1):
            try:
                return await fetch()
            except ProtocolViolation as error:
                if error.code != "busy":
                    raise
            await trio.sleep(_BUSY_WAIT)
        return await fetch()

    def _append(self, path: Path, piece: bytes) -> None:
        # If this is cancelled, the thread goes on for a moment, so it has the file for itself.
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(piece)
        self._check_space()

    def _path(self, identity: str) -> Path:
        return self.reader.folder.path / FOLDER / f"{identity}.zip"

    def reader_for(self, owner: Principal, camera_id: str) -> HistoryReader:
        """Return a reader of those recordings of a camera that a principal may see."""
        return evolve(self.reader, begin=owner.rights.history_begin(camera_id))

    def _source_of(self, job: ExportJob, camera_id: str) -> FrameSource:
        found = job.elsewhere.get(camera_id)
        if found is None:
            return self.reader_for(job.owner, camera_id)
        return FetchedClips(found.clips)

    def _check_size(self, job: ExportJob) -> None:
        _, most = self._room_for(job.owner)
        if sum(one.nbytes for one in self._of(job.owner)) > most:
            raise ExportFailed(
                "the exports together have reached their limit, history_export_bytes"
                if job.owner.rights.is_admin
                else "your exports have reached half of what those of others leave of history_export_bytes"
            )

    def _check_space(self) -> None:
        # Retention lets old recordings give way to exports, but it does so only when a file is begun.
        if self.reader.folder.free_bytes() < self.min_free // 2:
            raise ExportFailed("the volume has too little space for this export")

    def _steps(self, job: ExportJob) -> Iterator[Progress]:
        job.path.parent.mkdir(exist_ok=True)
        wanted = job.wanted
        events = partial(self._events, job)
        make_clip, reader_of = partial(open_clip, wanted.kind), partial(self._source_of, job)
        with job.path.open("w+b") as file:
            for progress in write_archive(file, job.path.parent, reader_of, wanted, make_clip, events):
                yield progress
                self._check_space()

    def _events(self, job: ExportJob, camera_id: str) -> Sequence[Mapping[str, Any]]:
        if (found := job.elsewhere.get(camera_id)) is not None:
            return found.events
        if not job.owner.rights.allow(Action.EVENTS, camera_id):
            return ()
        return describe_events(self.reader_for(job.owner, camera_id), job.wanted, camera_id)

    def _delete_leftovers(self) -> None:
        """Delete the files that an earlier process has left; files with other names are not ours."""
        folder = self.reader.folder.path / FOLDER
        with suppress(FileNotFoundError):
            for path in folder.iterdir():
                if _FILE.fullmatch(path.name) and path.stem not in self.jobs:
                    _delete([path])

    async def _delete_expired(self) -> None:
        while True:
            for job in list(self.jobs.values()):
                if (job.expires_at or math.inf) <= self.now():
                    await self.remove(job)
            await trio.sleep(_LOOK)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await trio.to_thread.run_sync(work, limiter=self._threads, abandon_on_cancel=True)


def _between(begin: float, end: float) -> str:
    return f"from={begin:.6f}&to={end:.6f}"


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("file of an export not deleted", file=str(path), error=error.strerror or str(error))


def _discard(steps: Iterator[Progress], path: Path) -> None:
    close = getattr(steps, "close", None)
    if close is not None:
        with suppress(Exception):
            close()
    _delete([path])


def describe_events(reader: HistoryReader, wanted: ExportRange, camera_id: str) -> list[Mapping[str, Any]]:
    """Return the events of a camera for a manifest."""
    found = reader.events(camera_id, wanted.begin, wanted.end)
    return [msgspec.json.decode(encode_json(event.reply())) for event in found]


def open_clip(kind: str, camera_id: str, part: RecordedPart) -> ClipFile:
    """Begin a video of a camera.

    Raises:
        ImportError: PyAV is not installed.
        NoEncoder: H.264 cannot be encoded.
    """
    if kind == "mjpeg":
        return JpegClip()
    if kind == "mkv":
        return MatroskaClip(camera_id, part.first, part.last)
    # The import loads the library for pictures, and most servers never need it.
    from skysentry_trio.server.http.mp4_clip import Mp4Clip  # noqa: PLC0415

    largest = max((part.first, part.last), key=lambda frame: frame.width * frame.height)
    return Mp4Clip(camera_id, part.first, PictureSize(largest.width, largest.height))
