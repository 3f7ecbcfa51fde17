"""One run: start a relay, load it, and measure its windows."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from benchmarks.cameras import CamerasPlan, CamerasReport, run_cameras
from benchmarks.load import Schedule, Task, workers
from benchmarks.rest_client import RestPlan, RestReport, run_rest_client
from benchmarks.scenarios import OWN_LOAD, PEERS, Scenario
from benchmarks.server import Server, running
from benchmarks.slow_viewer import SlowViewerPlan, SlowViewerReport, run_slow_viewer
from benchmarks.viewers import ViewersPlan, ViewersReport, WindowReport, run_viewers

_WARM_UP = 1.5
"""Seconds of load before the first window."""


@frozen
class AccessPlan:
    """Whom the server lets in, and what its clients present."""

    flags: tuple[str, ...] = ()
    """Further flags of the server."""
    camera_keys: tuple[str, ...] = ()
    """One for each camera; none if cameras present nothing."""
    viewer_keys: tuple[str, ...] = ()
    """One for each viewer; none if viewers present nothing."""


_NOBODY_IS_ASKED = AccessPlan()


@frozen
class Figures:
    """Results of the last window of one run; None for a figure that the scenario does not have.

    CPU times are those of the server. The end of each name is its unit, with MB and kB as 10^6 and 10^3 bytes.
    """

    cpu_us_per_ingested: float | None
    """The CPU time of the window, divided by the number of frames that cameras sent."""
    cpu_us_per_delivered: float | None
    """The CPU time of the window, divided by the number of frames that viewers received."""
    cpu_percent: float
    """CPU time in per cent of one processor."""
    latency_p50_ms: float | None
    """Median of the time from just before a camera sends a frame until a viewer has its last byte."""
    latency_p99_ms: float | None
    """99th percentile of the same time."""
    rss_mb: float
    """Resident memory of the server at the end."""
    rss_idle_mb: float
    """Resident memory of the server before any client connects."""
    ingested: int
    """Frames that cameras sent."""
    delivered: int
    """Frames that fast viewers received."""
    dropped: int
    """Frames that cameras sent and fast viewers did not receive."""
    held_back: int
    """Frames that cameras could not send because the server had not read the previous frame."""
    viewers_busy_percent: float | None
    """CPU time of the process of all viewers, in per cent; near 100 that process is the limit, not the server."""
    rss_kb_per_viewer: float | None = None
    """Resident memory that one idle viewer adds to the server."""
    slow_viewer_lag_s: float | None = None
    """Mean age of the frames that the slow viewer read in the last second."""
    p99_without_slow_viewer_ms: float | None = None
    """`latency_p99_ms` of the first window, before the slow viewer joins."""
    cpu_us_per_request: float | None = None
    """CPU time that a request for the latest frame adds."""
    request_p50_ms: float | None = None
    """Median of the time from before connecting until the end of the response."""
    request_p99_ms: float | None = None
    """99th percentile of the same time."""
    first_window_us_per_delivered: float | None = None
    """`cpu_us_per_delivered` of the first window, if there are more."""

    def as_dict(self) -> dict[str, float | int]:
        """Return the figures that are not None, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def processors() -> tuple[frozenset[int], frozenset[int]]:
    """Return the processors for the server, which is the last one, and those for the load, which are all others."""
    available = sorted(os.sched_getaffinity(0))
    return frozenset(available[-1:]), frozenset(available[:-1] or available)


def measure(
    peer: str, scenario: Scenario, checkout: Path | None = None, access: AccessPlan = _NOBODY_IS_ASKED
) -> Figures:
    """Run one scenario against one relay.

    Args:
        peer: the relay.
        scenario: the load.
        checkout: directory of a checkout of this project, whose ``src`` is run; None for the installed package.
        access: whom our server lets in.

    Raises:
        RuntimeError: the relay or a process of the load failed.
    """
    for_server, for_load = processors()
    with running((*PEERS[peer], *access.flags), for_server, checkout) as server:
        # Some memory is only allocated shortly after the server listens; it is not the memory of viewers.
        time.sleep(0.3)
        rss_idle = server.resident_bytes()
        with workers(_tasks(scenario, server.port, access, own_load=peer == OWN_LOAD), for_load) as load:
            for worker in load:
                worker.ready()
            start = time.monotonic() + 0.2
            schedule = Schedule(start, tuple(_windows(scenario, start + _WARM_UP)))
            for worker in load:
                worker.start(schedule)
            cpu = [_cpu_during(server, window) for window in schedule.windows]
            rss = server.resident_bytes()
            reports = {worker.name: worker.report(schedule) for worker in load}
    return _figures(scenario, schedule, _ServerFigures(cpu, rss_idle, rss), reports)


