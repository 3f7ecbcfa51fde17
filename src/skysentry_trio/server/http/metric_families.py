"""The server's counters as metric families for Prometheus.

Values are read at scrape time. Counters are plain integers, because prometheus_client takes a lock for each update.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Protocol

import trio
from attrs import define, field
from prometheus_client.core import CounterMetricFamily as CounterFamily
from prometheus_client.core import GaugeMetricFamily as GaugeFamily
from prometheus_client.core import HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from skysentry_trio._version import __version__
from skysentry_trio.base.chatter import lines_dropped
from skysentry_trio.base.histogram import Histogram
from skysentry_trio.server.health import Health
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.transport.connection_log import ConnectionLog

MAX_LABELLED = 200
"""Maximum number of cameras with their own series: each label value costs memory in the program that keeps the data."""
_REFUSALS = ("frame-too-large", "invalid-message", "memory-full", "not-a-jpeg", "too-fast")


@define(eq=False)
class ServerCollector:
    """Metrics of the server as a whole."""

    _hub: Hub
    _health: Health
    _connections: ConnectionLog
    _loop: LoopMonitor

    def collect(self) -> Iterator[Metric]:
        """Yield the families with their current values."""
        yield InfoMetricFamily("skysentry_build", "The version that runs.", {"version": __version__})
        yield from self._cameras_and_viewers()
        yield from self._connections_and_services()
        yield _histograms(
            "skysentry_latency_seconds",
            "Latency of frames by stage, over all cameras and all viewers that acknowledge.",
            "hop",
            self._hub.latency.by_stage.items(),
        )
        loop = self._loop
        yield HistogramMetricFamily(
            "skysentry_event_loop_lag_seconds",
            "Scheduling delay of a sleeping task.",
            _buckets(loop.lag),
            loop.lag.total,
        )
        yield GaugeFamily(
            "skysentry_event_loop_lag_max_seconds",
            "Largest delay of about the last minute.",
            loop.recent_maximum,
        )
        yield CounterFamily("skysentry_event_loop_stalls", "Delays above 0.1 seconds.", loop.stalls)
        yield CounterFamily("skysentry_event_loop_stall_seconds", "Time lost in such stalls.", loop.stalled)

    def _cameras_and_viewers(self) -> Iterator[Metric]:
        statistics, settings = self._hub.statistics(), self._hub.settings
        yield GaugeFamily("skysentry_cameras", "Cameras that the server knows, connected or not.", statistics.cameras)
        yield GaugeFamily("skysentry_cameras_online", "Cameras connected.", statistics.online)
        yield GaugeFamily("skysentry_viewers", "Viewers connected.", statistics.viewers)
        yield GaugeFamily("skysentry_ring_bytes", "JPEG bytes in all rings.", statistics.ring_bytes)
        yield GaugeFamily("skysentry_ring_limit_bytes", "Limit of the bytes in all rings.", settings.max_memory)
        memory = self._hub.memory
        held = GaugeFamily("skysentry_held_bytes", "Bytes held for peers besides the rings.", labels=["use"])
        held.add_metric(["receiving"], memory.receiving)
        held.add_metric(["sending"], memory.sending)
        yield held
        yield CounterFamily(
            "skysentry_memory_refused_messages", "Messages that were refused for want of memory.", memory.refused
        )
        yield _counters(
            "skysentry_memory_cut_connections",
            "Connections that the server ended to free memory.",
            ["use"],
            ({"receiving": 0, "sending": 0} | memory.cut).items(),
        )
        yield CounterFamily("skysentry_received_frames", "Frames taken from cameras.", statistics.frames_received)
        yield CounterFamily("skysentry_received_bytes", "JPEG bytes in those.", statistics.bytes_received)
        yield CounterFamily("skysentry_sent_frames", "Frames sent to viewers.", statistics.frames_sent)
        yield CounterFamily("skysentry_sent_bytes", "JPEG bytes in those.", statistics.bytes_sent)
        refused = dict.fromkeys(_REFUSALS, 0) | statistics.frames_refused
        yield _counters(
            "skysentry_refused_frames", "Frames of cameras that the server refused.", ["cause"], refused.items()
        )
        yield CounterFamily(
            "skysentry_ignored_capture_times",
            "Frames whose time of capture was wrong and was ignored.",
            statistics.times_ignored,
        )
        dropped = {
            "left": statistics.frames_abandoned,
            "replaced": statistics.frames_superseded,
            "thinned": statistics.frames_rate_limited,
        }
        yield _counters("skysentry_dropped_frames", "Frames that a viewer did not get.", ["cause"], dropped.items())
        yield CounterFamily(
            "skysentry_dropped_notices", "Notices that a viewer did not get.", statistics.notices_dropped
        )
        ignored = {"camera": 0, "viewer": 0} | statistics.messages_ignored
        yield _counters(
            "skysentry_ignored_messages", "Messages that the server did not understand.", ["role"], ignored.items()
        )
        ended = CounterFamily(
            "skysentry_refused_peers",
            "Connections of cameras and viewers that the server ended.",
            labels=["role", "cause"],
        )
        for (role, cause), count in statistics.peers_refused.items():
            ended.add_metric([role, cause], count)
        yield ended

    def _connections_and_services(self) -> Iterator[Metric]:
        connections, health = self._connections, self._health
        yield GaugeFamily("skysentry_connections", "Open connections of all kinds.", connections.open)
        yield CounterFamily("skysentry_accepted_connections", "Connections accepted.", connections.accepted)
        yield _counters(
            "skysentry_ended_connections",
            "Connections that ended before a service had them, and crashes.",
            ["cause"],
            ({"crash": 0} | connections.ended_by).items(),
        )
        yield CounterFamily("skysentry_dropped_log_lines", "Lines that stderr did not take.", lines_dropped())
        yield GaugeFamily("skysentry_draining", "1 while the server stops.", float(health.draining))
        yield GaugeFamily("skysentry_failing_services", "Services that keep crashing.", len(health.failing))


@define(eq=False)
class _Rest:
    """Sums over a changing set of cameras; the sums of counters do not fall when a camera leaves the set."""

    cameras: int = field(default=0, init=False)
    online: int = field(default=0, init=False)
    frames: int = field(default=0, init=False)
    bytes: int = field(default=0, init=False)
    refused: Counter[str] = field(factory=Counter, init=False)
    _counted: dict[tuple[str, float], tuple[int, int, Counter[str] | None]] = field(factory=dict, init=False)
    """The counters of each camera at the last scrape."""

    @property
    def any(self) -> bool:
        """Whether there is or was any camera in the set."""
        return self.cameras > 0 or self.frames > 0

    def update(self, cameras: Iterable[HubCamera]) -> None:
        """Add the counts since the last scrape; there may be ten thousand cameras, so this must be fast."""
        counted = self._counted
        self._counted = latest = {}
        self.online = 0
        for camera in cameras:
            # The key does not refer to the camera, because this would keep the frames of a forgotten camera in memory.
            key = (camera.id, camera.since)
            frames, size, refused = counted.get(key, (0, 0, None))
            self.online += camera.online
            self.frames += camera.frame_count - frames
            self.bytes += camera.byte_count - size
            if camera.refused and camera.refused != refused:
                self.refused += camera.refused - (refused or Counter())
                refused = camera.refused.copy()
            latest[key] = camera.frame_count, camera.byte_count, refused
        self.cameras = len(latest)


class LabelledCameras(Protocol):
    """The cameras whose metrics are collected."""

    @property
    def cameras(self) -> Collection[HubCamera]:
        """The cameras."""
        ...

    def connected_viewer_count(self, camera_id: str) -> int:
        """Return the number of viewers to which this server sends the camera's frames now."""
        ...


