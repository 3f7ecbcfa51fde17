"""The folder of a history: one process writes in it, and its index is complete before anything is recorded."""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final

from attrs import define, evolve, field

from skysentry_trio.base.exceptions import ConfigurationError, SkySentryError
from skysentry_trio.server.history.events import FILE_NAME as EVENTS
from skysentry_trio.server.history.events import MOST_BYTES, day_of, find_event_files
from skysentry_trio.server.history.frame_table import FrameTable
from skysentry_trio.server.history.index import HistoryIndex, Segment, open_index
from skysentry_trio.server.history.layout import (
    camera_of,
    find_segments,
    find_unfinished,
    remove_empty_folders,
    sync_folder,
)
from skysentry_trio.server.history.protections import Protections
from skysentry_trio.server.history.segment import OPENING, SUFFIX, scan

_LOCK: Final = "@lock"
"""No camera can have this name."""


class Damaged(SkySentryError):
    """A file has the name of a segment but no frame that can be read."""


@define(eq=False)
class HistoryFolder:
    """A folder with segments and their index."""

    path: Path
    index: HistoryIndex
    protections: Protections
    _lock: int | None = field(default=None, repr=False)
    """Descriptor of the locked file; None if another process may write."""
    _changes: Lock = field(factory=Lock, init=False, repr=False)
    """Held while files and index change together."""

    @classmethod
    def open(cls, path: Path, *, writing: bool) -> HistoryFolder:
        """Open a folder; make it if it does not exist and the caller is going to write.

        Args:
            path: of the folder.
            writing: whether this process records and deletes. Only one process at a time may do so.

        Raises:
            ConfigurationError: the folder cannot be used, or another server records in it.
        """
        try:
            if writing and not path.exists():
                path.mkdir(parents=True, exist_ok=True)
            if not path.is_dir():
                raise ConfigurationError(f"history: expected a folder, got {path}")
            lock = _lock_folder(path) if writing else None
            try:
                return cls(path, open_index(path), Protections.read(path), lock)
            except BaseException:
                if lock is not None:
                    os.close(lock)
                raise
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(f"history: cannot use {path}: {reason}") from error

    def close(self) -> None:
        """Close the index, and let another process write."""
        self.index.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read_table(self, name: str) -> tuple[Segment, FrameTable]:
        """Read a segment from the beginning to the last complete frame.

        Raises:
            Damaged: the file has no frame.
            OSError: the file cannot be read.
        """
        with (self.path / name).open("rb") as file:
            if os.fstat(file.fileno()).st_size <= len(OPENING):
                raise Damaged(f"{name} has no frame")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                table, epoch = FrameTable(), 0
                for record in scan(data):  # type: ignore[arg-type] # a mapping has the methods of bytes
                    if not table.fits(record.sequence, record.received_at):
                        break
                    epoch = record.epoch
                    table.append(record.sequence, record.received_at, record.offset, record.size)
        if not table:
            raise Damaged(f"{name} has no frame")
        return Segment.of(name, camera_of(name), epoch, table), table

    def adopt(
        self, *, everything: bool = False, report: Callable[[int, str], None] = lambda _count, _name: None
    ) -> list[str]:
        """Add segments that the index does not know, and forget those that are gone.

        A segment that is shorter than the index says is read again: it was cut off, or replaced just before a crash.

        Args:
            everything: whether to read also the segments that the index knows.
            report: called before each file that is read, with the number of files read before it and its name.

        Returns:
            Sentences about files that could not be read; they are left as they are.
        """
        for unfinished in list(find_unfinished(self.path)):
            unfinished.unlink()
        known, found, troubles = self.index.sizes(), set[str](), []
        for name in find_segments(self.path):
            found.add(name)
            if name in known and not everything and (self.path / name).stat().st_size >= known[name]:
                continue
            report(len(found) - 1, name)
            try:
                segment, table = self.read_table(name)
            except (Damaged, OSError) as error:
                troubles.append(str(error))
                found.discard(name)
            else:
                self.enter(segment, table)
        self.index.remove(known.keys() - found)
        return troubles + self._adopt_events(everything=everything)

    def _adopt_events(self, *, everything: bool) -> list[str]:
        """Read the files of events that the index does not know, or not as they are; forget those that are gone."""
        known, found, troubles = self.index.events.files(), set[str](), []
        for name in find_event_files(self.path):
            found.add(name)
            try:
                if everything or (self.path / name).stat().st_size != known.get(name):
                    with (self.path / name).open("rb") as file:
                        self.index.events.replace_file(name, file.read(2 * MOST_BYTES))
            except OSError as error:
                troubles.append(f"{name}: {error}")
        for name in known.keys() - found:
            self.index.events.forget_file(name)
        return troubles

    def enter(self, segment: Segment, table: FrameTable) -> None:
        """Enter a segment into the index, or replace what is known of it."""
        with self._changes:
            protected = bool(self.protections.of(segment.camera_id, segment.started_at, segment.ended_at))
            self.index.put(evolve(segment, protected=protected), table)

    def protect(self, camera_id: str, begin: float, end: float) -> int:
        """Keep all segments with frames between two moments; return how many segments of the camera are kept.

        Raises:
            ProtocolViolation: with code ``bad-request``: the camera has no room for another range.
            OSError: the disk does not keep this.
        """
        with self._changes:
            self.protections.add(camera_id, begin, end)
            return self.index.protect(camera_id, self.protections.of(camera_id))

    def unprotect(self, camera_id: str, begin: float = 0.0, end: float = math.inf) -> int:
        """Let segments between two moments become old again; return how many segments of the camera are kept.

        Raises:
            ProtocolViolation: with code ``bad-request``: the camera has no room for the two ranges that one becomes.
            OSError: the disk does not keep this.
        """
        with self._changes:
            self.protections.remove(camera_id, begin, end)
            self.index.forget_intervals(camera_id, begin, end)
            return self.index.protect(camera_id, self.protections.of(camera_id))

    def delete(self, segments: list[Segment]) -> None:
        """Delete segments, and the events of days that have no segments any more.

        The index forgets them first, so that nobody is shown a file that is gone.

        Raises:
            OSError: a file cannot be deleted; all others are.
        """
        failure: OSError | None = None
        with self._changes:
            self.index.remove(segment.name for segment in segments)
            for segment in segments:
                try:
                    (self.path / segment.name).unlink(missing_ok=True)
                except OSError as error:
                    failure = failure or error
                remove_empty_folders(self.path, segment.name)
            for day in {segment.name.rpartition("/")[0] for segment in segments}:
                if not self._has_segments(day):
                    self._delete_events(f"{day}/{EVENTS}")
        if failure is not None:
            raise failure

    def delete_old_events(self, before: float) -> None:
        """Delete the events of days that ended before a moment and have no segments: nothing else deletes them.

        Args:
            before: in seconds since the epoch.

        Raises:
            OSError: a file cannot be deleted.
        """
        for name in self.index.events.files():
            if day_of(name)[1] < before and not self._has_segments(name.rpartition("/")[0]):
                self._delete_events(name)

    def _has_segments(self, day: str) -> bool:
        # The index does not know those that are being written.
        return any((self.path / day).glob(f"*{SUFFIX}"))

    def _delete_events(self, name: str) -> None:
        self.index.events.forget_file(name)
        (self.path / name).unlink(missing_ok=True)
        remove_empty_folders(self.path, name)

    def replace(self, new: Path, segment: Segment, table: FrameTable) -> bool:
        """Let a file take the place of a segment, unless the segment was deleted meanwhile.

        Args:
            new: path of the file, which the disk has.
            segment: what the file has.
            table: places of the frames in the file.

        Raises:
            OSError: the file cannot take the place.
        """
        path = self.path / segment.name
        with self._changes:
            if not self.index.knows(segment.name):
                new.unlink()
                return False
            new.replace(path)
            sync_folder(path.parent)
            protected = bool(self.protections.of(segment.camera_id, segment.started_at, segment.ended_at))
            self.index.put(evolve(segment, protected=protected), table)
            return True

    def free_bytes(self) -> int:
        """Return the bytes that this process may still write to the volume."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize


def _lock_folder(path: Path) -> int:
    descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        sentence = f"history: a server records in {path}; stop it, or name another folder"
        raise ConfigurationError(sentence) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
