"""Part of a camera's ring as a file: an archive of JPEGs, Motion JPEG, or a video that players open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

import trio
from attrs import define, field
from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.principal import Principal
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.http.clip_files import ClipFile, JpegClip, MatroskaClip, NoEncoder, ZipClip, local_file_stamp
from skysentry_trio.server.http.clip_source import FrameBatches, find_source
from skysentry_trio.server.http.current import CurrentHub
from skysentry_trio.server.http.fair_places import FairPlaces
from skysentry_trio.server.http.lookup import choose_id
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.wire.jpeg import PictureSize
from skysentry_trio.wire.messages import rfc3339
from skysentry_trio.wire.query import decode_query

_CONTENT_TYPES: Final = {
    "zip": "application/zip",
    "mjpeg": "video/x-mjpeg",
    "mkv": "video/matroska",
    "mp4": "video/mp4",
}
_MAX_CLIPS: Final = 8
"""Number of clips that are sent at the same time; each holds some MiB."""
_MAX_ENCODED: Final = 2
"""Number of clips that are encoded at the same time; encoding keeps a processor busy."""
_ENCODED_BATCH: Final = 128 * 1024
"""Bytes of frames that one call in a thread encodes; encoding takes far longer than writing."""
_BATCH: Final = 1024 * 1024
"""Bytes of frames that one call in a thread writes, so that about twenty frames share the cost of one call."""
_PIECE: Final = 192 * 1024
"""Bytes that are sent in one piece, as in other large replies."""


@define(eq=False)
class _ClipWriter:
    """Writes clips, and limits how many clips are written and how many threads write at the same time."""

    places: FairPlaces = field(factory=lambda: FairPlaces(_MAX_CLIPS, "clips are being sent"))
    encoder_places: FairPlaces = field(factory=lambda: FairPlaces(_MAX_ENCODED, "clips are being encoded"))
    threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(2))
    """Bounds the number of threads."""
    encoder_threads: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))
    """One thread encodes for all clips, so that it takes one processor at most from live frames."""

    async def encode(self, principal: Principal, batches: FrameBatches, file: ClipFile) -> AsyncIterator[bytes]:
        """Yield a clip that is encoded, in pieces; each piece is encoded when the caller asks for it."""
        async with self.encoder_places.take(principal), self.places.take(principal):
            while batch := await batches.next():
                work = partial(file.add, batch)
                for piece in _slices(await trio.to_thread.run_sync(work, limiter=self.encoder_threads)):
                    yield piece
            for piece in _slices(await trio.to_thread.run_sync(file.finish, limiter=self.encoder_threads)):
                yield piece

    async def write(self, principal: Principal, batches: FrameBatches, file: ClipFile) -> AsyncIterator[bytes]:
        """Yield a clip in pieces; each piece is written when the caller asks for it."""
        # Several requests may see the last place before one of them takes it; the other requests wait here.
        async with self.places.take(principal):
            while batch := await batches.next():
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


def create_clips(current_hub: CurrentHub, recordings: Recordings) -> Blueprint:
    """Return the route of clips.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may see.
        recordings: have the frames that have left the rings.
    """
    clips, writer = Blueprint("clips", __name__), _ClipWriter()

    @clips.get("/api/clients/<camera_id>/clip")
    async def get_clip(camera_id: str) -> Response:
        query = decode_query(request.query_string.decode("latin-1"))
        kind = query.text("format") or "zip"
        if kind not in _CONTENT_TYPES:
            raise ProtocolViolation(f"format is one of {', '.join(_CONTENT_TYPES)}, got {kind[:40]!a}")
        hub = current_hub()
        source = await find_source(hub, choose_id(hub, camera_id), query, recordings)
        first, last = source.first, source.last
        writer.places.require(hub.principal)
        if kind == "mp4":
            writer.encoder_places.require(hub.principal)
        name = f"{source.camera_id}_{local_file_stamp(first.received_at)}"
        file: ClipFile
        if kind == "mp4":
            file = await writer.open_video(partial(_open_mp4, source.title, first, source.largest_size()))
        elif kind == "mkv":
            file = await writer.open_video(partial(MatroskaClip, source.title, first, last))
        else:
            file = ZipClip(name) if kind == "zip" else JpegClip()
        # A HEAD request gets no body, so nothing is read or written for it.
        if request.method == "HEAD":
            body: bytes | AsyncIterator[bytes] = b""
        elif kind == "mp4":
            body = writer.encode(hub.principal, source.batches(_ENCODED_BATCH), file)
        else:
            body = writer.write(hub.principal, source.batches(_BATCH), file)
        if request.method != "HEAD":
            times = {"begin": rfc3339(first.received_at), "end": rfc3339(last.received_at)}
            audit.info("clip exported", who=hub.principal.name, camera=source.camera_id, format=kind, **times)
        response = Response(body, content_type=_CONTENT_TYPES[kind])
        response.headers.pop("Content-Length", None)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
        response.headers["Cache-Control"] = "no-store"
        # The whole reply needs no deadline, because every write has one; over a slow link a large reply may take long.
        response.timeout = None
        return response

    return clips


def _open_mp4(title: str, first: JpegFrame, size: PictureSize) -> ClipFile:
    # The import loads the library for pictures, and most servers never need it.
    from skysentry_trio.server.http.mp4_clip import Mp4Clip  # noqa: PLC0415

    return Mp4Clip(title, first, size)


def _slices(data: bytes) -> list[bytes]:
    return [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]