@define(eq=False)
class CameraCollector:
    """Metrics of each of the first `MAX_LABELLED` cameras, and the sums of all other cameras without a label."""

    _hub: LabelledCameras
    _rest: _Rest = field(factory=_Rest, init=False)

    def collect(self) -> Iterator[Metric]:
        """Yield the families with their current values."""
        labels = ["camera"]
        online = GaugeFamily("skysentry_camera_online", "1 while the camera is connected.", labels=labels)
        frames = CounterFamily("skysentry_camera_received_frames", "Frames taken from it.", labels=labels)
        size = CounterFamily("skysentry_camera_received_bytes", "JPEG bytes in those.", labels=labels)
        refused = CounterFamily(
            "skysentry_camera_refused_frames",
            "Frames of the camera that the server refused.",
            labels=["camera", "cause"],
        )
        rate = GaugeFamily(
            "skysentry_camera_frames_per_second", "Rate at which the camera's frames arrive.", labels=labels
        )
        viewers = GaugeFamily(
            "skysentry_camera_viewers", "Viewers to which this server sends its frames.", labels=labels
        )
        age = GaugeFamily(
            "skysentry_camera_last_frame_age_seconds",
            "Time since the camera's newest frame arrived, or without one, since the server met the camera.",
            labels=labels,
        )
        now = trio.current_time()
        cameras = iter(self._hub.cameras)
        for camera in islice(cameras, MAX_LABELLED):
            label = [camera.id]
            online.add_metric(label, float(camera.online))
            frames.add_metric(label, camera.frame_count)
            size.add_metric(label, camera.byte_count)
            rate.add_metric(label, camera.rate.fps(now))
            viewers.add_metric(label, self._hub.connected_viewer_count(camera.id))
            newest = camera.ring.newest
            age.add_metric(label, now - (camera.met if newest is None else newest.arrived))
            for cause, count in camera.refused.items():
                refused.add_metric([camera.id, cause], count)
        rest = self._rest
        rest.update(cameras)
        if rest.any:
            online.add_sample(online.name, {}, rest.online)
            frames.add_sample(f"{frames.name}_total", {}, rest.frames)
            size.add_sample(f"{size.name}_total", {}, rest.bytes)
            for cause, count in rest.refused.items():
                refused.add_sample(f"{refused.name}_total", {"cause": cause}, count)
        yield from (online, frames, size, refused, rate, viewers, age)
        yield GaugeFamily(
            "skysentry_cameras_unlabelled",
            f"Cameras beyond the first {MAX_LABELLED}, summed without a label.",
            rest.cameras,
        )


def _counters(name: str, documentation: str, labels: list[str], counts: Iterable[tuple[str, int]]) -> Metric:
    family = CounterFamily(name, documentation, labels=labels)
    for value, count in sorted(counts):
        family.add_metric([value], count)
    return family


def _histograms(name: str, documentation: str, label: str, histograms: Iterable[tuple[str, Histogram]]) -> Metric:
    family = HistogramMetricFamily(name, documentation, labels=[label])
    for value, histogram in histograms:
        family.add_metric([value], _buckets(histogram), histogram.total)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    return [("+Inf" if bound == float("inf") else repr(bound), count) for bound, count in histogram.cumulative()]
