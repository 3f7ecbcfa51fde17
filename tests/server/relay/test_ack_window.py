"""The window on links of all kinds, simulated frame by frame: full links, short queues, and no stall."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Callable, Iterable
from functools import partial

import pytest
from attrs import define, field

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.ack_window import AckWindow
from skysentry_trio.server.relay.fair_queue import FairQueue

MEGABIT = 125_000


def make_frame(sequence: int, now: float = 0.0, camera_size: int = 50_000) -> JpegFrame:
    return JpegFrame(sequence, now, None, bytes(camera_size), 640, 480, now)


@define
class Link:
    """A first-in first-out queue before a line: what a modem does with all it is given."""

    rate: float
    """Bytes a second."""
    round_trip: float
    """Seconds, of an empty line."""
    free_at: float = field(default=0.0, init=False)
    carried: int = field(default=0, init=False)

    def carry(self, size: int, now: float) -> float:
        """Return when the acknowledgement of something sent now is back."""
        self.free_at = max(self.free_at, now) + size / self.rate
        self.carried += size
        return self.free_at + self.round_trip


@define
class Seen:
    """What arrived: camera, when, and how old it was."""

    camera_id: str
    at: float
    age: float


def play(
    link: Link,
    cameras: dict[str, tuple[float, int]],
    seconds: float,
    at: Iterable[tuple[float, Callable[[float], None]]] = (),
    window: AckWindow | None = None,
) -> list[Seen]:
    """Send the newest frame of each camera (rate, size) as the window allows."""
    window = window or AckWindow()
    turns, waiting, seen = FairQueue(), dict[str, JpegFrame](), list[Seen]()
    events: list[tuple[float, int, Callable[[float], None]]] = []
    sequence = 0

    def schedule(when: float, what: Callable[[float], None]) -> None:
        nonlocal sequence
        sequence += 1
        heapq.heappush(events, (when, sequence, what))

    def send(now: float) -> None:
        while waiting and window.admits(now):
            camera_id = turns.take()
            frame = waiting.pop(camera_id)
            window.sent(camera_id, frame, now)
            back = link.carry(len(frame.jpeg), now)
            seen.append(Seen(camera_id, back, back - link.round_trip / 2 - frame.arrived))
            schedule(back, partial(acknowledge, camera_id, frame.sequence))

    def acknowledge(camera_id: str, number: int, now: float) -> None:
        window.acknowledge(camera_id, number, now)
        send(now)

    def capture(camera_id: str, number: int, now: float) -> None:
        rate, size = cameras[camera_id]
        if camera_id not in waiting:
            turns.join(camera_id)
        waiting[camera_id] = make_frame(number, now, size)
        send(now)
        schedule(now + 1 / rate, partial(capture, camera_id, number + 1))

    for camera_id in cameras:
        schedule(0.0, partial(capture, camera_id, 1))
    for when, what in at:
        schedule(when, what)
    while events[0][0] < seconds:
        when, _, happen = heapq.heappop(events)
        happen(when)
    return seen


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def test_a_narrow_link_is_full_and_what_it_carries_is_fresh() -> None:
    """12 Mbit/s of frames over 4: the viewer sees now, and the link does not idle."""
    link = Link(4 * MEGABIT, 0.01)
    ages = [frame.age for frame in play(link, {"door": (30, 50_000)}, 30)]

    assert link.carried >= 0.9 * 30 * link.rate
    assert (percentile(ages, 50) <= 0.3, percentile(ages, 99) <= 0.5) == (True, True)


@pytest.mark.parametrize("round_trip", [0.001, 0.04, 0.08, 0.3, 0.6])
def test_a_long_and_wide_link_carries_every_frame(round_trip: float) -> None:
    """The window opens as far as the round trip needs, whatever that is."""
    seen = play(Link(100 * MEGABIT, round_trip), {"door": (30, 50_000)}, 30)

    assert len([frame for frame in seen if frame.at > 10]) >= 29 * 20


@pytest.mark.parametrize("round_trip", [2.5, 5.0, 10.0])
def test_a_link_slower_than_our_patience_is_learned(round_trip: float) -> None:
    """The first frames are given up, and when they are acknowledged after all, the window begins to open."""
    seen = play(Link(100 * MEGABIT, round_trip), {"door": (30, 50_000)}, 30 * round_trip)

    assert len([frame for frame in seen if frame.at > 20 * round_trip]) >= 10 * 10


def test_an_acknowledgement_speaks_for_what_was_given_up_before() -> None:
    """What comes later of the camera's earlier frames says nothing any more."""
    window = AckWindow()
    window.sent("door", make_frame(1), 0.0)
    window.sent("yard", make_frame(1), 0.0)
    assert window.admits(100.0)
    window.sent("door", make_frame(2), 100.0)
    assert window.acknowledge("door", 2, 100.1) is not None

    assert window.acknowledge("door", 1, 100.2) is None
    assert window.acknowledge("yard", 1, 100.2) is not None


