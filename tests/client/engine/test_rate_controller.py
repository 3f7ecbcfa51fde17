"""Demand and uplink together, and the closed loop as a whole on a simulated link in virtual time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field

from skysentry_trio.client.engine.rate_controller import RateController
from skysentry_trio.client.engine.uplink_controller import NO_REDUCTION, PERIOD, Reduction
from skysentry_trio.client.engine.uplink_window import UplinkWindow
from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.sources.frames import FrameSlot, SourceFrame
from skysentry_trio.sources.pacing import FramePacer
from skysentry_trio.wire.capture import Demand


def test_demand_becomes_what_is_wanted() -> None:
    """Quality is a percentage for those who encode."""
    rate_controller = RateController(FrameSlot())
    rate_controller.take_demand(Demand(3, 12.0, 640, 0.6))
    assert rate_controller.slot.target == EncoderTarget(max_fps=12.0, max_width=640, max_quality=60)
    rate_controller.take_demand(Demand(3))
    assert rate_controller.slot.target == UNLIMITED


def test_demand_can_be_ignored() -> None:
    """It is still known who watches."""
    rate_controller = RateController(FrameSlot(), obeys=False)
    rate_controller.take_demand(Demand(0, 0.2))
    assert rate_controller.slot.target == UNLIMITED
    assert rate_controller.demand == Demand(0, 0.2)


@pytest.mark.parametrize("demand", [Demand(1, 0.0), Demand(1, max_width=-1), Demand(1, quality=7.0)])
def test_demand_that_makes_no_sense_is_ignored(demand: Demand) -> None:
    """What was demanded before holds."""
    rate_controller = RateController(FrameSlot())
    rate_controller.take_demand(Demand(1, 5.0))
    rate_controller.take_demand(demand)
    assert rate_controller.slot.target == EncoderTarget(max_fps=5.0)


def test_a_new_server_may_want_everything() -> None:
    """One that says nothing has no limits."""
    rate_controller = RateController(FrameSlot())
    rate_controller.take_demand(Demand(0, 0.2))
    rate_controller.begin()
    assert rate_controller.demand is None
    assert rate_controller.slot.target == UNLIMITED


WIDTH, QUALITY = 1280, 0.7


def settings(target: EncoderTarget) -> tuple[float, float]:
    """Width and quality of a camera of 1280 pixels that encodes at 0.7 if nothing less is wanted."""
    quality = min(QUALITY, target.max_quality / 100 if target.max_quality else 1)
    return min(WIDTH, target.max_width or WIDTH) * target.width_factor, quality * target.quality_factor


def jpeg_size(width: float, quality: float) -> int:
    """Bytes as in the golden scenarios."""
    return int(50_000 * (width / WIDTH) ** 1.7 * (0.25 + 0.32 * quality + 1.07 * quality**2))


@define(eq=False)
class Link:
    """A way to a server that keeps its own queue, as modems do: nothing is lost, everything gets late."""

    bytes_per_second: float
    delay: float = 0.02
    """Seconds there and back."""
    ages: list[tuple[float, float]] = field(factory=list)
    """When frames arrived, and how old they were."""
    carried: int = 0
    _free_at: float = 0.0

    async def carry(self, frame: SourceFrame) -> float:
        """Return when the receipt is back."""
        self._free_at = max(self._free_at, trio.current_time()) + len(frame.jpeg) / self.bytes_per_second
        arrives = self._free_at + self.delay / 2
        await trio.sleep_until(arrives)
        self.ages.append((trio.current_time(), trio.current_time() - frame.captured_at))
        self.carried += len(frame.jpeg)
        await trio.sleep_until(arrives + self.delay / 2)
        return trio.current_time()

    def stall(self, seconds: float) -> None:
        """Carry nothing for this long from now on."""
        self._free_at = max(self._free_at, trio.current_time() + seconds)

    def ages_since(self, moment: float) -> list[float]:
        return sorted(age for arrived, age in self.ages if arrived >= moment)


@define(eq=False)
class Simulation:
    """A source of 50 kB at 30 frames a second, the loop, and a link; as a camera's session does it."""

    link: Link
    encodes: bool
    rate_controller: RateController
    window: UplinkWindow = field(factory=UplinkWindow)
    _answered: trio.Event = field(factory=trio.Event)
    _nursery: trio.Nursery | None = None

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self.rate_controller.slot.encodes = self.encodes
            self.window.note_round_trip(self.link.delay, trio.current_time())
            for task in (self.draw, self.evaluate, self.send):
                nursery.start_soon(task)

    async def draw(self) -> None:
        pacer, slot = FramePacer(30), self.rate_controller.slot
        while True:
            await pacer.wait()
            if not slot.leaves_out():
                wanted = slot.target
                slot.offer(SourceFrame(bytes(jpeg_size(*settings(wanted))), trio.current_time()))

    async def evaluate(self) -> None:
        while True:
            await trio.sleep(PERIOD)
            now = trio.current_time()
            self.rate_controller.evaluate(now, congested=self.window.is_congested(now))

    async def send(self) -> None:
        assert self._nursery is not None
        key = 0
        while True:
            while not self.window.is_open:
                self._answered = trio.Event()
                await self._answered.wait()
            frame = await self.rate_controller.slot.receive()
            key += 1
            self.window.send(key, trio.current_time())
            self._nursery.start_soon(self.carry, frame, key)

    async def carry(self, frame: SourceFrame, key: int) -> None:
        self.window.take_answer(key, await self.link.carry(frame))
        self._answered.set()


