"""Where a frame's time went, and what is believed of it."""

from __future__ import annotations

import pytest

from skysentry_trio.server.relay.ack_window import SentFrame
from skysentry_trio.server.relay.latency_breakdown import (
    LatencyBreakdown,
    LatencyMeter,
    LatencyReport,
    MeanLatency,
    mean_of,
    measure,
)


def sent(*, captured_at: float | None = 999.9) -> SentFrame:
    """Return a frame that waited 50 ms in the server."""
    return SentFrame("door", 7, sent_at=10.05, arrived=10.0, received_at=1000.0, captured_at=captured_at, fresh=True)


def test_each_hop_is_told_apart() -> None:
    """From the camera 100 ms, in the server 50, to the screen 200."""
    breakdown = measure(sent(), 1000.25, 12.0)

    assert breakdown is not None
    assert (breakdown.capture, breakdown.server, breakdown.delivery) == pytest.approx((0.1, 0.05, 0.2))
    assert breakdown.total == pytest.approx(0.35)


def test_a_camera_that_does_not_stamp_leaves_the_first_hop_open() -> None:
    """The sum is then of what is known."""
    breakdown = measure(sent(captured_at=None), 1000.25, 12.0)

    assert breakdown is not None
    assert breakdown.capture is None
    assert breakdown.total == pytest.approx(0.25)


@pytest.mark.parametrize("captured_at", [1001.5, -3000.0])
def test_an_impossible_time_of_capture_is_not_believed(captured_at: float) -> None:
    """A camera whose clock is hours wrong has none."""
    breakdown = measure(sent(captured_at=captured_at), 1000.25, 12.0)

    assert breakdown is not None
    assert breakdown.capture is None


def test_a_frame_is_not_painted_after_its_acknowledgement() -> None:
    """The server's clock was set back by ten minutes, and the viewer does not know yet: nothing enters a histogram."""
    assert measure(sent(), 1600.0, 10.3) is None
    late = measure(sent(), 1000.9, 10.3)
    assert late is not None
    assert late.delivery == pytest.approx(0.25)


@pytest.mark.parametrize("painted_at", [0.0, 998.0, 1e9, float("nan")])
def test_an_impossible_time_of_painting_says_nothing(painted_at: float) -> None:
    """A frame cannot be on the screen before it was sent, nor hours later."""
    assert measure(sent(), painted_at, 12.0) is None


def test_clocks_that_are_a_little_apart_do_not_make_negative_times() -> None:
    """What seems to arrive before it left took no time."""
    breakdown = measure(sent(captured_at=1000.2), 1000.0, 12.0)

    assert breakdown is not None
    assert (breakdown.capture, breakdown.delivery) == (0.0, 0.0)


def test_means_are_over_the_frames_since_the_last() -> None:
    """Frames without a time of capture count for the other stages."""
    meter = LatencyMeter()
    meter.add(LatencyBreakdown(0.1, 0.0, 0.2))
    meter.add(LatencyBreakdown(None, 0.2, 0.4))

    mean = meter.conclude(5.0)
    assert mean is not None
    assert (mean.frames, mean.breakdown.capture) == (2, 0.1)
    assert (mean.breakdown.server, mean.breakdown.delivery) == pytest.approx((0.1, 0.3))
    assert meter.conclude(6.0) is None
    assert (meter.latest, meter.measured_at) == (mean, 5.0)


def test_several_means_become_one_by_their_frames() -> None:
    """A viewer with three times the frames counts three times."""
    mean = mean_of([MeanLatency(1, LatencyBreakdown(None, 0.0, 0.1)), MeanLatency(3, LatencyBreakdown(0.2, 0.0, 0.5))])

    assert mean is not None
    assert mean.frames == 4
    assert mean.breakdown.capture == pytest.approx(0.2)
    assert mean.breakdown.delivery == pytest.approx(0.4)
    assert mean_of([]) is None


def test_a_report_is_due_once_a_second() -> None:
    """In between it is empty, and what has become old is not shown as what is now."""
    report = LatencyReport()
    report.add("door", LatencyBreakdown(None, 0.0, 0.1))
    assert report.conclude(10.0) == {"door": MeanLatency(1, LatencyBreakdown(None, 0.0, 0.1))}
    report.add("door", LatencyBreakdown(None, 0.0, 0.3))
    assert report.conclude(10.9) == {}
    assert report.conclude(11.0) == {"door": MeanLatency(1, LatencyBreakdown(None, 0.0, 0.3))}

    assert report.latest("door", 16.0) == MeanLatency(1, LatencyBreakdown(None, 0.0, 0.3))
    assert report.latest("door", 16.1) is None
    assert report.latest("yard", 11.0) is None
    report.forget("door")
    assert report.latest("door", 11.0) is None


def test_a_report_without_news_is_not_made_out_again_at_once() -> None:
    """However many acknowledgements say nothing, all cameras are looked at once a second."""
    report = LatencyReport()
    report.add("door", LatencyBreakdown(None, 0.1, 0.1))
    assert report.conclude(0.0).keys() == {"door"}
    assert report.conclude(1.0) == {}
    report.add("door", LatencyBreakdown(None, 0.1, 0.1))

    assert report.conclude(1.5) == {}
    assert report.conclude(2.0).keys() == {"door"}