def _tasks(scenario: Scenario, port: int, access: AccessPlan, *, own_load: bool) -> list[tuple[str, Task, object]]:
    tasks: list[tuple[str, Task, object]] = []
    if scenario.viewers:
        watch = ViewersPlan(
            port, scenario.viewers, scenario.multipart, scenario.viewers_replaced, own_load, access.viewer_keys
        )
        tasks.append(("viewers", run_viewers, watch))
    if scenario.cameras:
        plan = CamerasPlan(port, scenario.cameras, scenario.fps, scenario.frame_size, own_load, access.camera_keys)
        tasks.append(("cameras", run_cameras, plan))
    if scenario.slow_viewer:
        tasks.append(("slow viewer", run_slow_viewer, SlowViewerPlan(port, scenario.fps / 3)))
    if scenario.rest_rate:
        tasks.append(("REST client", run_rest_client, RestPlan(port, scenario.rest_rate, scenario.frame_size)))
    return tasks


def _windows(scenario: Scenario, begin: float) -> Sequence[tuple[float, float]]:
    windows = []
    for seconds in scenario.windows:
        windows.append((begin, begin + seconds))
        begin += seconds + scenario.pause
    return windows


def _cpu_during(server: Server, window: tuple[float, float]) -> float:
    time.sleep(max(0.0, window[0] - time.monotonic()))
    before = server.cpu_seconds()
    time.sleep(max(0.0, window[1] - time.monotonic()))
    return server.cpu_seconds() - before


@frozen
class _ServerFigures:
    cpu: list[float]
    """CPU time of each window in seconds."""
    rss_idle: int
    rss: int


def _figures(scenario: Scenario, schedule: Schedule, server: _ServerFigures, reports: dict[str, Any]) -> Figures:
    cpu = server.cpu
    cameras: CamerasReport = reports.get("cameras") or CamerasReport((0,) * len(cpu), (0,) * len(cpu), 0.0)
    viewers: ViewersReport | None = reports.get("viewers")
    slow: SlowViewerReport | None = reports.get("slow viewer")
    rest: RestReport | None = reports.get("REST client")
    seen = viewers.windows[-1] if viewers is not None and scenario.cameras else None
    first = viewers.windows[0] if viewers is not None and len(cpu) > 1 else None
    seconds = [end - begin for begin, end in schedule.windows]
    added = cpu[-1] / seconds[-1] - cpu[0] / seconds[0]
    return Figures(
        cpu_us_per_ingested=_per(cpu[-1], cameras.sent[-1]),
        cpu_us_per_delivered=None if seen is None else _per(cpu[-1], seen.delivered),
        cpu_percent=100 * cpu[-1] / seconds[-1],
        latency_p50_ms=_latency(seen, 50),
        latency_p99_ms=_latency(seen, 99),
        rss_mb=server.rss / 1e6,
        rss_idle_mb=server.rss_idle / 1e6,
        ingested=cameras.sent[-1],
        delivered=0 if seen is None else seen.delivered,
        dropped=0 if seen is None else seen.missed,
        held_back=cameras.held_back[-1],
        viewers_busy_percent=None if viewers is None else 100 * viewers.busy,
        rss_kb_per_viewer=None if scenario.cameras else (server.rss - server.rss_idle) / scenario.viewers / 1e3,
        slow_viewer_lag_s=None if slow is None else statistics.mean(slow.ages[-max(1, round(scenario.fps / 3)) :]),
        p99_without_slow_viewer_ms=None if slow is None else _latency(first, 99),
        cpu_us_per_request=None if rest is None else 1e6 * added / (len(rest.latencies) / seconds[-1]),
        request_p50_ms=None if rest is None else _percentile(rest.latencies, 50),
        request_p99_ms=None if rest is None else _percentile(rest.latencies, 99),
        first_window_us_per_delivered=None if first is None else _per(cpu[0], first.delivered),
    )


def _per(seconds: float, count: int) -> float | None:
    return 1e6 * seconds / count if count else None


def _latency(window: WindowReport | None, percent: int) -> float | None:
    return None if window is None or not window.latencies else _percentile(window.latencies, percent)


def _percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of durations in seconds, as milliseconds."""
    ordered = sorted(values)
    return 1e3 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
