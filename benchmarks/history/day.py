"""Make a day of recordings of four cameras, and measure how fast moments are found in it."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
from websockets.sync.client import ClientConnection, connect

from benchmarks.history.figures import Figure, percentile
from benchmarks.picture import make_jpeg
from benchmarks.server import running
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.frame_table import FrameTable
from skysentry_trio.server.history.index import FILE_NAME, Segment
from skysentry_trio.server.history.reader import HistoryReader
from skysentry_trio.server.history.segment import OPENING, encode_record

CAMERAS, FPS, SIZE, DAY = 4, 15, 400, 86400
_MINUTE = 60
_PATIENCE = 30.0


def measure_day(folder: Path, seconds: int = DAY, seeks: int = 200) -> Iterator[Figure]:
    """Make recordings that end a minute ago, and search in them.

    Args:
        folder: an empty folder.
        seconds: how long the recordings are; they are compared with the first hour of them, or with a sixth.
        seeks: number of random moments that are looked for.
    """
    end = time.time() - _MINUTE
    part = min(3600, seconds // 6)
    make_recordings(folder / "whole", end - seconds, seconds)
    make_recordings(folder / "part", end - seconds, part)
    short, long = _query_times({folder / "part": part, folder / "whole": seconds}, end - seconds, seeks)
    frames = CAMERAS * FPS * seconds
    size = sum(path.stat().st_size for path in (folder / "whole").glob(f"{FILE_NAME}*"))
    yield Figure("bytes of the index for each frame", size / frames, "B", 16)
    slower = percentile(long, 0.5) / percentile(short, 0.5)
    yield Figure(f"query of the index in {seconds / 3600:g} h, to that in {part / 3600:g} h", slower, "times", 1.3)
    searched = _coverage_times(folder / "whole", end - seconds, seconds)
    yield Figure(
        "CPU time to count the frames in 400 parts of all this, p95", 1000 * percentile(searched, 0.95), "ms", 150
    )
    times = _seek_times(folder / "whole", end - seconds, seconds, seeks)
    yield Figure("p95 from a seek to its first frame", 1000 * percentile(times, 0.95), "ms", 150)


def make_recordings(folder: Path, start: float, seconds: int) -> None:
    """Write files and index as a server does, only faster."""
    history, chance = HistoryFolder.open(folder, writing=True), random.Random(4)  # noqa: S311 - the same in each run
    # Sizes and distances vary, as those of a camera do: the index keeps the differences.
    jpegs = [make_jpeg(SIZE + 8 * number) for number in range(16)]
    for number in range(CAMERAS):
        camera_id = f"camera-{number}"
        for minute in range(seconds // _MINUTE):
            begin, sequence = start + minute * _MINUTE, minute * _MINUTE * FPS
            table, pieces = FrameTable(end=len(OPENING)), [OPENING]
            for count in range(_MINUTE * FPS):
                moment = begin + (count + chance.uniform(0, 0.3)) / FPS
                frame = JpegFrame(sequence + count + 1, moment, None, chance.choice(jpegs), 8, 8, moment)
                record = encode_record(frame, 1)
                table.append(frame.sequence, moment, table.end, sum(map(len, record)))
                pieces += record
            name = f"{camera_id}/{datetime.fromtimestamp(begin, UTC):%Y/%m/%d/%H-%M-%S}.mpjpeg"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"".join(pieces))
            history.enter(Segment.of(name, camera_id, 1, table), table)
        sys.stderr.write(f"{camera_id}: {seconds / 3600:g} h are made\n")
    history.close()


def _moments(start: float, seconds: int, count: int) -> Iterator[tuple[str, float]]:
    chance = random.Random(5)  # noqa: S311 - the same in each run
    for _ in range(count):
        yield f"camera-{chance.randrange(CAMERAS)}", start + chance.uniform(1, seconds - 1)


def _query_times(folders: dict[Path, int], start: float, count: int) -> list[list[float]]:
    """Return how much CPU time the index takes to find the places of frames, in seconds, for each folder in turn.

    Args:
        folders: folders of recordings, with their lengths in seconds.
        start: when the recordings begin.
        count: number of moments.
    """
    opened = [HistoryFolder.open(folder, writing=False) for folder in folders]
    times: list[list[float]] = [[] for _ in opened]
    searches = zip(*(_moments(start, seconds, count) for seconds in folders.values()), strict=True)
    for moments in searches:
        for history, (camera_id, moment), measured in zip(opened, moments, times, strict=True):
            before = time.thread_time()
            if HistoryReader(history).find_last_until(camera_id, moment) is None:
                raise RuntimeError(f"no frame of {camera_id} was found at {moment}")
            measured.append(time.thread_time() - before)
    for history in opened:
        history.close()
    return times


def _coverage_times(folder: Path, start: float, seconds: int) -> list[float]:
    """Return how much CPU time it takes to count the frames in 400 parts of everything, in seconds."""
    history = HistoryFolder.open(folder, writing=False)
    reader, times = HistoryReader(history), []
    for number in range(5 * CAMERAS):
        before = time.thread_time()
        reader.coverage(f"camera-{number % CAMERAS}", start, start + seconds, 400)
        times.append(time.thread_time() - before)
    history.close()
    return times


def _seek_times(folder: Path, start: float, seconds: int, count: int) -> list[float]:
    """Return how long a viewer waits for the frame of a random moment, in seconds."""
    flags = ("--history", str(folder), "--history-fps", "1", "--history-min-free", "0B", "--client-timeout", "1h")
    serve = ("-m", "skysentry_trio", "serve", "--port", "0", "--log-level", "info", *flags)
    times = []
    with running(serve, frozenset(os.sched_getaffinity(0))) as server:
        for number in range(CAMERAS):
            answer = httpx.post(
                f"http://127.0.0.1:{server.port}/api/clients/camera-{number}/frames",
                content=make_jpeg(SIZE),
                headers={"Content-Type": "image/jpeg"},
                timeout=_PATIENCE,
            )
            answer.raise_for_status()
        with connect(f"ws://127.0.0.1:{server.port}/stream/ws", max_size=None) as viewer:
            for camera_id, moment in _moments(start, seconds, count):
                # Seeks are limited to twenty a second.
                time.sleep(0.05)
                before = time.perf_counter()
                seek = {"type": "seek", "clientId": camera_id, "at": moment * 1000, "speed": 0}
                viewer.send(json.dumps(seek))
                _wait_for(viewer, lambda one, camera_id=camera_id, moment=moment: _is_frame(one, camera_id, moment))  # type: ignore[misc]
                times.append(time.perf_counter() - before)
    return times


def _wait_for(viewer: ClientConnection, is_it: Callable[[dict[str, object]], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        message = viewer.recv(max(0.0, deadline - time.monotonic()))
        if isinstance(message, bytes):
            header = json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")])
            if is_it(header):
                return


def _is_frame(header: dict[str, object], camera_id: str, moment: float) -> bool:
    """Return whether a frame is the last one of the camera that arrived at a moment or before."""
    arrived = datetime.fromisoformat(str(header["timestamp"])).timestamp()
    return header.get("clientId") == camera_id and -2 / FPS < arrived - moment <= 0.001
