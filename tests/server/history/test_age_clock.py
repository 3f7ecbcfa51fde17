"""The time by which recordings grow old."""

from __future__ import annotations

from skysentry_trio.server.history.age_clock import AgeClock
from tests.clocks import NOON

HOUR, DAY = 3600.0, 86400.0


class Clocks:
    """A clock that people set, and one that nobody can set."""

    def __init__(self) -> None:
        self.wall, self.steady = NOON, 7.0
        self.age = AgeClock(lambda: self.wall, lambda: self.steady)
        self.age.now()

    def after(self, seconds: float) -> float:
        """Let time go by, as the server does between two looks."""
        for _ in range(int(seconds // 60)):
            self.wall, self.steady = self.wall + 60, self.steady + 60
            self.age.now()
        return self.age.now() - NOON


def test_time_goes_by() -> None:
    """Without steps, it is the time of day."""
    assert Clocks().after(3 * DAY) == 3 * DAY


def test_a_step_back_counts_at_once() -> None:
    """Recordings become younger, and nothing is deleted too early when the clock is right again."""
    clocks = Clocks()
    clocks.wall -= HOUR
    assert clocks.after(60) == 60 - HOUR
    clocks.wall += HOUR
    assert clocks.after(60) == 120 - HOUR
    assert clocks.after(2 * DAY) == 2 * DAY + 120


def test_a_step_forward_counts_after_a_day() -> None:
    """Until then, time goes by as if nothing had happened, and a clock that is set right again leaves no trace."""
    clocks = Clocks()
    clocks.wall += 30 * DAY
    assert clocks.after(DAY / 2) == DAY / 2
    clocks.wall -= 30 * DAY
    assert clocks.after(DAY) == 1.5 * DAY
    clocks.wall += 30 * DAY
    assert clocks.after(DAY + 120) == 32.5 * DAY + 120


def test_the_clock_of_this_machine_is_read() -> None:
    """Without clocks of its own, it shows the time of day."""
    import time  # noqa: PLC0415

    assert abs(AgeClock().now() - time.time()) < 60
