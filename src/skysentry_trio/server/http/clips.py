"""Part of a camera's ring as a file: an archive of JPEGs, Motion JPEG, or a video that players open."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Final

import trio
from attrs import define, field, frozen
from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.principal import Action
from skysentry_trio.base.timeline import M, Timeline
from skysentry_trio.server.http.clip_files import ClipFile, JpegClip, MatroskaClip, NoEncoder, ZipClip, local_file_stamp
from skysentry_trio.server.http.current import CurrentHub
from skysentry_trio.server.http.lookup import choose_id, find_newest
from skysentry_trio.server.http.ring_reader import iterate_ring
from skysentry_trio.wire.jpeg import PictureSize
from skysentry_trio.wire.messages import rfc3339
from skysentry_trio.wire.query import Query, decode_query

_CONTENT_TYPES: Final = {
    "zip": "application/zip",
    "mjpeg": "video/x-mjpeg",
    "mkv": "video/matroska",
    "mp4": "video/mp4",
}
_MAX_BACK: Final = 86400.0 * 365
"""Seconds."""
_MAX_CLIPS: Final = 8
"""Number of clips that are sent at the same time; each holds some MiB."""
_MAX_ENCODED: Final = 2
"""Number of clips that are encoded at the same time; encoding keeps a processor busy."""
_ENCODED_BATCH: Final = 128 * 1024
"""Bytes of frames that one call in a thread encodes; encoding takes far longer than writing."""
_BATCH: Final = 1024 * 1024
"""Bytes of frames that one call in a thread writes, so that about twenty frames share the cost of one call."""
_MOST_SIZES: Final = 1000
"""Number of frames that are looked at for the size of a video."""
_PIECE: Final = 192 * 1024
"""Bytes that are sent in one piece, as in other large replies."""


@frozen
class _Limit:
    """The first or the last moment of a clip."""

    moment: float
    """The moment, in seconds since the epoch."""
    back: float | None
    """Seconds before now if the query has a negative number, else None; changes of the system's clock do not matter."""

    @classmethod
    def read(cls, query: Query, name: str, default: float) -> _Limit:
        """Read a limit from a query: a moment, or seconds before now as a negative number.

        Args:
            query: of the request.
            name: of the parameter.
            default: the moment if the query has no such parameter, in seconds since the epoch.
        """
        if (query.text(name) or "").startswith("-"):
            back = -(query.number(name, -_MAX_BACK, 0) or 0.0)
            return cls(time.time() - back, back)
        moment = query.moment(name)
        return cls(default if moment is None else moment, None)

    def last_until(self, timeline: Timeline[M], now: float) -> M | None:
        """Return the last frame that arrived no later than the limit; ``now`` is of the monotonic clock."""
        return timeline.at(self.moment) if self.back is None else timeline.back(self.back, now)

    def first_from(self, timeline: Timeline[M], now: float) -> M | None:
        """Return the first frame that arrived no earlier than the limit; ``now`` is of the monotonic clock."""
        before = self.last_until(timeline, now)
        if before is None:
            return timeline.oldest
        is_then = before.received_at == self.moment if self.back is None else before.arrived == now - self.back
        return before if is_then else timeline.after(before.sequence)


@define(eq=False)
class _ClipWriter:
    """Writes clips, and limits how many clips are written and how many threads write at the same time."""

    slots: trio.Semaphore = field(factory=lambda: trio.Semaphore(_MAX_CLIPS))
    """Holds one place for each clip that may be sent now."""
    encoder_slots: trio.Semaphore = field(factory=lambda: trio.Semaphore(_MAX_ENCODED))
    """Holds one place for each clip that may be encoded now."""
    threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(2))
    """Bounds the number of threads."""
    encoder_threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    """One thread encodes for all clips, so that it takes one processor at most from live frames."""

    async def encode(self, frames: Iterator[JpegFrame], file: ClipFile) -> AsyncIterator[bytes]:
        """Yield a clip that is encoded, in pieces; each piece is encoded when the caller asks for it."""
        async with self.encoder_slots, self.slots:
            for batch in _batches(frames, _ENCODED_BATCH):
                work = partial(file.add, batch)
                for piece in _slices(await trio.to_thread.run_sync(work, limiter=self.encoder_threads)):
                    yield piece
            for piece in _slices(await trio.to_thread.run_sync(file.finish, limiter=self.encoder_threads)):
                yield piece

    async def write(self, frames: Iterator[JpegFrame], file: ClipFile) -> AsyncIterator[bytes]:
        """Yield a clip in pieces; each piece is written when the caller asks for it."""
        # Several requests may see the last free slot before one of them takes it; the other requests wait here.
        async with self.slots:
            for batch in _batches(frames, _BATCH):
                for piece in _slices(await self._in_thread(partial(file.add, batch))):
                    yield piece
            for piece in _slices(await self._in_thread(file.finish)):
                yield piece

    async def _in_thread(self, work: Callable[[], bytes]) -> bytes:
        return await trio.to_thread.run_sync(work, limiter=self.threads)

    async def open_video(self, make: Callable[[], ClipFile]) -> ClipFile:
        """Begin a video in a thread, because the library for it takes a while to load.

        Raises:
            ProtocolViolation: with code ``not-installed``.
        """
        try:
            return await trio.to_thread.run_sync(make, limiter=self.threads)
        except ImportError as error:
            raise ProtocolViolation(
                "videos are written by PyAV, which is not installed with this server: "
                "pip install 'skysentry-trio[capture]'; format=zip and format=mjpeg work without",
                "not-installed",
            ) from error
        except NoEncoder as error:
            raise ProtocolViolation(
                f"MP4 needs an encoder for H.264: {error}; format=mkv, format=zip and format=mjpeg work without",
                "not-installed",
            ) from error


