"""Make one file of many frames, piece by piece: a ZIP archive, concatenated JPEGs, or a Matroska video of the JPEGs."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final, Protocol

from attrs import define, field

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.wire.jpeg import PictureSize, turned_size
from skysentry_trio.wire.orientation import UPRIGHT, read_orientations

_MILLISECONDS: Final = Fraction(1, 1000)
_INDEX_HEAD: Final = ("file", "sequence", "received_at", "captured_at", "width", "height", "size")
_FIRST_YEAR_OF_ZIP: Final = 1980


class NoEncoder(Exception):
    """PyAV has no encoder for H.264 that works here."""


class ClipFile(Protocol):
    """A file that is written from start to end: each call of a method returns the next bytes of the file.

    The calls may come from different threads, one after the other.
    """

    def add(self, frames: Iterable[JpegFrame]) -> bytes:
        """Append frames."""
        ...

    def finish(self) -> bytes:
        """Return the bytes after the last frame."""
        ...


def file_stamp(epoch_seconds: float) -> str:
    """Format a time in UTC for file names: valid on every system, and names in alphabetical order are in time order.

    >>> file_stamp(1700000000.25)
    '20231114T221320.250Z'
    """
    return f"{datetime.fromtimestamp(epoch_seconds, UTC):%Y%m%dT%H%M%S.%f}"[:-3] + "Z"


def local_file_stamp(epoch_seconds: float) -> str:
    """Format a time as people here read it on their clocks, with the offset from UTC, for names of downloads.

    >>> local_file_stamp(1700000000.25)  # doctest: +SKIP
    '2023-11-14_23-13-20.2+01'
    """
    when = datetime.fromtimestamp(epoch_seconds, UTC).astimezone()
    offset = when.strftime("%z")[:5]
    return f"{when:%Y-%m-%d_%H-%M-%S}.{when.microsecond // 100_000}{offset.removesuffix('00')}"


def batches_of(frames: Iterable[JpegFrame], most: int) -> Iterator[list[JpegFrame]]:
    """Yield frames in batches of about ``most`` bytes, so that many small frames share the cost of one call."""
    batch, size = list[JpegFrame](), 0
    for frame in frames:
        batch.append(frame)
        size += len(frame.jpeg)
        if size >= most:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class JpegClip:
    """The JPEGs one after the other; `ffmpeg -f mjpeg` reads this format."""

    def add(self, frames: Iterable[JpegFrame]) -> bytes:
        """Append frames."""
        return b"".join(frame.jpeg for frame in frames)

    def finish(self) -> bytes:
        """Return no bytes: the file ends with the last JPEG."""
        return b""


@define(eq=False, slots=False)
class _Window(io.RawIOBase):
    """The end of a file, after the bytes that `take` has returned; the writer may seek only in this end."""

    _taken: int = field(default=0, init=False)
    _rest: io.BytesIO = field(factory=io.BytesIO, init=False)

    def tell(self) -> int:
        return self._taken + self._rest.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._taken + self._rest.seek(offset - self._taken if whence == io.SEEK_SET else offset, whence)

    def write(self, data: Any) -> int:
        return self._rest.write(data)

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        data, self._rest = self._rest.getvalue(), io.BytesIO()
        self._taken += len(data)
        return data


@define(eq=False)
class ZipClip:
    """A ZIP archive: a JPEG for each frame, named by time and sequence, and an index of the JPEGs in CSV.

    Entries are not compressed, because JPEGs do not get smaller.
    """

    folder: str
    """The folder in the archive that holds all files."""
    _window: _Window = field(factory=_Window, init=False)
    _archive: zipfile.ZipFile = field(init=False)
    _index: io.StringIO = field(factory=lambda: io.StringIO(newline=""), init=False)
    _ends_at: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        # ZipFile can seek in the window. So it writes the size of an entry into the head of the entry, and readers need
        # not search for the end of the entry.
        self._archive = zipfile.ZipFile(self._window, "w", zipfile.ZIP_STORED)
        csv.writer(self._index).writerow(_INDEX_HEAD)

    def add(self, frames: Iterable[JpegFrame]) -> bytes:
        """Append frames."""
        rows = csv.writer(self._index)
        for frame in frames:
            name = f"{file_stamp(frame.received_at)}-{frame.sequence:08d}.jpg"
            self._put(name, frame.received_at, frame.jpeg)
            self._ends_at = frame.received_at
            captured_at = "" if frame.captured_at is None else f"{frame.captured_at:.6f}"
            size = len(frame.jpeg)
            rows.writerow(
                (name, frame.sequence, f"{frame.received_at:.6f}", captured_at, frame.width, frame.height, size)
            )
        return self._window.take()

    def finish(self) -> bytes:
        """Return the CSV index and the archive's directory."""
        self._put("index.csv", self._ends_at, self._index.getvalue().encode())
        self._archive.close()
        return self._window.take()

    def _put(self, name: str, epoch_seconds: float, content: bytes) -> None:
        when = datetime.fromtimestamp(epoch_seconds, UTC)
        # ZIP cannot store an earlier year, but a computer without a battery for its clock may have an earlier year.
        year = max(when.year, _FIRST_YEAR_OF_ZIP)
        date = (year, when.month, when.day, when.hour, when.minute, when.second)
        self._archive.writestr(zipfile.ZipInfo(f"{self.folder}/{name}", date), content)


