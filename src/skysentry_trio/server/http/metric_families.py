"""What the server has counted, as metric families for Prometheus.

Everything is read at the moment of the question: counting costs what counting costs, and nothing of it goes through the
client library's own metrics, which are locked.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

import trio
from attrs import define, field
from prometheus_client.core import CounterMetricFamily as CounterFamily
from prometheus_client.core import GaugeMetricFamily as GaugeFamily
from prometheus_client.core import HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from skysentry_trio._version import __version__
from skysentry_trio.base.histogram import Histogram
from skysentry_trio.server.health import Health
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.transport.connection_log import ConnectionLog

MAX_LABELLED = 200
"""Cameras with series of their own: every label value costs the monitor memory, for as long as it keeps data."""
_REFUSALS = ("frame-too-large", "invalid-message", "memory-full", "not-a-jpeg", "too-fast")


@define(eq=False)
class ServerCollector:
    """The server as a whole."""

    _hub: Hub
    _health: Health
    _connections: ConnectionLog
    _loop: LoopMonitor

    def collect(self) -> Iterator[Metric]:
        """Yield the families as they are now."""
        yield InfoMetricFamily("skysentry_build", "The version that runs.", {"version": __version__})
        yield from self._cameras_and_viewers()
        yield from self._connections_and_services()
        yield _histograms(
            "skysentry_latency_seconds",
            "Age that frames gain on a part of their way, over all cameras and viewers that tell.",
            "hop",
            self._hub.latency.by_stage.items(),
        )
        loop = self._loop
        yield HistogramMetricFamily(
            "skysentry_event_loop_lag_seconds",
            "How much later than wanted a sleeping task was woken.",
            _buckets(loop.lag),
            loop.lag.total,
        )
        yield GaugeFamily(
            "skysentry_event_loop_lag_max_seconds",
            "The largest such lag of about the last minute.",
            loop.recent_maximum,
        )
        yield CounterFamily("skysentry_event_loop_stalls", "Lags of more than 0.1 seconds.", loop.stalls)
        yield CounterFamily("skysentry_event_loop_stall_seconds", "Time lost in such stalls.", loop.stalled)

    def _cameras_and_viewers(self) -> Iterator[Metric]:
        statistics, settings = self._hub.statistics(), self._hub.settings
        yield GaugeFamily("skysentry_cameras", "Cameras known, connected or not.", statistics.cameras)
        yield GaugeFamily("skysentry_cameras_online", "Cameras connected.", statistics.online)
        yield GaugeFamily("skysentry_viewers", "Viewers connected.", statistics.viewers)
        yield GaugeFamily("skysentry_ring_bytes", "JPEG bytes kept of all cameras.", statistics.ring_bytes)
        yield GaugeFamily("skysentry_ring_limit_bytes", "How many bytes may be kept.", settings.max_memory)
        yield CounterFamily("skysentry_received_frames", "Frames taken from cameras.", statistics.frames_received)
        yield CounterFamily("skysentry_received_bytes", "JPEG bytes in those.", statistics.bytes_received)
        yield CounterFamily("skysentry_sent_frames", "Frames sent to viewers.", statistics.frames_sent)
        yield CounterFamily("skysentry_sent_bytes", "JPEG bytes in those.", statistics.bytes_sent)
        refused = dict.fromkeys(_REFUSALS, 0) | statistics.frames_refused
        yield _counters(
            "skysentry_refused_frames", "Frames of cameras that were not taken.", ["cause"], refused.items()
        )
        dropped = {
            "left": statistics.frames_abandoned,
            "replaced": statistics.frames_superseded,
            "thinned": statistics.frames_rate_limited,
        }
        yield _counters("skysentry_dropped_frames", "Frames that a viewer did not get.", ["cause"], dropped.items())
        yield CounterFamily(
            "skysentry_dropped_notices", "News about cameras that a viewer did not get.", statistics.notices_dropped
        )
        ended = CounterFamily(
            "skysentry_refused_peers",
            "Cameras and viewers whose connection the server ended.",
            labels=["role", "cause"],
        )
        for (role, cause), count in statistics.peers_refused.items():
            ended.add_metric([role, cause], count)
        yield ended

    def _connections_and_services(self) -> Iterator[Metric]:
        connections, health = self._connections, self._health
        yield GaugeFamily("skysentry_connections", "Connections open, of all kinds.", connections.open)
        yield CounterFamily("skysentry_accepted_connections", "Connections accepted.", connections.accepted)
        yield _counters(
            "skysentry_ended_connections",
            "Connections that ended before they had asked for anything that is served, and crashes.",
            ["cause"],
            ({"crash": 0} | connections.ended_by).items(),
        )
        yield GaugeFamily("skysentry_draining", "1 while the server stops.", float(health.draining))
        yield GaugeFamily("skysentry_failing_services", "Services that keep crashing.", len(health.failing))


@define(eq=False)
class _Rest:
    """Sums over a set of cameras that changes; its counters never fall, as those of a plain sum would."""

    cameras: int = field(default=0, init=False)
    online: int = field(default=0, init=False)
    frames: int = field(default=0, init=False)
    bytes: int = field(default=0, init=False)
    refused: Counter[str] = field(factory=Counter, init=False)
    _counted: dict[tuple[str, float], tuple[int, int, Counter[str] | None]] = field(factory=dict, init=False)
    """What each camera had counted the last time."""

    @property
    def any(self) -> bool:
        """Whether there is, or was, such a camera."""
        return self.cameras > 0 or self.frames > 0

    def update(self, cameras: Iterable[HubCamera]) -> None:
        """Add what was counted since the last time; ``cameras`` can be ten thousand, so this is kept short."""
        counted = self._counted
        self._counted = latest = {}
        self.online = 0
        for camera in cameras:
            # No reference to the camera itself: it would keep the frames of one that was forgotten.
            key = (camera.id, camera.since)
            frames, size, refused = counted.get(key, (0, 0, None))
            self.online += camera.session is not None
            self.frames += camera.frame_count - frames
            self.bytes += camera.byte_count - size
            if camera.refused and camera.refused != refused:
                self.refused += camera.refused - (refused or Counter())
                refused = camera.refused.copy()
            latest[key] = camera.frame_count, camera.byte_count, refused
        self.cameras = len(latest)


@define(eq=False)
class CameraCollector:
    """Each of the first cameras, and the sum of all others without a label."""

    _hub: Hub
    _rest: _Rest = field(factory=_Rest, init=False)

    def collect(self) -> Iterator[Metric]:
        """Yield the families as they are now."""
        labels = ["camera"]
        online = GaugeFamily("skysentry_camera_online", "1 while the camera is connected.", labels=labels)
        frames = CounterFamily("skysentry_camera_received_frames", "Frames taken from it.", labels=labels)
        size = CounterFamily("skysentry_camera_received_bytes", "JPEG bytes in those.", labels=labels)
        refused = CounterFamily(
            "skysentry_camera_refused_frames", "Frames of it that were not taken.", labels=["camera", "cause"]
        )
        rate = GaugeFamily("skysentry_camera_frames_per_second", "Rate at which its frames arrive.", labels=labels)
        viewers = GaugeFamily("skysentry_camera_viewers", "Viewers that get its frames.", labels=labels)
        age = GaugeFamily(
            "skysentry_camera_last_frame_age_seconds",
            "Time since its newest frame arrived, or since it was first seen if none has.",
            labels=labels,
        )
        now, wall_clock = trio.current_time(), time.time()
        cameras = iter(self._hub.cameras)
        for camera in islice(cameras, MAX_LABELLED):
            label = [camera.id]
            online.add_metric(label, float(camera.online))
            frames.add_metric(label, camera.frame_count)
            size.add_metric(label, camera.byte_count)
            rate.add_metric(label, camera.rate.fps(now))
            viewers.add_metric(label, self._hub.viewer_count(camera.id))
            newest = camera.ring.newest
            seen = camera.since if newest is None else newest.received_at
            # The wall clock may have been set back meanwhile.
            age.add_metric(label, max(wall_clock - seen, 0.0))
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
