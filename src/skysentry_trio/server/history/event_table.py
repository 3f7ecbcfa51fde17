"""The table of events in the index of a history, and which files of events it was made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from sqlite3 import Connection
from typing import Any, Final

from attrs import define

from skysentry_trio.server.history.events import EventSource, RecordedEvent, day_of, decode_events
from skysentry_trio.server.history.layout import camera_of
from skysentry_trio.wire.messages import encode_json

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY,
    camera TEXT NOT NULL,
    label TEXT NOT NULL,
    source TEXT NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL,
    data TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_time ON events (camera, started_at);
CREATE INDEX IF NOT EXISTS events_open ON events (ended_at) WHERE ended_at IS NULL;
CREATE TABLE IF NOT EXISTS event_files (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
"""
LONGEST: Final = 86_400.0
"""Seconds that an event may last."""
_COLUMNS: Final = "id, camera, label, source, started_at, ended_at, data"
_PUT: Final = f"INSERT OR REPLACE INTO events ({_COLUMNS}) VALUES (?,?,?,?,?,?,?)"  # noqa: S608


@define(eq=False)
class EventTable:
    """Events by camera and time; any thread may use it."""

    _all: Callable[..., list[Any]]
    """Returns all rows of a query."""
    _changing: Callable[[], AbstractContextManager[Connection]]
    """Returns a context in which the database is changed."""

    def put(self, events: Iterable[RecordedEvent], sizes: dict[str, int]) -> None:
        """Add events, or replace what is known of them.

        Args:
            events: the events.
            sizes: bytes of each file of events that has changed.
        """
        with self._changing() as connection:
            connection.executemany(_PUT, map(_row, events))
            connection.executemany("INSERT OR REPLACE INTO event_files VALUES (?, ?)", sizes.items())

    def replace_file(self, name: str, content: bytes) -> None:
        """Enter all events of a file, instead of what the table has of the day of the file."""
        events = decode_events(camera_of(name), content.splitlines())
        with self._changing() as connection:
            _forget(connection, name)
            connection.executemany(_PUT, [_row(event) for event in events if event.file == name])
            connection.execute("INSERT INTO event_files VALUES (?, ?)", (name, len(content)))

    def forget_file(self, name: str) -> None:
        """Forget a file and its events."""
        with self._changing() as connection:
            _forget(connection, name)

    def files(self) -> dict[str, int]:
        """Return the bytes of each file whose events are known."""
        return dict(self._all("SELECT name, bytes FROM event_files"))

    def cameras(self) -> list[str]:
        """Return the ids of the cameras that have events, in order; each takes one step in the database's index."""
        found, camera_id = list[str](), ""
        while (camera_id := self._all("SELECT MIN(camera) FROM events WHERE camera > ?", camera_id)[0][0]) is not None:
            found.append(camera_id)
        return found

    def find(
        self, camera_id: str, begin: float, end: float, limit: int | None = None, label: str | None = None
    ) -> list[RecordedEvent]:
        """Return the events of a camera that overlap the time between two moments, in the order of their beginnings."""
        rows = self._all(
            f"SELECT {_COLUMNS} FROM events WHERE camera = ? AND started_at BETWEEN ? AND ?"  # noqa: S608
            " AND (ended_at IS NULL OR ended_at >= ?) AND label = COALESCE(?, label) ORDER BY started_at, id LIMIT ?",
            camera_id,
            begin - LONGEST,
            end,
            begin,
            label,
            -1 if limit is None else limit,
        )
        return list(map(_event, rows))

    def get(self, event_id: str) -> RecordedEvent | None:
        """Return an event by its id; None if there is none."""
        rows = self._all(f"SELECT {_COLUMNS} FROM events WHERE id = ?", event_id)  # noqa: S608
        return _event(rows[0]) if rows else None

    def unfinished(self) -> list[RecordedEvent]:
        """Return the events that have no end."""
        return list(map(_event, self._all(f"SELECT {_COLUMNS} FROM events WHERE ended_at IS NULL")))  # noqa: S608


def _forget(connection: Connection, name: str) -> None:
    connection.execute(
        "DELETE FROM events WHERE camera = ? AND started_at >= ? AND started_at < ?", (camera_of(name), *day_of(name))
    )
    connection.execute("DELETE FROM event_files WHERE name = ?", (name,))


def _row(event: RecordedEvent) -> tuple[Any, ...]:
    data = None if event.data is None else encode_json(event.data).decode()
    return event.id, event.camera_id, event.label, event.source, event.started_at, event.ended_at, data


def _event(row: tuple[Any, ...]) -> RecordedEvent:
    event_id, camera_id, label, source, started_at, ended_at, data = row
    data = None if data is None else json.loads(data)
    return RecordedEvent(event_id, camera_id, label, EventSource(source), started_at, ended_at, data)
