"""Write recordings into a file, as ``skysentry-trio history export`` does, and show how far this is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import click

from skysentry_trio.base.exceptions import ConfigurationError, SkySentryError
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.reader import HistoryReader
from skysentry_trio.server.history.recorded_part import RecordedPart
from skysentry_trio.server.history.segment import OPENING, encode_record
from skysentry_trio.server.http.clip_files import ClipFile, JpegClip, MatroskaClip, ZipClip, local_file_stamp
from skysentry_trio.server.http.export_archive import ExportRange, write_archive
from skysentry_trio.wire.identity import check_camera_id

T = TypeVar("T")

FORMATS: Final = ("mkv", "zip", "mjpeg", "mpjpeg")
_REPORT_EVERY: Final = 1.0
"""Seconds between two lines of progress."""
_BATCH: Final = 64
"""Frames written in one step."""


class NothingRecorded(SkySentryError):
    """There are no recordings as asked for."""


def export_camera(  # noqa: PLR0917 - what the command was asked for
    reader: HistoryReader, camera_id: str, output: str | None, kind: str, begin: float, end: float
) -> None:
    """Write the recordings of one camera into a file.

    Args:
        reader: of the folder.
        camera_id: id of the camera, as a person has given it.
        output: path of the file, which must not exist; None for a name made of camera and time.
        kind: one of `FORMATS`.
        begin: first moment, in seconds since the epoch.
        end: last moment.

    Raises:
        NothingRecorded: there are no recordings from this time.
        ConfigurationError: the file exists, or the format needs a library that is not installed.
        SkySentryError: the file cannot be written.
    """
    part = reader.part(check_camera_id(camera_id), begin, end)
    if part is None:
        raise NothingRecorded(f"there are no recordings of camera {camera_id} of this time")
    stamp = local_file_stamp(part.first.received_at)
    path = Path(output or f"{camera_id}_{stamp}.{kind}")
    with _new_file(path) as target:
        count = _write_clip(target, _make_clip(kind, f"{camera_id}_{stamp}", part), part)
    click.echo(f"{count} frames in {path}", err=True)


def export_cameras(  # noqa: PLR0917 - what the command was asked for
    reader: HistoryReader, camera_ids: list[str], output: str | None, kind: str, begin: float, end: float
) -> None:
    """Write the recordings of several cameras into an archive; see `export_camera`."""
    segments = [one for camera_id in camera_ids for one in reader.segments(check_camera_id(camera_id), begin, end)]
    if not segments:
        raise NothingRecorded(f"there are no recordings of cameras {', '.join(camera_ids)} of this time")
    first, last = min(one.started_at for one in segments), max(one.ended_at for one in segments)
    # The times of segments are rounded down.
    wanted = ExportRange(camera_ids, max(begin, first), min(end, last + 1), kind)
    path, progress = Path(output or f"{len(camera_ids)}-cameras_{local_file_stamp(wanted.begin)}.zip"), None
    with _new_file(path) as target:
        steps = write_archive(target, path.parent, lambda _camera_id: reader, wanted, partial(_make_clip, kind))
        for progress in steps:
            if sys.stderr.isatty():
                click.echo(f"\r{100 * progress.done:.0f} % exported", nl=False, err=True)
    if sys.stderr.isatty():
        click.echo("\r", nl=False, err=True)
    if progress is not None:
        click.echo(f"{progress.frames} frames in {path}", err=True)


def with_progress(items: Iterable[T], word: str) -> Iterator[T]:
    """Yield the items; say on a terminal how many there were."""
    shown = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        if sys.stderr.isatty() and time.monotonic() - shown > _REPORT_EVERY:
            shown = time.monotonic()
            click.echo(f"\r{count} {word}", nl=False, err=True)
    if sys.stderr.isatty():
        click.echo("\r", nl=False, err=True)


class SegmentFile:
    """The frames in the form in which they are on disk, in one file."""

    def __init__(self) -> None:
        self._opening = OPENING

    def add(self, frames: Iterable[JpegFrame]) -> bytes:
        """Append frames."""
        opening, self._opening = self._opening, b""
        return opening + b"".join(piece for frame in frames for piece in encode_record(frame, 1))

    def finish(self) -> bytes:
        """Return no bytes: the file ends with the last frame."""
        return b""


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that does not exist yet; delete it if it cannot be written completely."""
    try:
        target = path.open("x+b")
    except FileExistsError:
        raise ConfigurationError(f"--output: {path} exists") from None
    except OSError as error:
        raise SkySentryError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        with target:
            yield target
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise SkySentryError(f"cannot write {path}: {error.strerror or error}") from error
        raise


def _make_clip(kind: str, title: str, part: RecordedPart) -> ClipFile:
    if kind == "zip":
        return ZipClip(title)
    if kind == "mjpeg":
        return JpegClip()
    if kind == "mpjpeg":
        return SegmentFile()
    try:
        return MatroskaClip(title, part.first, part.last)
    except ImportError:
        raise ConfigurationError(
            "--format mkv needs PyAV: pip install 'skysentry-trio[capture]'; zip, mjpeg and mpjpeg work without"
        ) from None


def _write_clip(target: BinaryIO, clip: ClipFile, part: RecordedPart) -> int:
    """Write a clip into a file; return the number of frames."""
    count = 0
    for batch in _batches(with_progress(part.frames, "exported")):
        target.write(clip.add(batch))
        count += len(batch)
    target.write(clip.finish())
    return count


def _batches(frames: Iterable[JpegFrame]) -> Iterator[list[JpegFrame]]:
    batch = list[JpegFrame]()
    for frame in frames:
        batch.append(frame)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