@asynccontextmanager
async def simulation(
    bytes_per_second: float, delay: float = 0.02, *, encodes: bool = True
) -> AsyncIterator[tuple[Link, RateController, UplinkWindow]]:
    link = Link(bytes_per_second, delay)
    simulated = Simulation(link, encodes, RateController(FrameSlot(clock=trio.current_time)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(simulated.run)
        yield link, simulated.rate_controller, simulated.window
        nursery.cancel_scope.cancel()


async def seconds_until(condition: Callable[[], bool], most: float) -> float:
    start = trio.current_time()
    while not condition():
        await trio.sleep(0.1)
        assert trio.current_time() - start < most
    return trio.current_time() - start


FULL = 30 * 50_000


async def test_a_wide_link_carries_everything(autojump_clock: trio.testing.MockClock) -> None:
    """Nothing is left out and nothing gets smaller."""
    async with simulation(10 * FULL) as (link, rate_controller, _):
        await trio.sleep(20)
        assert len(link.ages) >= 598
        assert rate_controller.reduction == NO_REDUCTION
        assert rate_controller.slot.dropped == {}


async def test_a_long_wide_link_carries_everything(autojump_clock: trio.testing.MockClock) -> None:
    """After a few round trips of 300 ms the window is wide enough for the full rate; nothing gets smaller for it."""
    async with simulation(10 * FULL, 0.3) as (link, rate_controller, window):
        await trio.sleep(10)
        before = len(link.ages)
        await trio.sleep(10)
        assert len(link.ages) - before >= 298
        assert window.size >= 9
        assert rate_controller.reduction == NO_REDUCTION


async def test_a_link_of_a_quarter(autojump_clock: trio.testing.MockClock) -> None:
    """Within five seconds frames are small enough to come at nearly the full rate, fresh; the link is used well."""
    async with simulation(FULL / 4) as (link, rate_controller, _):
        await trio.sleep(5)
        assert rate_controller.reduction.quality == 0.5
        assert 0.5 < rate_controller.reduction.width < 1
        assert rate_controller.reduction.rate == 1.0
        start, carried = trio.current_time(), link.carried
        await trio.sleep(30)
        ages = link.ages_since(start)
        assert len(ages) >= 27 * 30
        assert ages[-1] < 0.3
        assert link.carried - carried > 0.6 * 30 * FULL / 4


async def test_it_climbs_back_when_the_link_is_free(autojump_clock: trio.testing.MockClock) -> None:
    """Half a minute later everything is as it was."""
    async with simulation(FULL / 4) as (link, rate_controller, _):
        await trio.sleep(10)
        assert rate_controller.reduction != NO_REDUCTION
        link.bytes_per_second = 10 * FULL
        await seconds_until(lambda: rate_controller.reduction == NO_REDUCTION, most=30)


async def test_a_link_that_becomes_narrow(autojump_clock: trio.testing.MockClock) -> None:
    """Frames are younger than half a second again within five, although the link queues all it is given."""
    async with simulation(FULL * 2) as (link, _, _window):
        await trio.sleep(10)
        link.bytes_per_second = FULL / 4
        await trio.sleep(5)
        start = trio.current_time()
        await trio.sleep(20)
        assert link.ages_since(start)[-1] < 0.5


@pytest.mark.parametrize("stall", [1.5, 5.0, 15.0])
async def test_a_stall_is_one_reduction(stall: float, autojump_clock: trio.testing.MockClock) -> None:
    """A wide link that carries nothing for some seconds carries everything again two seconds later."""
    async with simulation(10 * FULL) as (link, rate_controller, _):
        await trio.sleep(10)
        link.stall(stall)
        least = 1.0
        end = trio.current_time() + stall
        while trio.current_time() < end:
            await trio.sleep(0.1)
            least = min(least, rate_controller.reduction.quality * rate_controller.reduction.width**2)
        assert least >= 0.25 * 0.5
        await seconds_until(lambda: rate_controller.reduction == NO_REDUCTION, most=2.5)
        await trio.sleep(1)
        start = trio.current_time()
        await trio.sleep(5)
        assert len(link.ages_since(start)) >= 148
        assert rate_controller.reduction == NO_REDUCTION


async def test_a_stall_that_leaves_a_narrow_link(autojump_clock: trio.testing.MockClock) -> None:
    """What was carried before is tried once; then the camera lives with what is left."""
    async with simulation(10 * FULL) as (link, _, _window):
        await trio.sleep(10)
        link.stall(3)
        link.bytes_per_second = FULL / 20
        await trio.sleep(15)
        start = trio.current_time()
        await trio.sleep(20)
        ages = link.ages_since(start)
        assert len(ages) > 20 * 5
        assert ages[-1] < 0.6


async def test_a_link_for_next_to_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """Quality and width end at a half, the rest is the rate; at least a frame a second is tried."""
    async with simulation(FULL / 50) as (link, rate_controller, _):
        await trio.sleep(30)
        start = trio.current_time()
        assert rate_controller.reduction.quality == rate_controller.reduction.width == 0.5
        assert rate_controller.reduction.rate < 1
        assert rate_controller.slot.dropped["uplink"] > 0
        await trio.sleep(20)
        ages = link.ages_since(start)
        assert len(ages) >= 20
        assert ages[len(ages) // 2] < 0.6


async def test_whole_jpegs_are_thinned(autojump_clock: trio.testing.MockClock) -> None:
    """What cannot be made smaller comes less often, and as fresh."""
    async with simulation(FULL / 4, encodes=False) as (link, rate_controller, _):
        await trio.sleep(10)
        assert rate_controller.reduction == Reduction(rate=rate_controller.reduction.rate)
        assert rate_controller.reduction.rate < 0.3
        start = trio.current_time()
        await trio.sleep(20)
        ages = link.ages_since(start)
        assert len(ages) >= 0.7 * 20 * 30 / 4
        assert ages[-1] < 0.4


async def test_a_rise_of_demand_is_obeyed_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """After half a minute with a frame every five seconds, the full rate comes with the next picture."""
    async with simulation(10 * FULL) as (link, rate_controller, _):
        rate_controller.take_demand(Demand(0, 0.2))
        await trio.sleep(30.02)
        assert len(link.ages) <= 7
        start = trio.current_time()
        rate_controller.take_demand(Demand(1))
        await trio.sleep(1)
        assert len(link.ages_since(start)) >= 28


GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "uplink.json").read_text("utf-8"))


@pytest.mark.parametrize("case", GOLDEN["links"], ids=lambda case: str(case["name"]))
async def test_a_link_is_used_as_in_the_golden_scenarios(
    case: dict[str, Any], autojump_clock: trio.testing.MockClock
) -> None:
    """After half a minute, settings and rates are those that the capture page has over the same link."""
    expected = case["expected"]
    async with simulation(case["bytesPerSecond"], 2 * case["delay"] / 1000) as (link, rate_controller, _):
        rate_controller.take_demand(Demand(1, case["demand"].get("maxFps"), case["demand"].get("maxWidth")))
        await trio.sleep(30)
        start = trio.current_time()
        await trio.sleep(20)
        ages = link.ages_since(start)
        width, quality = settings(rate_controller.slot.target)
        found = {"fps": len(ages) / 20, "width": width, "quality": quality, "age": 1000 * ages[-1]}
        for name in ("fps", "width", "quality"):
            low, high = expected[name]
            assert low - 1e-6 <= found[name] <= high + 1e-6, found
        assert found["age"] <= expected["age"], found
