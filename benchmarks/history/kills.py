"""Kill a recording server at random moments, and look for everything that should be on disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cameras import CamerasPlan, run_cameras
from benchmarks.history.figures import Figure
from benchmarks.load import Schedule, workers
from benchmarks.server import running
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.index import FILE_NAME
from skysentry_trio.server.history.layout import find_segments
from skysentry_trio.server.history.reader import HistoryReader

CAMERAS, FPS, SIZE = 4, 15.0, 20_000
_ALL = ("--history-fps", "0", "--history-min-free", "0B")
_ROWS = (
    "SELECT name, camera, epoch, first_sequence, last_sequence, started_at, ended_at, frames, bytes, protected,"
    " frame_table FROM segments ORDER BY name"
)


def measure_kills(folder: Path, kills: int = 10, longest: float = 8.0) -> Iterator[Figure]:
    """Kill a server that records four cameras, several times, and compare files, index and other programs.

    Args:
        folder: an empty folder.
        kills: number of kills.
        longest: seconds after which the server is killed at the latest.
    """
    chance, lost = random.Random(), list[float]()  # noqa: S311 - no secret
    for _ in range(kills):
        killed_at = _record_and_kill(folder, chance.uniform(1.5, longest))
        lost += [killed_at - newest for newest in _newest(folder)]
    files = list(find_segments(folder))
    yield Figure(f"frames lost by a kill, the most of {kills} kills and {CAMERAS} cameras", max(lost), "s", 1.0)
    yield Figure("files that FFmpeg reads otherwise than we do", _read_otherwise(folder, files), "", 0)
    yield Figure("exit status of history verify", _run("verify", folder), "", 0)
    before = _rows(folder)
    for path in folder.glob(f"{FILE_NAME}*"):
        path.unlink()
    _run("rebuild", folder)
    yield Figure("rows of an index that is made again which differ", len(before ^ _rows(folder)), "", 0)


def _record_and_kill(folder: Path, seconds: float) -> float:
    """Let a server record, and kill it; return when."""
    serve = ("-m", "skysentry_trio", "serve", "--port", "0", "--log-level", "info", "--history", str(folder), *_ALL)
    processors = frozenset(os.sched_getaffinity(0))
    try:
        with running(serve, processors) as server:
            cameras = CamerasPlan(server.port, CAMERAS, FPS, SIZE)
            with workers([("cameras", run_cameras, cameras)], processors) as (worker,):
                worker.ready()
                start = time.monotonic()
                worker.start(Schedule(start, ((start, start + 3600),)))
                time.sleep(seconds)
                killed_at = time.time()
                os.kill(server.pid, signal.SIGKILL)
    except RuntimeError:
        # It has ended; that was the purpose.
        pass
    return killed_at


def _newest(folder: Path) -> list[float]:
    """Return when the newest recorded frame of each camera arrived, as the next server finds it."""
    opened = HistoryFolder.open(folder, writing=True)
    try:
        troubles = opened.adopt()
        if troubles:
            raise RuntimeError(f"files cannot be read: {troubles}")
        return [usage.newest_at for usage in HistoryReader(opened).usage()]
    finally:
        opened.close()


def _read_otherwise(folder: Path, files: list[str]) -> int:
    """Return the number of files in which ffprobe finds another number of frames; 0 without ffprobe."""
    if shutil.which("ffprobe") is None:
        sys.stderr.write("ffprobe is not installed, so no file is read by another program\n")
        return 0
    opened, wrong = HistoryFolder.open(folder, writing=False), 0
    for name in files:
        segment, _ = opened.read_table(name)
        probe = [
            "ffprobe",
            "-v",
            "quiet",
            "-count_packets",
            "-show_entries",
            "stream=nb_read_packets",
            "-of",
            "csv=p=0",
        ]
        found = subprocess.run(  # noqa: S603
            [*probe, "-f", "mpjpeg", str(folder / name)], capture_output=True, text=True, check=False
        )
        # After a kill, FFmpeg also counts a frame that is cut off at the end.
        packets = int(found.stdout.strip().strip(",") or 0)
        wrong += packets not in {segment.frames, segment.frames + 1}
    opened.close()
    return wrong


def _rows(folder: Path) -> set[tuple[object, ...]]:
    with sqlite3.connect(folder / FILE_NAME) as connection:
        return set(connection.execute(_ROWS))


def _run(command: str, folder: Path) -> int:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "skysentry_trio", "history", command, "--history", str(folder)],
        capture_output=True,
        check=False,
    )
    return done.returncode
