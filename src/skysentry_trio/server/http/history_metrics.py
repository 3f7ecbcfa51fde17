"""Metrics of recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from attrs import frozen
from prometheus_client.core import CounterMetricFamily as CounterFamily
from prometheus_client.core import GaugeMetricFamily as GaugeFamily
from prometheus_client.metrics_core import Metric

from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.http.export_jobs import ExportJobs
from skysentry_trio.server.http.metric_families import MAX_LABELLED

if TYPE_CHECKING:
    from skysentry_trio.server.history.history import History


@frozen
class HistoryCollector:
    """The counters of the thread that writes, and of the recorder; zeros for a server that records nothing."""

    _history: History | None
    _exports: ExportJobs | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield the families with their current values."""
        history = self._history
        writer = None if history is None else history.writer
        yield CounterFamily(
            "skysentry_recorded_frames", "Frames written to disk.", 0 if writer is None else writer.frames_written
        )
        yield CounterFamily(
            "skysentry_recorded_bytes", "JPEG bytes in those.", 0 if writer is None else writer.bytes_written
        )
        lost = CounterFamily("skysentry_unrecorded_frames", "Frames that are not recorded.", labels=["cause"])
        lost.add_metric(["disk"], 0 if writer is None else writer.frames_dropped)
        lost.add_metric(["ring"], 0 if history is None else history.recorder.missed)
        yield lost
        yield GaugeFamily(
            "skysentry_recording_waiting_bytes",
            "Bytes of frames that wait for the disk.",
            0 if writer is None else writer.waiting_bytes,
        )
        events = CounterFamily("skysentry_events", "Events of cameras, by what noticed them.", labels=["source"])
        for source in EventSource:
            events.add_metric([source], 0 if history is None else history.events.noted[source])
        yield events
        yield CounterFamily(
            "skysentry_dropped_events",
            "Events that are not recorded because too many came.",
            0 if history is None else history.events.dropped,
        )
        yield GaugeFamily(
            "skysentry_recording_paused",
            "Whether nothing can be recorded.",
            writer is not None and writer.current_trouble() is not None,
        )
        yield from self._ageing()
        yield from self._exported()

    def _ageing(self) -> Iterator[Metric]:
        writer = None if self._history is None else self._history.writer
        ageing = None if writer is None else writer.ageing
        yield GaugeFamily(
            "skysentry_recordings_unthinned_files",
            "Files that ageing has to look at.",
            0 if writer is None else writer.unthinned,
        )
        yield CounterFamily(
            "skysentry_thinned_frames",
            "Recorded frames that ageing has dropped.",
            0 if ageing is None else ageing.frames_dropped,
        )
        yield CounterFamily("skysentry_thinned_bytes", "Bytes of those.", 0 if ageing is None else ageing.bytes_freed)

    def _exported(self) -> Iterator[Metric]:
        exports = self._exports
        yield GaugeFamily("skysentry_exports", "Exports that exist.", 0 if exports is None else len(exports.jobs))
        yield GaugeFamily("skysentry_export_bytes", "Their size.", 0 if exports is None else exports.nbytes)
        yield CounterFamily(
            "skysentry_exported_frames",
            "Frames written to exports.",
            0 if exports is None else exports.frames_exported,
        )


@frozen
class RecordedCamerasCollector:
    """What each camera has on disk, as the thread that writes last saw it: a scrape never waits for the disk."""

    _history: History | None
    _allows: Callable[[str], bool]
    """Returns whether the figures of a camera may be read, by its id."""

    def collect(self) -> Iterator[Metric]:
        """Yield the families with their current values."""
        writer = None if self._history is None else self._history.writer
        usages = [] if writer is None else [usage for usage in writer.usages if self._allows(usage.camera_id)]
        nbytes = GaugeFamily("skysentry_recordings_bytes", "Bytes of recordings on disk.", labels=["camera"])
        kept = GaugeFamily("skysentry_recordings_protected_bytes", "Bytes that are kept.", labels=["camera"])
        oldest = GaugeFamily(
            "skysentry_recordings_oldest_timestamp_seconds", "When the oldest frame arrived.", labels=["camera"]
        )
        following = GaugeFamily(
            "skysentry_recordings_next_deletion_timestamp_seconds",
            "When the oldest recordings will be deleted.",
            labels=["camera"],
        )
        for usage in usages[:MAX_LABELLED]:
            nbytes.add_metric([usage.camera_id], usage.nbytes)
            kept.add_metric([usage.camera_id], usage.protected_bytes)
            oldest.add_metric([usage.camera_id], usage.oldest_at)
            if writer is not None and (deletion := writer.forecast.by_camera.get(usage.camera_id)) is not None:
                following.add_metric([usage.camera_id], deletion.at)
        yield from (nbytes, kept, oldest, following)
