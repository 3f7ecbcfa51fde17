"""Write the frames of one camera to its current segment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from attrs import define, field

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.frame_table import FrameTable
from skysentry_trio.server.history.index import Segment
from skysentry_trio.server.history.layout import segment_names
from skysentry_trio.server.history.segment import OPENING, encode_record

_MOST_PIECES: Final = 510
"""Buffers in one call of writev; Linux takes at most 1024."""


@define(eq=False)
class SegmentWriter:
    """An open segment. After an error, it ends with the last frame that was written completely."""

    camera_id: str
    epoch: int
    name: str
    """Path below the folder of the history."""
    table: FrameTable
    """The frames that are written."""
    _descriptor: int
    ends_at: float
    """When to begin another segment: seconds since the epoch."""
    is_dirty: bool = field(default=False, init=False)
    """Whether bytes were written since the last `sync`."""

    @classmethod
    def create(
        cls, folder: HistoryFolder, camera_id: str, epoch: int, started_at: float, ends_at: float
    ) -> SegmentWriter:
        """Make a new file; an existing file is never opened for writing.

        Raises:
            OSError: the file cannot be made.
        """
        for name in segment_names(camera_id, started_at):
            path = folder.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
            except FileExistsError:
                continue
            writer = cls(camera_id, epoch, name, FrameTable(end=len(OPENING)), descriptor, ends_at)
            try:
                _write_all(descriptor, [OPENING])
            except OSError:
                writer.close()
                with suppress(OSError):
                    path.unlink()
                raise
            return writer
        raise FileExistsError(f"no name is left for a segment of camera {camera_id}")

    def takes(self, frame: JpegFrame, epoch: int) -> bool:
        """Return whether a frame belongs to this segment."""
        return (
            epoch == self.epoch
            and frame.received_at < self.ends_at
            and self.table.fits(frame.sequence, frame.received_at)
        )

    def write(self, frames: Sequence[JpegFrame]) -> None:
        """Add frames, for each of which `takes` is true after the frames before it.

        Raises:
            OSError: the frames could not be written; none of them is in the segment.
        """
        pieces, end = list[bytes](), self.table.end
        places = list[tuple[int, float, int, int]]()
        for frame in frames:
            record = encode_record(frame, self.epoch)
            size = sum(map(len, record))
            pieces += record
            # As the file has it, or the index would not agree with the file about every two thousandth frame.
            places.append((frame.sequence, round(frame.received_at, 6), end, size))
            end += size
        try:
            _write_all(self._descriptor, pieces)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.table.end)
                os.lseek(self._descriptor, self.table.end, os.SEEK_SET)
            raise
        self.is_dirty = True
        for place in places:
            self.table.append(*place)

    def sync(self) -> None:
        """Wait until the disk has what was written.

        Raises:
            OSError: the disk does not have it.
        """
        if self.is_dirty:
            os.fdatasync(self._descriptor)
            self.is_dirty = False

    def describe(self) -> Segment | None:
        """Return the description of the segment; None without a frame."""
        return Segment.of(self.name, self.camera_id, self.epoch, self.table) if self.table else None

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            os.close(self._descriptor)


def _write_all(descriptor: int, pieces: Sequence[bytes]) -> None:
    """Write bytes; a volume that becomes full may take only a part of them, and refuse the rest."""
    views = [memoryview(piece) for piece in pieces]
    while views:
        count = os.writev(descriptor, views[:_MOST_PIECES])
        while views and count >= len(views[0]):
            count -= len(views[0])
            del views[0]
        if count:
            views[0] = views[0][count:]