@define(eq=False)
class Pipe:
    """Collects what PyAV writes; cannot seek."""

    _written: io.BytesIO = field(factory=io.BytesIO, init=False)

    def write(self, data: Any) -> int:
        """Collect data."""
        return self._written.write(data)

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        data, self._written = self._written.getvalue(), io.BytesIO()
        return data


class MatroskaClip:
    """A video whose packets are the unchanged frames, at the times at which they arrived.

    The head of the file contains the duration. It cannot contain an index, because the index is not known at the start.
    """

    def __init__(self, title: str, first: JpegFrame, last: JpegFrame) -> None:
        """Start a file.

        Args:
            title: of the video, for people.
            first: its time and size go into the head of the file; frames of other sizes may follow.
            last: the last frame; the ring may drop this frame before it is written.

        Raises:
            ImportError: PyAV is not installed.
        """
        # The import is slow, and most servers never need it.
        import av  # noqa: PLC0415

        self._make_packet, self._start, self._time = av.Packet, first.arrived, -1
        self._pipe = Pipe()
        self._container: Any = av.open(self._pipe, "w", format="matroska")
        duration = max(last.arrived - first.arrived, 0.001)
        rate = Fraction(max(1, last.sequence - first.sequence) / duration).limit_denominator(1000)
        # The container has the size of the stored picture; players turn each picture by the orientation in its EXIF.
        stored = turned_size(PictureSize(first.width, first.height), read_orientations(first.jpeg)[0] or UPRIGHT)
        # The stream has no encoder, because an encoder would restrict the sizes of frames.
        self._stream = self._container.add_mux_stream(
            "mjpeg", rate=max(rate, _MILLISECONDS), width=stored.width, height=stored.height
        )
        self._stream.time_base = _MILLISECONDS
        minutes, seconds = divmod(duration, 60)
        self._stream.metadata["DURATION"] = f"{minutes // 60:02.0f}:{minutes % 60:02.0f}:{seconds:012.9f}"
        self._container.metadata["title"] = title
        self._container.metadata["creation_time"] = datetime.fromtimestamp(first.received_at, UTC).isoformat()
        self._container.start_encoding()

    def add(self, frames: Iterable[JpegFrame]) -> bytes:
        """Append frames."""
        for frame in frames:
            packet = self._make_packet(frame.jpeg)
            packet.stream = self._stream
            packet.time_base = _MILLISECONDS
            # No two frames get the same time, because some players would show only one of the two.
            self._time = max(self._time + 1, round((frame.arrived - self._start) * 1000))
            packet.pts = packet.dts = self._time
            packet.is_keyframe = True
            self._container.mux_one(packet)
        return self._pipe.take()

    def finish(self) -> bytes:
        """Return the bytes that PyAV has buffered."""
        self._container.close()
        return self._pipe.take()
