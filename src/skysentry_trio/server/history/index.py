"""The index of a history: an SQLite database with one row for each segment.

The index is a cache. Everything in it can be read from the segments again, which takes longer.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

from attrs import define, field, frozen

from skysentry_trio.server.history.event_table import SCHEMA as EVENTS_SCHEMA
from skysentry_trio.server.history.event_table import EventTable
from skysentry_trio.server.history.frame_table import FrameTable

FILE_NAME: Final = "@index.sqlite3"
"""In the folder of the recordings; no camera can have this name, nor those that SQLite makes of it."""
_VERSION: Final = 2
_BUSY: Final = 5.0
"""Seconds to wait for another process that uses the database: a command beside the server."""
_LONGEST: Final = 60.0
"""Seconds that a segment lasts; one that somebody else has made may be longer."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS segments (
    name TEXT PRIMARY KEY,
    camera TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL NOT NULL,
    frames INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    protected INTEGER NOT NULL DEFAULT 0,
    interval REAL NOT NULL DEFAULT 0,
    frame_table BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS in_order ON segments (camera, epoch, first_sequence);
CREATE INDEX IF NOT EXISTS by_time ON segments (camera, started_at, ended_at, frames, bytes, protected, interval);
CREATE INDEX IF NOT EXISTS by_end ON segments (ended_at, protected);
CREATE INDEX IF NOT EXISTS by_interval ON segments (interval, ended_at);
"""
_COLUMNS: Final = (
    "name, camera, epoch, first_sequence, last_sequence, started_at, ended_at, frames, bytes, interval, protected"
)


@frozen
class Segment:
    """What the index knows about one segment, besides the places of its frames."""

    name: str
    """Path below the folder of the history."""
    camera_id: str
    epoch: int
    first_sequence: int
    last_sequence: int
    started_at: float
    """When its first frame arrived: seconds since the epoch."""
    ended_at: float
    """When its last frame arrived."""
    frames: int
    nbytes: int
    interval: float = 0.0
    """Seconds from frame to frame to which ageing has thinned it out; 0 if it is as it was recorded."""
    protected: bool = False
    """Whether it is kept, however old it is."""

    @classmethod
    def of(cls, name: str, camera_id: str, epoch: int, table: FrameTable) -> Segment:
        """Return the description of a segment with at least one frame."""
        first, last = table.place(0), table.place(len(table) - 1)
        return cls(
            name,
            camera_id,
            epoch,
            first.sequence,
            last.sequence,
            first.received_at,
            last.received_at,
            len(table),
            table.end,
        )


@frozen
class Usage:
    """What one camera has on disk."""

    camera_id: str
    segments: int
    frames: int
    nbytes: int
    oldest_at: float
    newest_at: float
    protected_bytes: int = 0
    ends_first: float | None = None
    """When the oldest of the segments that may be deleted ends; None if none may be deleted."""

    def plus(self, other: Usage) -> Usage:
        """Return the sum with other recordings of the same camera."""
        return Usage(
            self.camera_id,
            self.segments + other.segments,
            self.frames + other.frames,
            self.nbytes + other.nbytes,
            min(self.oldest_at, other.oldest_at),
            max(self.newest_at, other.newest_at),
            self.protected_bytes + other.protected_bytes,
            self.ends_first if other.ends_first is None else min(other.ends_first, self.ends_first or math.inf),
        )


class Tally(NamedTuple):
    """How much was recorded in one of the parts, of equal length, into which a time is divided."""

    number: int
    """Number of the part, counted from 0."""
    frames: int
    nbytes: int
    interval: float
    """The longest `Segment.interval` of these segments."""


@define(eq=False)
class HistoryIndex:
    """An open index; any thread may use it.

    Raises:
        sqlite3.Error: the database cannot be used; ``open_index`` replaces a damaged one.
    """

    _connection: sqlite3.Connection
    events: EventTable = field(init=False, repr=False)
    """What happened at the cameras."""
    _lock: Lock = field(factory=Lock, init=False, repr=False)
    _longest: float = field(default=_LONGEST, init=False)
    """Seconds that no segment is longer than."""

    def __attrs_post_init__(self) -> None:
        self.events = EventTable(self._all, self._changing)
        ((longest,),) = self._all("SELECT MAX(ended_at - started_at) FROM segments")
        self._longest = max(_LONGEST, longest or 0.0)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    def put(self, segment: Segment, table: FrameTable) -> None:
        """Add a segment, or replace what is known of it."""
        self._longest = max(self._longest, segment.ended_at - segment.started_at)
        with self._changing() as connection:
            connection.execute(
                f"INSERT OR REPLACE INTO segments ({_COLUMNS}, frame_table) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608
                (
                    segment.name,
                    segment.camera_id,
                    segment.epoch,
                    segment.first_sequence,
                    segment.last_sequence,
                    segment.started_at,
                    segment.ended_at,
                    segment.frames,
                    segment.nbytes,
                    segment.interval,
                    segment.protected,
                    table.encode(),
                ),
            )

    def remove(self, names: Iterable[str]) -> None:
        """Forget segments."""
        with self._changing() as connection:
            connection.executemany("DELETE FROM segments WHERE name = ?", [(name,) for name in names])

    def protect(self, camera_id: str, ranges: Iterable[tuple[float, float]]) -> int:
        """Keep those segments of a camera that have frames in a range, and no others; return how many there are."""
        with self._changing() as connection:
            connection.execute("UPDATE segments SET protected = 0 WHERE camera = ? AND protected", (camera_id,))
            connection.executemany(
                "UPDATE segments SET protected = 1 WHERE camera = ? AND started_at <= ? AND ended_at >= ?",
                [(camera_id, end, begin) for begin, end in ranges],
            )
            (count,) = connection.execute(
                "SELECT COUNT(*) FROM segments WHERE camera = ? AND protected", (camera_id,)
            ).fetchone()
            return int(count)

    def set_interval(self, name: str, interval: float) -> None:
        """Note how far apart the frames of a segment are, see `Segment.interval`."""
        with self._changing() as connection:
            connection.execute("UPDATE segments SET interval = ? WHERE name = ?", (interval, name))

    def forget_intervals(self, camera_id: str, begin: float, end: float) -> None:
        """Let ageing look again at the segments of a camera with frames between two moments."""
        with self._changing() as connection:
            connection.execute(
                "UPDATE segments SET interval = 0 WHERE camera = ? AND started_at <= ? AND ended_at >= ?",
                (camera_id, end, begin),
            )

    def oldest_unthinned(self, before: float, interval: float) -> Segment | None:
        """Return the oldest segment that ended before a moment and is not thinned out to an interval, or None."""
        rows = [
            row
            for done in self._intervals(interval)
            for row in self._all(
                f"SELECT {_COLUMNS} FROM segments WHERE interval = ? AND ended_at < ? ORDER BY ended_at LIMIT 1",  # noqa: S608
                done,
                before,
            )
        ]
        return min(map(_segment, rows), key=lambda segment: segment.ended_at, default=None)

    def count_unthinned(self, before: float, interval: float) -> int:
        """Return how many segments ended before a moment and are not thinned out to an interval."""
        return sum(
            count
            for done in self._intervals(interval)
            for (count,) in self._all("SELECT COUNT(*) FROM segments WHERE interval = ? AND ended_at < ?", done, before)
        )

    def _intervals(self, below: float) -> Iterator[float]:
        """Yield the intervals of all segments; each is one step in the database's index, not one for each segment."""
        interval = -1.0
        while True:
            ((following,),) = self._all("SELECT MIN(interval) FROM segments WHERE interval > ?", interval)
            if following is None or following >= below:
                return
            yield (interval := following)

    def knows(self, name: str) -> bool:
        """Return whether a segment is in the index."""
        return bool(self._all("SELECT 1 FROM segments WHERE name = ?", name))

    def names(self) -> set[str]:
        """Return the names of all segments."""
        return set(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Return the bytes of each segment up to the end of its last frame, by name."""
        return dict(self._all("SELECT name, bytes FROM segments"))

    def last_epochs(self) -> dict[str, int]:
        """Return the highest epoch of each camera."""
        return dict(self._all("SELECT camera, MAX(epoch) FROM segments GROUP BY camera"))

    def segments(self, camera_id: str, begin: float = 0.0, end: float = float("inf")) -> list[Segment]:
        """Return the segments of a camera with frames between two moments, in the order of epochs and sequences."""
        # Without the first limit, all segments from before would be looked at.
        rows = self._all(
            f"SELECT {_COLUMNS} FROM segments INDEXED BY by_time"  # noqa: S608
            " WHERE camera = ? AND started_at BETWEEN ? AND ? AND ended_at >= ? ORDER BY epoch, first_sequence",
            camera_id,
            begin - self._longest,
            end,
            begin,
        )
        return [_segment(row) for row in rows]

    def oldest(self, count: int, *, camera_id: str | None = None) -> list[Segment]:
        """Return the segments that may be deleted and whose last frames are the oldest, at most ``count``."""
        where, values = ("", ()) if camera_id is None else ("AND camera = ?", (camera_id,))
        rows = self._all(
            f"SELECT {_COLUMNS} FROM segments WHERE NOT protected {where} ORDER BY ended_at LIMIT ?",  # noqa: S608
            *values,
            count,
        )
        return [_segment(row) for row in rows]

    def first(self, camera_id: str) -> Segment | None:
        """Return the first segment of a camera; None if there is none."""
        rows = self._all(
            f"SELECT {_COLUMNS} FROM segments WHERE camera = ? ORDER BY epoch, first_sequence LIMIT 1",  # noqa: S608
            camera_id,
        )
        return _segment(rows[0]) if rows else None

    def last(self, camera_id: str) -> Segment | None:
        """Return the segment of a camera that began last; None if there is none."""
        rows = self._all(
            f"SELECT {_COLUMNS} FROM segments WHERE camera = ? ORDER BY started_at DESC LIMIT 1",  # noqa: S608
            camera_id,
        )
        return _segment(rows[0]) if rows else None

    def neighbour(self, segment: Segment, *, forwards: bool) -> Segment | None:
        """Return the segment after or before another one of the same camera; None if there is none."""
        comparison, order = (">", "ASC") if forwards else ("<", "DESC")
        rows = self._all(
            f"SELECT {_COLUMNS} FROM segments"  # noqa: S608
            f" WHERE camera = ? AND (epoch, first_sequence) {comparison} (?, ?)"
            f" ORDER BY epoch {order}, first_sequence {order} LIMIT 1",
            segment.camera_id,
            segment.epoch,
            segment.first_sequence,
        )
        return _segment(rows[0]) if rows else None

    def table(self, name: str) -> FrameTable:
        """Return the places of the frames of a segment; an empty table if the index does not know the segment."""
        rows = self._all("SELECT frame_table FROM segments WHERE name = ?", name)
        return FrameTable.decode(rows[0][0]) if rows else FrameTable()

    def usage(self) -> list[Usage]:
        """Return what each camera has on disk, in the order of the ids."""
        rows = self._all(
            "SELECT camera, COUNT(*), SUM(frames), SUM(bytes), MIN(started_at), MAX(ended_at),"
            " SUM(bytes * protected), MIN(CASE WHEN protected THEN NULL ELSE ended_at END)"
            " FROM segments GROUP BY camera ORDER BY camera"
        )
        return [Usage(*row) for row in rows]

    def growth(self, since: float) -> dict[str, int]:
        """Return the bytes of each camera's segments that ended after a moment."""
        return dict(self._all("SELECT camera, SUM(bytes) FROM segments WHERE ended_at > ? GROUP BY camera", since))

    def tallies(self, camera_id: str, begin: float, end: float, width: float, since: float = 0.0) -> list[Tally]:
        """Return what a camera's segments have in parts of equal length; a segment belongs to the part it begins in.

        Args:
            camera_id: id of the camera.
            begin: when the first part begins, in seconds since the epoch.
            end: when the last part ends.
            width: seconds of a part.
            since: segments that begin before this moment are left out.

        Returns:
            A tally for each part that is not empty, in order.
        """
        rows = self._all(
            "SELECT CAST((started_at - ?) / ? AS INTEGER), SUM(frames), SUM(bytes), MAX(interval) FROM segments"
            " WHERE camera = ? AND started_at >= ? AND started_at < ? GROUP BY 1 ORDER BY 1",
            begin,
            width,
            camera_id,
            max(begin, since),
            end,
        )
        return [Tally(*row) for row in rows]

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock, closing(self._connection.execute(query, values)) as cursor:
            return cursor.fetchall()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._connection:
            yield self._connection


def open_index(folder: Path) -> HistoryIndex:
    """Open the index in a folder; make an empty one if there is none, or if it is damaged or of another version.

    Raises:
        sqlite3.Error: no database can be made there.
    """
    path = folder / FILE_NAME
    try:
        return HistoryIndex(_open(path))
    except sqlite3.DatabaseError as error:
        if not path.exists() or isinstance(error, sqlite3.OperationalError):
            raise
        path.rename(path.with_suffix(".damaged"))
        return HistoryIndex(_open(path))


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in {0, _VERSION}:
        raise sqlite3.DatabaseError(f"the index has version {version}, expected {_VERSION}")
    # With a write-ahead log, a power cut may lose the last rows, which are then read from the segments again.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(_SCHEMA + EVENTS_SCHEMA)
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _segment(row: tuple[Any, ...]) -> Segment:
    *values, protected = row
    segment: Segment = Segment(*values, bool(protected))  # type: ignore[call-arg] # as many as the table has columns
    return segment
