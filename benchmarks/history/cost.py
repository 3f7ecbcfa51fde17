"""Compare what recording costs with what relaying costs, and the latency of live frames with and without it."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cameras import CamerasPlan, run_cameras
from benchmarks.history.figures import Figure, percentile
from benchmarks.load import Schedule, workers
from benchmarks.server import running
from benchmarks.viewers import ViewersPlan, run_viewers

CAMERAS, VIEWERS, FPS, SIZE = 10, 10, 15.0, 50_000
_SERVE = ("-m", "skysentry_trio", "serve", "--port", "0", "--log-level", "info", "--ping-interval", "5m")
_WARM_UP = 2.0


def measure_cost(folder: Path, rounds: int = 5, seconds: float = 8.0) -> Iterator[Figure]:
    """Measure the four combinations of viewers and recording, one after the other, in each round.

    Args:
        folder: an empty folder.
        rounds: number of rounds; medians count.
        seconds: of each measurement.
    """
    cpu: dict[tuple[bool, bool], list[float]] = {}
    latency: dict[bool, list[float]] = {False: [], True: []}
    for number in range(rounds):
        for has_viewers in (False, True):
            for records in (False, True):
                place = folder / f"{number}-{has_viewers}" if records else None
                used, p99 = _measure(place, seconds, has_viewers=has_viewers)
                cpu.setdefault((has_viewers, records), []).append(used)
                if has_viewers:
                    latency[records].append(p99)
                what = f"{'relaying' if has_viewers else 'no viewers'}, {'recording' if records else 'not recording'}"
                sys.stderr.write(f"{what}: {used:.1f} % CPU, p99 {1000 * p99:.1f} ms\n")
                if place is not None:
                    shutil.rmtree(place)
    base, recording, relaying = (
        statistics.median(cpu[case]) for case in ((False, False), (False, True), (True, False))
    )
    ratio = (recording - base) / (relaying - base)
    yield Figure("CPU of recording 10 cameras, to that of relaying to 10 viewers", ratio, "times", 0.3)
    slower = statistics.median(latency[True]) / statistics.median(latency[False])
    yield Figure("live p99 while recording, to that without", slower, "times", 1.1)


def _measure(folder: Path | None, seconds: float, *, has_viewers: bool) -> tuple[float, float]:
    """Return the CPU of the server in per cent of a processor, and the 99th percentile of the latency in seconds."""
    processors = sorted(os.sched_getaffinity(0))
    # The server gets the first processor, and the load the others.
    ours, others = frozenset(processors[:1]), frozenset(processors[1:] or processors)
    flags = () if folder is None else ("--history", str(folder), "--history-fps", "0", "--history-min-free", "0B")
    with running((*_SERVE, *flags), ours) as server:
        tasks = [("cameras", run_cameras, CamerasPlan(server.port, CAMERAS, FPS, SIZE))]
        if has_viewers:
            tasks.append(("viewers", run_viewers, ViewersPlan(server.port, VIEWERS)))  # type: ignore[arg-type]
        with workers(tasks, others) as processes:
            for process in processes:
                process.ready()
            start = time.monotonic()
            schedule = Schedule(start, ((start + _WARM_UP, start + _WARM_UP + seconds),))
            for process in processes:
                process.start(schedule)
            time.sleep(_WARM_UP)
            before = server.cpu_seconds()
            time.sleep(max(0.0, schedule.windows[0][1] - time.monotonic()))
            used = 100 * (server.cpu_seconds() - before) / seconds
            reports = [process.report(schedule) for process in processes]
        if not has_viewers:
            return used, 0.0
        return used, percentile(list(reports[1].windows[0].latencies), 0.99)
