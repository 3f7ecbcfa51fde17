"""Metrics of the links to other servers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from attrs import frozen
from prometheus_client.core import CounterMetricFamily as CounterFamily
from prometheus_client.core import GaugeMetricFamily as GaugeFamily
from prometheus_client.metrics_core import Metric


class LinkFigures(Protocol):
    """The figures of the link to one other server."""

    @property
    def url(self) -> str:
        """The address of the other server."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection; there is none while nobody here watches a camera of the other server."""
        ...

    @property
    def cameras_watched(self) -> int:
        """Number of cameras of the other server whose frames come over the link."""
        ...

    @property
    def round_trip(self) -> float | None:
        """Seconds of the last round trip; None while unknown."""
        ...

    @property
    def frames(self) -> int:
        """Frames that came and were published here."""
        ...

    @property
    def nbytes(self) -> int:
        """JPEG bytes in these frames."""
        ...

    @property
    def dropped(self) -> int:
        """Frames that came and were dropped."""
        ...

    @property
    def results_dropped(self) -> int:
        """Detection results for the other server that were dropped because too many waited."""
        ...

    @property
    def requests(self) -> int:
        """Requests that were passed on to the other server."""
        ...


ListLinks = Callable[[], Iterable[LinkFigures]]
"""Returns the links of this server."""


def list_no_links() -> Iterable[LinkFigures]:
    """Return no links, for a server that belongs to no cluster."""
    return ()


@frozen
class LinkCollector:
    """The counters of each link; there are none on a server that belongs to no cluster."""

    _list_links: ListLinks

    def collect(self) -> Iterator[Metric]:
        """Yield the families with their current values."""
        connected = GaugeFamily("skysentry_link_connected", "Whether the link is connected.", labels=["node"])
        watched = GaugeFamily("skysentry_link_cameras", "Cameras whose frames come over the link.", labels=["node"])
        round_trip = GaugeFamily("skysentry_link_round_trip_seconds", "Round trip of the link.", labels=["node"])
        frames = CounterFamily("skysentry_link_frames", "Frames that came over the link.", labels=["node"])
        nbytes = CounterFamily("skysentry_link_bytes", "JPEG bytes in those.", labels=["node"])
        dropped = CounterFamily("skysentry_link_dropped_frames", "Frames that were dropped.", labels=["node"])
        results = CounterFamily(
            "skysentry_link_dropped_results", "Detection results that were not passed on.", labels=["node"]
        )
        requests = CounterFamily("skysentry_link_requests", "Requests passed on to the server.", labels=["node"])
        for link in self._list_links():
            node = [link.url]
            connected.add_metric(node, float(link.is_connected))
            watched.add_metric(node, link.cameras_watched)
            if link.round_trip is not None:
                round_trip.add_metric(node, link.round_trip)
            frames.add_metric(node, link.frames)
            nbytes.add_metric(node, link.nbytes)
            dropped.add_metric(node, link.dropped)
            results.add_metric(node, link.results_dropped)
            requests.add_metric(node, link.requests)
        yield from (connected, watched, round_trip, frames, nbytes, dropped, results, requests)
