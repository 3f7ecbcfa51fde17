"""Where the segments of a history are on disk: ``CAMERA/2026/11/29/07-41-00.mpjpeg``, all times in UTC."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from skysentry_trio.server.history.segment import SUFFIX

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}/\d{4}/\d{2}/\d{2}/\d{2}-\d{2}-\d{2}(?:_\d{1,4})?" + re.escape(SUFFIX))
_MOST_OF_A_SECOND: Final = 10_000
THINNED: Final = ".thinned"
"""After the name of a segment: the file that is going to replace it."""


def is_segment_name(name: str) -> bool:
    """Return whether a path below the folder of the history has the form of a segment's; other files are not ours."""
    return _NAME.fullmatch(name) is not None


def camera_of(name: str) -> str:
    """Return the id of the camera whose frames a segment has, by the segment's name."""
    return name.partition("/")[0]


def segment_names(camera_id: str, started_at: float) -> Iterator[str]:
    """Yield names for a segment; the first one that does not exist yet is to be taken.

    Args:
        camera_id: id of the camera.
        started_at: when the first frame of the segment arrived: seconds since the epoch.
    """
    stem = f"{camera_id}/{datetime.fromtimestamp(started_at, UTC):%Y/%m/%d/%H-%M-%S}"
    yield stem + SUFFIX
    # A segment of the same second exists if the server was started again, or if the clock was set back.
    for number in range(2, _MOST_OF_A_SECOND):
        yield f"{stem}_{number}{SUFFIX}"


def find_segments(folder: Path) -> Iterator[str]:
    """Yield the names of all segments in a folder, in the order of cameras and times."""
    for camera in sorted(camera_folders(folder)):
        for path in sorted(camera.glob(f"????/??/??/??-??-??*{SUFFIX}")):
            name = path.relative_to(folder).as_posix()
            if is_segment_name(name) and path.is_file() and not path.is_symlink():
                yield name


def find_unfinished(folder: Path) -> Iterator[Path]:
    """Yield the files that were to replace a segment when the server was killed."""
    for camera in camera_folders(folder):
        for path in camera.glob(f"????/??/??/??-??-??*{SUFFIX}{THINNED}"):
            if is_segment_name(path.relative_to(folder).as_posix().removesuffix(THINNED)) and path.is_file():
                yield path


def remove_empty_folders(folder: Path, name: str) -> None:
    """Remove the folders of a day, month and year that the deletion of a segment has left empty."""
    for parent in list((folder / name).parents)[:4]:
        if parent == folder:
            return
        try:
            parent.rmdir()
        except OSError:
            return


def camera_folders(folder: Path) -> Iterator[Path]:
    """Yield the folders of cameras."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            yield entry


def sync_folder(path: Path) -> None:
    """Wait until the disk has the names of a folder.

    Raises:
        OSError: the disk does not have them.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
