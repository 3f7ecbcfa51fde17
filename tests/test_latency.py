"""Latencies are counted by hop."""

from __future__ import annotations

from skysentry_trio.latency import HOPS, LatencyHistograms


def test_each_hop_has_its_own_histogram() -> None:
    """What is observed of one changes no other."""
    latency = LatencyHistograms()
    latency.observe("total", 0.123)
    latency.observe("total", 0.2)
    latency.observe("capture", 0.001)

    assert {hop: histogram.count for hop, histogram in latency.by_hop.items()} == {
        "capture": 1,
        "server": 0,
        "delivery": 0,
        "total": 2,
    }
    assert tuple(latency.by_hop) == HOPS
    assert latency.by_hop["total"].total == 0.323
