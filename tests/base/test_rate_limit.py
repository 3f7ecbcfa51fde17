"""How fast is allowed: a rate that holds over any time, and a burst that is no more than was said."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.rate_limit import RateLimiter

GAPS = st.lists(st.floats(0, 2, allow_subnormal=False), min_size=1, max_size=60)


def admitted(pacer: RateLimiter, times: list[float]) -> list[float]:
    return [time for time in times if pacer.admit(time)]


def test_the_first_event_is_let_through_at_any_time() -> None:
    """A clock may begin anywhere, also below zero."""
    assert all(RateLimiter(1.0, burst=0.0).admit(now) for now in (-1e9, 0.0, 1e9))


@pytest.mark.parametrize(("rate", "burst", "at_once"), [(1.0, 0.0, 1), (10.0, 0.0, 1), (64.0, 2.0, 129), (1.0, 3.0, 4)])
def test_a_burst_lets_through_what_would_come_in_that_time(rate: float, burst: float, at_once: int) -> None:
    """The event that is due, and those of the burst's seconds to come."""
    assert len(admitted(RateLimiter(rate, burst), [0.0] * 1000)) == at_once


def test_events_at_the_rate_are_all_let_through() -> None:
    """Who keeps the pace is never refused, however long."""
    times = [number / 30 for number in range(10_000)]

    assert len(admitted(RateLimiter(30.0, burst=0.001), times)) == 10_000


def test_a_pause_earns_no_more_than_the_burst() -> None:
    """After a night's silence as much may come at once as at the start."""
    pacer = RateLimiter(10.0, burst=1.0)
    first = len(admitted(pacer, [0.0] * 100))

    assert len(admitted(pacer, [36_000.0] * 100)) == first == 11


def test_what_is_refused_costs_nothing() -> None:
    """Who is refused a thousand times is let through as early as who waited."""
    patient, impatient = RateLimiter(2.0, burst=0.0), RateLimiter(2.0, burst=0.0)
    admitted(patient, [0.0])
    admitted(impatient, [0.0] * 1000 + [0.4])

    assert admitted(patient, [0.5]) == admitted(impatient, [0.5]) == [0.5]


@given(GAPS, st.sampled_from([0.5, 1.0, 4.0]), st.sampled_from([0.0, 0.5, 3.0]))
def test_no_span_of_time_has_more_than_the_rate(gaps: list[float], rate: float, burst: float) -> None:
    """Between any two events that are let through there are at most as many as rate and burst allow."""
    times = [sum(gaps[:count]) for count in range(len(gaps))]

    let_through = admitted(RateLimiter(rate, burst), times)

    for first, start in enumerate(let_through):
        for last in range(first, len(let_through)):
            allowed = (let_through[last] - start + burst) * rate + 1
            assert last - first + 1 <= allowed + 1e-6


@given(GAPS, st.sampled_from([0.5, 1.0, 4.0]))
def test_without_a_burst_events_keep_their_distance(gaps: list[float], rate: float) -> None:
    """No two that are let through are closer together than the rate says."""
    times = [sum(gaps[:count]) for count in range(len(gaps))]

    for earlier, later in pairwise(admitted(RateLimiter(rate, burst=0.0), times)):
        assert later - earlier >= 1 / rate - 1e-9
