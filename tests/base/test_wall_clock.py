"""The time of day, and what is noticed when somebody sets it."""

from __future__ import annotations

import time

import pytest
from attrs import define

from skysentry_trio.base.wall_clock import WallClock


@define
class Machine:
    """The two clocks of a machine."""

    wall: float = 1_700_000_000.0
    steady: float = 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(time, "time", lambda: machine.wall)
    return machine


def clock_of(machine: Machine) -> WallClock:
    clock = WallClock(lambda: machine.steady)
    clock.now()
    return clock


@pytest.mark.parametrize("step", [-3600.0, -0.5, 0.5, 3600.0, 1e9])
def test_a_step_is_noticed_once(machine: Machine, step: float) -> None:
    """Time passes before and after it; the shift is by how much the clock was set."""
    clock = clock_of(machine)
    machine.pass_by(100)
    assert (clock.now(), clock.shift) == (1_700_000_100.0, 0.0)
    machine.wall += step
    machine.pass_by(5)
    assert clock.now() == pytest.approx(1_700_000_105.0 + step)
    assert clock.now() == pytest.approx(1_700_000_105.0 + step)
    assert clock.shift == pytest.approx(step)


def test_several_steps_add_up(machine: Machine) -> None:
    """Back and forth is as before."""
    clock = clock_of(machine)
    for step in (3600.0, -600.0, -3000.0):
        machine.wall += step
        clock.now()
    assert clock.shift == pytest.approx(0.0)


def test_a_clock_that_runs_slightly_wrong_makes_no_step(machine: Machine) -> None:
    """A time service corrects it by 500 ppm: two seconds in more than an hour."""
    clock = clock_of(machine)
    for _ in range(400):
        machine.pass_by(10)
        machine.wall += 0.005
        clock.now()
    assert clock.shift == 0.0


def test_a_thread_that_stood_still_between_two_readings_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second attempt shows that nobody has set the clock."""
    steady = 0.0
    pauses = iter([0.0, 3.0, 0.0])

    def read_steady() -> float:
        nonlocal steady
        steady += next(pauses)
        return steady

    monkeypatch.setattr(time, "time", lambda: steady)
    clock = WallClock(read_steady)
    clock.now()
    clock.now()
    assert clock.shift == 0.0