def test_a_frame_that_was_sent_twice_is_acknowledged_as_the_first_of_both() -> None:
    """Looking back shows frames again; a link is not taken to be shorter than it is."""
    window = AckWindow()
    window.sent("door", make_frame(1), 0.0)
    assert window.admits(100.0)
    window.sent("door", make_frame(1), 100.0)

    assert (first := window.acknowledge("door", 1, 100.1)) is not None
    assert first.sent_at == 0.0
    assert (second := window.acknowledge("door", 1, 100.2)) is not None
    assert second.sent_at == 100.0


def test_a_wall_of_cameras_gets_all_its_frames() -> None:
    """Twenty cameras share one viewer's window, and a screen that paints a little late does not throttle them."""
    seen = play(Link(100 * MEGABIT, 0.03), {f"cam-{n}": (15 + n / 100, 20_000) for n in range(20)}, 20)

    assert len([frame for frame in seen if frame.at > 10]) >= 0.97 * 10 * 15 * 20


def test_a_fast_camera_does_not_starve_a_slow_one() -> None:
    """60 and 5 frames a second over a link for ten: the slow camera gets through."""
    seen = play(Link(4 * MEGABIT, 0.01), {"fast": (60, 50_000), "slow": (5, 50_000)}, 30)

    assert len([frame for frame in seen if frame.camera_id == "slow"]) >= 4.5 * 30


@pytest.mark.parametrize("size", [5_000, 50_000, 200_000])
def test_a_link_that_becomes_narrow_is_fresh_again_soon(size: int) -> None:
    """From 50 to 2 Mbit/s: two seconds later, frames are as fresh as their own size allows."""
    link = Link(50 * MEGABIT, 0.02)

    def narrow(_now: float) -> None:
        link.rate = 2 * MEGABIT

    seen = play(link, {"door": (30, size)}, 30, at=[(10, narrow)])

    alone = size / (2 * MEGABIT) + 0.02
    assert percentile([frame.age for frame in seen if frame.at > 14], 95) <= 2 * alone + 0.25


def test_a_standing_queue_is_not_taken_for_a_long_link() -> None:
    """After minutes on a full link the window has not crept open."""
    ages = [frame.age for frame in play(Link(4 * MEGABIT, 0.01), {"door": (30, 50_000)}, 300)]

    assert percentile(ages[-300:], 95) <= 0.4


def test_the_first_frames_go_out_two_at_a_time() -> None:
    """Before anything is known of the link, two frames may be under way."""
    window = AckWindow()
    for number in (1, 2):
        assert window.admits(0.0)
        window.sent("door", make_frame(number), 0.0)

    assert not window.admits(0.0)
    assert window.acknowledge("door", 1, 0.05) is not None
    assert window.admits(0.05)


def test_an_acknowledgement_covers_what_was_sent_before_of_its_camera_only() -> None:
    """Frames that a viewer skipped need no word of their own; those of other cameras do."""
    window = AckWindow()
    for camera_id, number in (("door", 7), ("yard", 1), ("door", 9)):
        window.sent(camera_id, make_frame(number), 0.0)

    acknowledged = window.acknowledge("door", 9, 0.05)
    assert acknowledged is not None
    assert (acknowledged.camera_id, acknowledged.sequence) == ("door", 9)
    assert window.acknowledge("door", 7, 0.05) is None
    assert window.acknowledge("yard", 2, 0.05) is None
    assert window.acknowledge("yard", 1, 0.05) is not None


def test_a_viewer_that_forgets_to_acknowledge_is_not_forgotten() -> None:
    """After a while what is under way counts as lost, one frame is let through, and the loss is counted."""
    window = AckWindow()
    window.sent("door", make_frame(1), 0.0)
    window.sent("door", make_frame(2), 0.0)

    assert not window.admits(1.99)
    assert window.admits(2.1)
    window.sent("door", make_frame(3), 2.1)
    assert not window.admits(2.1)
    assert window.unacked == 2


def test_nothing_is_expected_of_cameras_that_are_no_longer_watched() -> None:
    """Their frames under way take no places any more."""
    window = AckWindow()
    window.sent("door", make_frame(1), 0.0)
    window.sent("yard", make_frame(1), 0.0)
    window.forget("door")
    assert window.admits(0.0)
    assert window.acknowledge("door", 1, 0.1) is None
    window.sent("door", make_frame(2), 0.0)
    window.forget_all(except_of=["door"])
    assert window.acknowledge("yard", 1, 0.1) is None
    assert window.acknowledge("door", 2, 0.1) is not None
