"""The ranges of time whose recordings are kept: one file for each camera, ``CAMERA/protected.json``.

The file is beside the recordings, so that the index can be made again from what is on disk.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from attrs import define, field

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.state_folder import write_private_file
from skysentry_trio.server.history.layout import camera_folders, sync_folder

FILE_NAME: Final = "protected.json"
MOST_RANGES: Final = 1000
"""Number of ranges of one camera."""


class Range(NamedTuple):
    """A time from one moment to another, both included."""

    begin: float
    """Seconds since the epoch."""
    end: float


def merge(ranges: Iterable[tuple[float, float]]) -> list[Range]:
    """Return the same times as ranges that do not touch each other, in order."""
    merged = list[Range]()
    for begin, end in sorted(ranges):
        if merged and begin <= merged[-1].end:
            merged[-1] = Range(merged[-1].begin, max(merged[-1].end, end))
        else:
            merged.append(Range(begin, end))
    return merged


def cut(ranges: Iterable[Range], begin: float, end: float) -> list[Range]:
    """Return the ranges without the time between two moments."""
    left = list[Range]()
    for one in ranges:
        if one.end < begin or one.begin > end:
            left.append(one)
            continue
        if one.begin < begin:
            left.append(Range(one.begin, begin))
        if one.end > end:
            left.append(Range(end, one.end))
    return left


@define(eq=False)
class Protections:
    """The protected ranges of all cameras."""

    _folder: Path
    _ranges: dict[str, list[Range]] = field(factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Protections:
        """Read the ranges in the folder of a history.

        Raises:
            ConfigurationError: a file is damaged. What it protected must not be deleted, so it is not ignored.
            OSError: a file cannot be read.
        """
        found = dict[str, list[Range]]()
        for camera in camera_folders(folder):
            path = camera / FILE_NAME
            if path.is_file():
                try:
                    found[camera.name] = _decode(path.read_bytes())
                except (ValueError, KeyError, TypeError) as error:
                    raise ConfigurationError(
                        f"history: {path} is damaged: expected protected ranges, got {error}; mend it or remove it"
                    ) from error
        return cls(folder, found)

    def of(self, camera_id: str, begin: float = 0.0, end: float = math.inf) -> list[Range]:
        """Return the ranges of a camera that touch the time between two moments, in order."""
        return [one for one in self._ranges.get(camera_id, ()) if one.begin <= end and one.end >= begin]

    def add(self, camera_id: str, begin: float, end: float) -> None:
        """Protect a range.

        Raises:
            ProtocolViolation: with code ``bad-request``: the camera has no room for another range.
            OSError: the file cannot be written.
        """
        ranges = merge([*self._ranges.get(camera_id, ()), Range(begin, end)])
        if len(ranges) > MOST_RANGES:
            raise _too_many_ranges(camera_id)
        self._write(camera_id, ranges)

    def remove(self, camera_id: str, begin: float, end: float) -> None:
        """Protect a range no more.

        Raises:
            ProtocolViolation: with code ``bad-request``: the camera has no room for the two ranges that one becomes.
            OSError: the file cannot be written.
        """
        ranges = cut(self._ranges.get(camera_id, ()), begin, end)
        if len(ranges) > MOST_RANGES:
            raise _too_many_ranges(camera_id)
        self._write(camera_id, ranges)

    def _write(self, camera_id: str, ranges: list[Range]) -> None:
        if ranges == self._ranges.get(camera_id, []):
            return
        path = self._folder / camera_id / FILE_NAME
        if ranges:
            path.parent.mkdir(exist_ok=True)
            write_private_file(path, _encode(camera_id, ranges))
        else:
            path.unlink(missing_ok=True)
        sync_folder(path.parent)
        self._ranges[camera_id] = ranges


def _encode(camera_id: str, ranges: list[Range]) -> bytes:
    described = [{"begin": _show(one.begin), "end": _show(one.end)} for one in ranges]
    return json.dumps({"camera": camera_id, "protected": described}, indent=1).encode() + b"\n"


def _decode(content: bytes) -> list[Range]:
    described: Any = json.loads(content)
    return merge((_read(one["begin"]), _read(one["end"])) for one in described["protected"])


def _show(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def _read(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {text[:40]!r}")
    return moment.timestamp()


def _too_many_ranges(camera_id: str) -> ProtocolViolation:
    return ProtocolViolation(
        f"camera {camera_id} has {MOST_RANGES} protected ranges, which is the limit", "bad-request"
    )
