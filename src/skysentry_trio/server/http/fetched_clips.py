"""Frames of a camera of another server: clips of that server, which were fetched into files."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.recorded_part import RecordedPart


@frozen
class FetchedClips:
    """Reads archives that `ZipClip` writes. These functions wait for the disk, so call them in a thread."""

    paths: Sequence[Path]
    """One after another; each has at least one frame."""

    def part(self, _camera_id: str, _begin: float, _end: float) -> RecordedPart | None:
        """Return the frames of the clips; None without clips. The camera and the moments were those of the clips."""
        if not self.paths:
            return None
        with zipfile.ZipFile(self.paths[0]) as archive:
            first = _read(archive, _read_index(archive)[0])
        with zipfile.ZipFile(self.paths[-1]) as archive:
            last = _read(archive, _read_index(archive)[-1])
        return RecordedPart(first, last, self._read_all())

    def _read_all(self) -> Iterator[JpegFrame]:
        until = float("-inf")
        for path in self.paths:
            with zipfile.ZipFile(path) as archive:
                # The end of a clip is the beginning of the next one, and a frame of this moment is in both.
                rows = [row for row in _read_index(archive) if float(row["received_at"]) > until]
                for row in rows:
                    yield _read(archive, row)
            if rows:
                until = float(rows[-1]["received_at"])


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
