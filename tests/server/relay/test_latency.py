"""Latencies are counted by hop."""

from __future__ import annotations

import pytest

from skysentry_trio.server.relay.latency import STAGES, LatencyHistograms
from skysentry_trio.server.relay.latency_breakdown import LatencyBreakdown


def test_each_hop_has_its_own_histogram() -> None:
    """A camera that does not say when it took a picture has no capture that could be counted."""
    latency = LatencyHistograms()
    latency.add(LatencyBreakdown(None, 0.01, 0.1))
    latency.add(LatencyBreakdown(0.2, 0.02, 0.3))

    assert {hop: histogram.count for hop, histogram in latency.by_stage.items()} == {
        "capture": 1,
        "transit": 0,
        "server": 2,
        "delivery": 2,
        "total": 2,
    }
    assert tuple(latency.by_stage) == STAGES
    assert latency.by_stage["total"].total == pytest.approx(0.63)
