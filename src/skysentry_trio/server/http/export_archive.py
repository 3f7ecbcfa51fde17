"""Write recordings of several cameras into a ZIP archive: frames or videos, and a manifest with each frame's hash.

The archive is written in steps, each of which takes some milliseconds, so that a thread can do one after the other and
stop between two of them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from attrs import frozen

from skysentry_trio._version import __version__
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.recorded_part import RecordedPart
from skysentry_trio.server.http.clip_files import ClipFile, batches_of, file_stamp
from skysentry_trio.wire.messages import rfc3339

MANIFEST: Final = "manifest.json"
_STEP: Final = 1024 * 1024
"""Bytes of frames that one step writes."""
_ENCODED_STEP: Final = 128 * 1024
"""Bytes of frames that one step encodes; encoding takes far longer than writing."""
_SPOOLED: Final = 1024 * 1024
"""Bytes of the manifest in memory; beyond that, it is in a file without a name until the archive takes it."""


@frozen
class Progress:
    """How far an archive is written."""

    done: float
    """From 0 to 1."""
    frames: int
    nbytes: int
    """Size of the archive so far."""


@frozen
class ExportRange:
    """What an archive has."""

    cameras: Sequence[str]
    begin: float
    """Seconds since the epoch."""
    end: float
    kind: str
    """``zip`` for single JPEGs; otherwise the suffix of the videos."""


class FrameSource(Protocol):
    """Where the frames of a camera are."""

    def part(self, camera_id: str, begin: float, end: float) -> RecordedPart | None:
        """Return the frames between two moments; None if there are none."""
        ...


def write_archive(  # noqa: PLR0917 - the parts of an export
    target: BinaryIO,
    folder: Path,
    reader_of: Callable[[str], FrameSource],
    wanted: ExportRange,
    make_clip: Callable[[str, RecordedPart], ClipFile],
    describe_events: Callable[[str], Sequence[Mapping[str, Any]]] = lambda _camera_id: (),
) -> Iterator[Progress]:
    """Write an archive step by step; cameras that have no recordings then have an entry without frames.

    Args:
        target: an empty file that can seek.
        folder: for a temporary file without a name.
        reader_of: returns what reads the recordings of a camera.
        wanted: cameras, time and form.
        make_clip: begins a video of a camera, for every form but ``zip``.
        describe_events: returns the events of a camera in this time.
    """
    frames = 0
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive,
        tempfile.SpooledTemporaryFile(_SPOOLED, "w+b", dir=str(folder)) as manifest,
    ):
        manifest.write(_open_manifest(wanted))
        for number, camera_id in enumerate(wanted.cameras):
            part = reader_of(camera_id).part(camera_id, wanted.begin, wanted.end)
            video = None if wanted.kind == "zip" or part is None else f"{camera_id}.{wanted.kind}"
            manifest.write(_open_camera(camera_id, video, describe_events(camera_id), is_first=number == 0))
            if part is not None:
                separator = b"\n"
                for batch in _write_frames(archive, camera_id, video, part, wanted.kind, make_clip):
                    for frame in batch:
                        manifest.write(separator + _describe_frame(camera_id, frame, in_video=video is not None))
                        separator = b",\n"
                    frames += len(batch)
                    reached = _share(batch[-1].received_at, part.first.received_at, part.last.received_at)
                    yield Progress((number + reached) / len(wanted.cameras), frames, target.tell())
            manifest.write(b"]}")
        manifest.write(b"]}\n")
        manifest.seek(0)
        with archive.open(_entry(MANIFEST, wanted.begin), "w", force_zip64=True) as copy:
            shutil.copyfileobj(manifest, copy, _STEP)
    yield Progress(1.0, frames, target.tell())


def _write_frames(  # noqa: PLR0917 - what the frames are written with
    archive: zipfile.ZipFile,
    camera_id: str,
    video: str | None,
    part: RecordedPart,
    kind: str,
    make_clip: Callable[[str, RecordedPart], ClipFile],
) -> Iterator[list[JpegFrame]]:
    """Write the frames of a camera, and yield them after they are written."""
    if video is None:
        for batch in batches_of(part.frames, _STEP):
            for frame in batch:
                archive.writestr(_entry(_frame_name(camera_id, frame), frame.received_at), frame.jpeg)
            yield batch
        return
    with archive.open(_entry(video, part.first.received_at), "w", force_zip64=True) as file:
        clip = make_clip(camera_id, part)
        for batch in batches_of(part.frames, _ENCODED_STEP if kind == "mp4" else _STEP):
            file.write(clip.add(batch))
            yield batch
        file.write(clip.finish())


def _entry(name: str, moment: float) -> zipfile.ZipInfo:
    when = datetime.fromtimestamp(moment, UTC)
    # ZIP knows no year before 1980.
    return zipfile.ZipInfo(name, (max(when.year, 1980), when.month, when.day, when.hour, when.minute, when.second))


def _frame_name(camera_id: str, frame: JpegFrame) -> str:
    return f"{camera_id}/{file_stamp(frame.received_at)}-{frame.sequence:08d}.jpg"


def _open_manifest(wanted: ExportRange) -> bytes:
    head = {
        "madeBy": f"skysentry-trio {__version__}",
        "from": rfc3339(wanted.begin),
        "to": rfc3339(wanted.end),
        "format": wanted.kind,
    }
    return json.dumps(head).encode()[:-1] + b', "cameras": ['


def _open_camera(camera_id: str, video: str | None, events: Sequence[Mapping[str, Any]], *, is_first: bool) -> bytes:
    head = {"clientId": camera_id, "video": video, "events": list(events)}
    return (b"\n" if is_first else b",\n") + json.dumps(head).encode()[:-1] + b', "frames": ['


def _describe_frame(camera_id: str, frame: JpegFrame, *, in_video: bool) -> bytes:
    described = {
        "file": None if in_video else _frame_name(camera_id, frame),
        "sequence": frame.sequence,
        "receivedAt": _show(frame.received_at),
        "capturedAt": None if frame.captured_at is None else _show(frame.captured_at),
        "width": frame.width,
        "height": frame.height,
        "size": len(frame.jpeg),
        "sha256": hashlib.sha256(frame.jpeg).hexdigest(),
    }
    return json.dumps(described).encode()


def _show(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")


def _share(moment: float, begin: float, end: float) -> float:
    return min(1.0, max(0.0, (moment - begin) / (end - begin))) if end > begin else 1.0
