"""Metrics of recordings."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from prometheus_client.core import CounterMetricFamily as CounterFamily
from prometheus_client.core import GaugeMetricFamily as GaugeFamily
from prometheus_client.metrics_core import Metric

from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.history.history import History


@frozen
class HistoryCollector:
    """The counters of the thread that writes, and of the recorder; zeros for a server that records nothing."""

    _history: History | None

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
