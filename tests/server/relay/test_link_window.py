"""The window of a link between two servers, simulated frame by frame, and with an outbox in virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.base.frames import RingStatistics
from skysentry_trio.server.relay.ack_window import AckWindow
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.link_window import LinkWindow
from skysentry_trio.server.relay.outbox import Outbox
from tests.hubs import make_hub
from tests.server.relay.test_ack_window import MEGABIT, Link, make_frame, percentile, play

FPS = 15.0
Stall = tuple[float, Callable[[float], None]]
STATS = RingStatistics(size=1, capacity=16, frame_count=1, latest_at=0.0, fps=0.0)


def cameras(count: int, size: int = 20_000) -> dict[str, tuple[float, int]]:
    """Return cameras whose frames all come at the same moment."""
    return {f"camera-{number}": (FPS, size) for number in range(count)}


@pytest.mark.parametrize("round_trip", [0.001, 0.05, 0.3])
def test_a_link_with_room_carries_every_frame_of_all_cameras(round_trip: float) -> None:
    """A hundred frames at the same moment, of which a window that counts frames would drop most."""
    seen = play(Link(1000 * MEGABIT, round_trip), cameras(100), 12, window=LinkWindow())
    assert len([frame for frame in seen if 1 <= frame.at - frame.age - round_trip / 2 < 11]) >= 100 * 10 * FPS - 100


@pytest.mark.parametrize("stall", [0.5, 5.0])
def test_a_link_that_stood_still_is_at_its_full_rate_at_once(stall: float) -> None:
    """Frames of the stall are dropped, and none after it."""
    link = Link(1000 * MEGABIT, 0.01)

    def stand_still(now: float) -> None:
        link.free_at = now + stall

    seen = play(link, cameras(12), 22, at=[(10, stand_still)], window=LinkWindow())
    begin = 10 + stall + 0.2
    later = [frame for frame in seen if begin <= frame.at < begin + 5]
    assert len(later) >= 5 * FPS * 12 - 12
    assert max(frame.age for frame in later) < 0.1


def test_a_link_between_busy_servers_carries_every_frame() -> None:
    """Half of the time, the other server does something else, for a tenth of a second on average."""
    chosen, link, stalls, begin = random.Random(1), Link(1000 * MEGABIT, 0.002), list[Stall](), 1.0

    def stand_still(seconds: float, now: float) -> None:
        link.free_at = max(link.free_at, now + seconds)

    while begin < 60:
        seconds = chosen.expovariate(10)
        stalls.append((begin, partial(stand_still, seconds)))
        begin += seconds + chosen.expovariate(10)
    seen = play(link, cameras(12), 60, at=stalls, window=LinkWindow())
    assert len(seen) >= 0.995 * 12 * 60 * FPS


def test_a_narrow_link_is_full_and_what_it_carries_is_fresh() -> None:
    """Twelve Mbit/s of frames over four, for minutes: the queue is not taken for the delay of the empty link."""
    link = Link(4 * MEGABIT, 0.01)
    ages = [frame.age for frame in play(link, {"door": (30, 50_000)}, 200, window=LinkWindow())]
    assert link.carried >= 0.9 * 200 * link.rate
    assert percentile(ages[-1000:], 99) <= 0.7


def test_a_server_that_acknowledges_nothing_gets_a_few_frames_only() -> None:
    """What is under way is bounded, and one attempt follows after some seconds."""
    window, sent = LinkWindow(), 0
    window.sent("door", make_frame(0), 0.0)
    assert window.acknowledge("door", 0, 0.01) is not None
    for number in range(1, 1 + int(FPS * 10)):
        now = number / FPS
        if window.admits(now):
            window.sent("door", make_frame(number), now)
            sent += 1
    assert sent <= 20


async def test_another_server_has_the_window_of_a_link() -> None:
    """A viewer has the window of a viewer."""
    hub = make_hub()
    with hub.watch(own_only=True) as server, hub.watch() as viewer:
        for one in (server, viewer):
            hub.acknowledge(one, "door", 1, None)
        assert type(server.outbox.window) is LinkWindow
        assert type(viewer.outbox.window) is AckWindow


@pytest.mark.parametrize("round_trip", [0.002, 0.08])
async def test_an_outbox_drops_nothing_that_the_link_can_take(autojump_clock: MockClock, round_trip: float) -> None:
    """Twelve cameras, whose frames come at the same moment, and a second in which nothing is acknowledged."""
    outbox, link, arrived = Outbox(12, make_window=LinkWindow), Line(round_trip), list[tuple[float, str]]()

    async def offer(camera_id: str) -> None:
        for number in range(1, int(FPS * 10)):
            outbox.offer(Delivery(camera_id, make_frame(number, trio.current_time(), 10), STATS), trio.current_time())
            await trio.sleep(1 / FPS)

    async def send() -> None:
        while True:
            delivery = await outbox.receive()
            assert isinstance(delivery, Delivery)
            nursery.start_soon(acknowledge, delivery)

    async def acknowledge(delivery: Delivery) -> None:
        await link.carry()
        arrived.append((trio.current_time(), delivery.camera_id))
        outbox.acknowledge(delivery.camera_id, delivery.frame.sequence, trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        async with trio.open_nursery() as sources:
            for number in range(12):
                sources.start_soon(offer, f"camera-{number}")
            await trio.sleep(3)
            assert outbox.superseded == 0
            link.stands_until = trio.current_time() + 1
            await trio.sleep(2)
            dropped = outbox.superseded
        nursery.cancel_scope.cancel()
    assert 0 < dropped <= 12 * FPS
    assert outbox.superseded == dropped


class Line:
    """The way to the other server and back."""

    def __init__(self, round_trip: float) -> None:
        self.round_trip = round_trip
        self.stands_until = 0.0

    async def carry(self) -> None:
        await trio.sleep_until(max(trio.current_time() + self.round_trip, self.stands_until))
