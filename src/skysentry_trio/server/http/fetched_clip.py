"""Frames of a camera of another server: a clip of that server, which was fetched into a file."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.recorded_part import RecordedPart


@frozen
class FetchedClip:
    """Reads the archive that `ZipClip` writes. These functions wait for the disk, so call them in a thread."""

    path: Path | None
    """None if that server has no frames of the camera."""

    def part(self, _camera_id: str, _begin: float, _end: float) -> RecordedPart | None:
        """Return the frames of the clip; None if there are none. The camera and the moments were those of the clip."""
        if self.path is None:
            return None
        with zipfile.ZipFile(self.path) as archive:
            rows = _read_index(archive)
            return RecordedPart(_read(archive, rows[0]), _read(archive, rows[-1]), _read_all(self.path, rows))


def _read_all(path: Path, rows: list[dict[str, str]]) -> Iterator[JpegFrame]:
    with zipfile.ZipFile(path) as archive:
        for row in rows:
            yield _read(archive, row)


def _read_index(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    (name,) = [name for name in archive.namelist() if name.endswith("/index.csv")]
    folder = name.removesuffix("index.csv")
    rows = list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))
    return [row | {"file": folder + row["file"]} for row in rows]


def _read(archive: zipfile.ZipFile, row: dict[str, str]) -> JpegFrame:
    received_at = float(row["received_at"])
    return JpegFrame(
        int(row["sequence"]),
        received_at,
        float(row["captured_at"]) if row["captured_at"] else None,
        archive.read(row["file"]),
        int(row["width"]),
        int(row["height"]),
        received_at,
    )
