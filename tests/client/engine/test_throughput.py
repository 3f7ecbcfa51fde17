from __future__ import annotations

import pytest

from skysentry_trio.client.engine.throughput import Throughput


def test_frames_and_bytes_by_the_second() -> None:
    """Ten frames of 1000 bytes a second are 10 fps and 10 kB/s."""
    throughput = Throughput()
    for index in range(50):
        throughput.add(1000, index / 10)
    assert throughput.fps(4.9) == pytest.approx(10)
    assert throughput.bytes_per_second(4.9) == pytest.approx(10_000)
    assert (throughput.frames, throughput.nbytes) == (50, 50_000)


def test_nothing_is_no_rate() -> None:
    """Before the first frame, and long after the last, the rates are nothing or next to it."""
    throughput = Throughput()
    assert throughput.bytes_per_second(1.0) == throughput.fps(1.0) == 0
    throughput.add(1000, 1.0)
    throughput.add(1000, 1.1)
    assert throughput.fps(101) < 0.1