def create_clips(current_hub: CurrentHub) -> Blueprint:
    """Return the route of clips.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may see.
    """
    clips, writer = Blueprint("clips", __name__), _ClipWriter()

    @clips.get("/api/clients/<camera_id>/clip")
    async def get_clip(camera_id: str) -> Response:
        query = decode_query(request.query_string.decode("latin-1"))
        kind = query.text("format") or "zip"
        if kind not in _CONTENT_TYPES:
            raise ProtocolViolation(f"format is one of {', '.join(_CONTENT_TYPES)}, got {kind[:40]!a}")
        hub = current_hub()
        camera, _ = find_newest(hub, choose_id(hub, camera_id), Action.HISTORY)
        first, last = _choose(camera.id, camera.ring, query)
        if not writer.slots.value:
            raise ProtocolViolation(f"{_MAX_CLIPS} clips are being sent, which is the limit; try again later", "busy")
        if kind == "mp4" and not writer.encoder_slots.value:
            raise ProtocolViolation(
                f"{_MAX_ENCODED} clips are being encoded, which is the limit; try again later", "busy"
            )
        name, title = f"{camera.id}_{local_file_stamp(first.received_at)}", camera.name or camera.id
        file: ClipFile
        if kind == "mp4":
            size = _largest_size(camera.ring, first, last)
            file = await writer.open_video(partial(_open_mp4, title, first, size))
        elif kind == "mkv":
            file = await writer.open_video(partial(MatroskaClip, title, first, last))
        else:
            file = ZipClip(name) if kind == "zip" else JpegClip()
        frames = iterate_ring(hub, camera, after=first.sequence - 1, last=last.sequence)
        # A HEAD request gets no body, so nothing is written for it.
        write = writer.encode if kind == "mp4" else writer.write
        body = b"" if request.method == "HEAD" else write(frames, file)
        response = Response(body, content_type=_CONTENT_TYPES[kind])
        response.headers.pop("Content-Length", None)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
        response.headers["Cache-Control"] = "no-store"
        # The whole reply needs no deadline, because every write has one; over a slow link a large reply may take long.
        response.timeout = None
        return response

    return clips


def _choose(camera_id: str, timeline: Timeline[M], query: Query) -> tuple[M, M]:
    """Return the first and the last frame of the clip that a query asks for.

    Raises:
        ProtocolViolation: with code ``invalid-message`` if the limits make no sense, ``no-frame`` if the camera has no
            frames between them.
    """
    begin, end = _Limit.read(query, "from", 0.0), _Limit.read(query, "to", math.inf)
    if begin.moment > end.moment:
        raise ProtocolViolation(f"from is a moment before to, got {query.text('from')!a} and {query.text('to')!a}")
    now = trio.current_time()
    first, last = begin.first_from(timeline, now), end.last_until(timeline, now)
    if first is None or last is None or first.sequence > last.sequence:
        held = [rfc3339(frame.received_at) for frame in (timeline.oldest, timeline.newest) if frame is not None]
        raise ProtocolViolation(
            f"camera {camera_id} has no frames from then; it has some from {' to '.join(held)}", "no-frame"
        )
    return first, last


def _open_mp4(title: str, first: JpegFrame, size: PictureSize) -> ClipFile:
    # The import loads the library for pictures, and most servers never need it.
    from skysentry_trio.server.http.mp4_clip import Mp4Clip  # noqa: PLC0415

    return Mp4Clip(title, first, size)


def _largest_size(timeline: Timeline[JpegFrame], first: JpegFrame, last: JpegFrame) -> PictureSize:
    """Return the size of the largest of some frames: a camera sends smaller ones while nobody needs large ones."""
    step = max(1, (last.sequence - first.sequence) // _MOST_SIZES)
    frames = [first, last]
    for sequence in range(first.sequence, last.sequence, step):
        frame = timeline.after(sequence)
        if frame is not None and frame.sequence < last.sequence:
            frames.append(frame)
    largest = max(frames, key=lambda frame: frame.width * frame.height)
    return PictureSize(largest.width, largest.height)


def _batches(frames: Iterator[JpegFrame], most: int) -> Iterator[list[JpegFrame]]:
    batch, size = list[JpegFrame](), 0
    for frame in frames:
        batch.append(frame)
        size += len(frame.jpeg)
        if size >= most:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _slices(data: bytes) -> list[bytes]:
    return [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]
