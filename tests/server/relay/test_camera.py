"""What is known about one camera."""

from __future__ import annotations

import pytest

from skysentry_trio.base.frames import FrameRing, JpegFrame, RingStatistics
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.relay.camera import CameraSession, HubCamera, flood_limit


def make_camera() -> HubCamera:
    return HubCamera("door", "Front door", FrameRing(2), since=5.0, last_heard=0.0)


def test_a_new_camera_has_shown_nothing() -> None:
    """Before the first frame all figures are zero and there is no newest."""
    camera = make_camera()

    assert camera.statistics(0.0) == RingStatistics(size=0, capacity=2, frame_count=0, latest_at=None, fps=0.0)
    assert not camera.online


def test_the_statistics_are_those_of_the_ring() -> None:
    """Size and capacity are the ring's, the count is of all frames ever, the moment that of the newest."""
    camera = make_camera()
    for sequence in range(1, 4):
        camera.ring.append(JpegFrame(sequence, 100.0 + sequence, None, b"jpeg", 4, 3))
        camera.rate.tick(sequence / 10)
        camera.frame_count += 1

    statistics = camera.statistics(0.3)

    assert (statistics.size, statistics.capacity, statistics.frame_count, statistics.latest_at) == (2, 2, 3, 103.0)
    assert round(statistics.fps, 6) == 10.0


def test_a_camera_is_online_while_a_connection_sends_for_it() -> None:
    """Whether a camera is live is whether it has a session."""
    camera = make_camera()
    camera.session = CameraSession(camera, RateLimiter(60, burst=0.5), lambda: None)

    assert camera.online


def test_a_replaced_session_says_so_when_its_connection_hears_of_the_end() -> None:
    """So the connection can tell its camera why."""
    camera, heard = make_camera(), []
    session = CameraSession(camera, RateLimiter(60, burst=0.5), lambda: heard.append(session.is_replaced))

    assert not session.is_replaced
    session.replace()

    assert heard == [True]


def test_ten_times_the_rate_is_no_camera() -> None:
    """A second of it may come at once, beside what a slow camera says between two frames."""
    pace = flood_limit(15)

    admitted = sum(pace.admit(n / 1000) for n in range(10_000))

    assert admitted == pytest.approx(200 + 10 * 200, abs=2)
