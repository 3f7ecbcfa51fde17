"""What waits for one viewer: newest wins, cameras take turns, nothing grows, every drop is counted."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from unittest.mock import ANY

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.notices import CameraNotice, Notice, ResultNotice
from skysentry_trio.server.relay.outbox import Outbox, PartialWrite
from tests.frame_sinks import CallingSink

STATS = RingStatistics(size=1, capacity=16, frame_count=1, latest_at=0.0, fps=0.0)


def delivery(camera_id: str, sequence: int = 1, size: int = 10) -> Delivery:
    return Delivery(camera_id, JpegFrame(sequence, 0.0, None, bytes(size), 4, 3), STATS)


async def take(outbox: Outbox) -> Delivery | list[Notice]:
    """Return what is there; fail if there is nothing."""
    with trio.fail_after(1):
        taken = await outbox.receive()
    assert isinstance(taken, Delivery | list)
    return taken


def test_a_notice_is_encoded_once_for_all_viewers() -> None:
    """Hundreds of viewers may get the same thousands of notices."""
    calls = list[CameraNotice]()
    notice = CameraNotice("a", None, online=True)

    def encode(notice: CameraNotice) -> bytes:
        calls.append(notice)
        return b"a is online"

    assert [notice.encode(encode), notice.encode(encode)] == [b"a is online"] * 2
    assert calls == [notice]


def test_notices_that_come_together_are_bounded_too() -> None:
    """The oldest ones are dropped and counted, as if each had come alone."""
    outbox = Outbox(3)
    outbox.notify(CameraNotice("a", None, online=True))
    outbox.notify_many({name: CameraNotice(name, None, online=False) for name in "bcde"})

    assert (list(outbox._notices), outbox.notices_dropped) == (["c", "d", "e"], 2)


def test_a_frame_is_gone_with_its_last_holder() -> None:
    """Nothing in a delivery refers back to it: its bytes do not wait for the garbage collector."""
    gc.disable()
    try:
        one = delivery("a")
        one.encode(lambda own: own.frame.jpeg)
        gone = weakref.ref(one)
        del one
        assert gone() is None
    finally:
        gc.enable()


async def take_all(outbox: Outbox) -> list[tuple[str, int]]:
    """Return id and sequence of all frames that wait, in their order."""
    frames = []
    with trio.move_on_after(1):
        while True:
            taken = await outbox.receive()
            assert isinstance(taken, Delivery)
            frames.append((taken.camera_id, taken.frame.sequence))
    return frames


def test_a_frame_is_rendered_once_for_each_format() -> None:
    """However many viewers ask, each format's message is made once and shared."""
    calls: Counter[str] = Counter()

    def encode_one(delivery: Delivery) -> bytes:
        calls["one"] += 1
        assert delivery.stats is STATS
        return delivery.camera_id.encode() + delivery.frame.jpeg

    def encode_two(delivery: Delivery) -> bytes:
        calls["two"] += 1
        return delivery.camera_id.encode()

    one = delivery("a", size=2)

    assert [one.encode(encode_one) for _ in range(3)] == [b"a\0\0"] * 3
    assert [one.encode(encode_two) for _ in range(3)] == [b"a"] * 3
    assert one.encode(encode_one) is one.encode(encode_one)
    assert calls == {"one": 1, "two": 1}


async def test_the_newest_frame_wins(autojump_clock: MockClock) -> None:
    """Of the frames of one camera that come before the viewer is ready only the last is sent, the others counted."""
    outbox = Outbox(4)
    for sequence in range(1, 6):
        outbox.offer(delivery("a", sequence, size=sequence), 0.0)

    assert await take_all(outbox) == [("a", 5)]
    assert (outbox.sent, outbox.sent_bytes, outbox.superseded, outbox.rate_limited) == (1, 5, 4, 0)


async def test_cameras_take_turns(autojump_clock: MockClock) -> None:
    """A camera of 60 frames a second leaves one of 5 its turn, though the viewer can take 10 in all."""
    outbox, taken = Outbox(2), Counter[str]()

    async def offer_all(camera_id: str, fps: int) -> None:
        for sequence in range(10 * fps):
            outbox.offer(delivery(camera_id, sequence), 0.0)
            await trio.sleep(1 / fps)

    async def take_ten_a_second() -> None:
        while True:
            waiting = await outbox.receive()
            assert isinstance(waiting, Delivery)
            taken[waiting.camera_id] += 1
            await trio.sleep(0.1)

    with trio.move_on_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(offer_all, "fast", 60)
            nursery.start_soon(offer_all, "slow", 5)
            nursery.start_soon(take_ten_a_second)

    assert taken["slow"] >= 48
    assert taken["fast"] >= 48
    assert outbox.sent == taken.total()
    assert outbox.superseded >= 600 - taken["fast"] - 1


async def test_cameras_are_sent_in_the_order_in_which_they_began_to_wait(autojump_clock: MockClock) -> None:
    """A newer frame keeps its camera's place in the queue, and a camera that was just served goes to its end."""
    outbox = Outbox(3)
    for camera_id, sequence in (("a", 1), ("b", 1), ("a", 2), ("c", 1)):
        outbox.offer(delivery(camera_id, sequence), 0.0)
    first = await take(outbox)
    outbox.offer(delivery("a", 3), 0.0)

    assert isinstance(first, Delivery)
    assert (first.camera_id, first.frame.sequence) == ("a", 2)
    assert await take_all(outbox) == [("b", 1), ("c", 1), ("a", 3)]


async def test_an_outbox_is_bounded(autojump_clock: MockClock) -> None:
    """Beyond its capacity in cameras nothing is kept, nothing raised, and everything counted."""
    outbox = Outbox(2)
    for camera_id in ("a", "b", "c", "d"):
        outbox.offer(delivery(camera_id), 0.0)
    outbox.notify(CameraNotice("a", None, online=True))

    assert len(outbox.waiting) == 2
    assert outbox.superseded == 2
    frames = [await take(outbox), await take(outbox)]
    assert [frame.camera_id for frame in frames if isinstance(frame, Delivery)] == ["a", "b"]
    assert isinstance(await take(outbox), list)


async def test_notices_about_one_camera_coalesce(autojump_clock: MockClock) -> None:
    """Of several notices about a camera the viewer gets the last one, all cameras' in one go."""
    outbox = Outbox(4)
    outbox.notify(CameraNotice("a", None, online=True))
    outbox.notify(CameraNotice("b", "Door", online=True))
    outbox.notify(CameraNotice("a", None, online=False))

    assert await take(outbox) == [CameraNotice("a", None, online=False), CameraNotice("b", "Door", online=True)]

    outbox.notify(CameraNotice("a", None, online=False, removed=True))
    assert await take(outbox) == [CameraNotice("a", None, online=False, removed=True)]


async def test_notices_are_bounded(autojump_clock: MockClock) -> None:
    """Ids that come and go faster than a viewer reads push out the oldest news, which is counted."""
    outbox = Outbox(2)
    for camera_id in ("a", "b", "a", "c", "d"):
        outbox.notify(CameraNotice(camera_id, None, online=False, removed=True))

    notices = await take(outbox)
    assert isinstance(notices, list)
    assert [notice.camera_id for notice in notices] == ["c", "d"]
    assert outbox.notices_dropped == 2


async def test_what_is_forgotten_is_not_sent(autojump_clock: MockClock) -> None:
    """A forgotten camera's frame is dropped and counted once; what has not waited cannot be forgotten."""
    outbox = Outbox(4)
    outbox.offer(delivery("a"), 0.0)
    outbox.offer(delivery("b"), 0.0)
    for camera_id in ("a", "a", "c"):
        outbox.forget(camera_id)

    assert await take_all(outbox) == [("b", 1)]
    assert (outbox.sent, outbox.superseded, outbox.rate_limited) == (1, 0, 1)


async def test_a_camera_can_wait_again_after_it_was_forgotten(autojump_clock: MockClock) -> None:
    """A new frame takes the place of the forgotten one and replaces nothing."""
    outbox = Outbox(1)
    outbox.offer(delivery("a", 1), 0.0)
    outbox.forget("a")
    outbox.offer(delivery("a", 2), 0.0)

    assert await take_all(outbox) == [("a", 2)]
    assert (outbox.sent, outbox.superseded, outbox.rate_limited) == (1, 0, 1)


async def test_all_frames_can_be_forgotten_and_notices_stay(autojump_clock: MockClock) -> None:
    """Forgetting frames leaves what is to be said about cameras."""
    outbox = Outbox(4)
    outbox.offer(delivery("a"), 0.0)
    outbox.notify(CameraNotice("a", None, online=True))
    outbox.offer(delivery("b"), 0.0)

    outbox.forget_all()

    assert await take(outbox) == [CameraNotice("a", None, online=True)]
    assert await take_all(outbox) == []
    assert outbox.rate_limited == 2


async def test_whoever_waits_is_woken(autojump_clock: MockClock) -> None:
    """A viewer that has everything gets the next frame as soon as it is there."""
    outbox, taken = Outbox(4), []

    async def receive() -> None:
        taken.append(await outbox.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert taken == []
        outbox.offer(one := delivery("a"), 0.0)

    assert taken == [one]


async def test_a_cancelled_wait_loses_nothing(autojump_clock: MockClock) -> None:
    """Whoever stops waiting, even at the moment a frame comes, has it or leaves it for the next to take."""
    outbox, taken = Outbox(4), []

    async def receive() -> None:
        taken.append(await outbox.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        outbox.offer(delivery("a"), 0.0)

    assert len(taken) == outbox.sent
    assert len(taken) + len(await take_all(outbox)) == 1


@define
class Socket:
    """Takes frames at once, in whole or in part, as often as it was told."""

    answers: list[WriteResult]
    asked: list[str] = field(factory=list)

    @staticmethod
    def encode(delivery: Delivery) -> bytes:
        return delivery.camera_id.encode()

    def try_send(self, message: bytes) -> WriteResult:
        self.asked.append(message.decode())
        return self.answers.pop(0) if self.answers else WriteResult.NOTHING


def encode_notice(notice: Notice) -> bytes:
    return f"notice {notice.camera_id}".encode()


async def test_a_viewer_that_waits_is_sent_a_notice_at_once(autojump_clock: MockClock) -> None:
    """Nobody is woken, and a frame behind the notice goes out at once too."""
    socket = Socket([WriteResult.ALL, WriteResult.ALL, WriteResult.ALL])
    outbox = Outbox(4, socket.encode, socket, encode_notice=encode_notice)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.receive)
        await wait_all_tasks_blocked()
        outbox.notify(CameraNotice("a", None, online=True))
        outbox.send_notice()
        outbox.offer(delivery("a"), 0.0)
        outbox.notify_result(ResultNotice("a", 1, b"result"))
        outbox.send_notice()
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        nursery.cancel_scope.cancel()

    assert socket.asked == ["notice a", "a", "notice a"]
    assert await take_all(outbox) == []


@pytest.mark.parametrize("why", ["two notices", "a frame waits", "nobody sleeps", "no encoder", "no room"])
async def test_a_notice_that_cannot_go_out_at_once_wakes_the_task(autojump_clock: MockClock, why: str) -> None:
    """The task of the viewer then gets the notices, and nothing of them was sent."""
    socket = Socket([] if why in {"a frame waits", "no room"} else [WriteResult.ALL])
    outbox = Outbox(4, socket.encode, socket, encode_notice=None if why == "no encoder" else encode_notice)
    taken = list[object]()

    async def receive() -> None:
        while not taken or not isinstance(taken[-1], list):
            taken.append(await outbox.receive())

    async with trio.open_nursery() as nursery:
        if why != "nobody sleeps":
            nursery.start_soon(receive)
            await wait_all_tasks_blocked()
        if why == "two notices":
            outbox.notify(CameraNotice("b", None, online=True))
        if why == "a frame waits":
            outbox.offer(delivery("a"), 0.0)
        outbox.notify(CameraNotice("a", None, online=True))
        outbox.send_notice()
        if why == "nobody sleeps":
            nursery.start_soon(receive)

    assert [name for name in socket.asked if name.startswith("notice")] == (["notice a"] if why == "no room" else [])
    assert len(taken[-1]) == (2 if why == "two notices" else 1)  # type: ignore[arg-type]


async def test_the_rest_of_a_notice_is_sent_first(autojump_clock: MockClock) -> None:
    """A notice of which only a part was sent is finished before anything else."""
    socket = Socket([WriteResult.PART])
    outbox, taken = Outbox(4, socket.encode, socket, encode_notice=encode_notice), list[object]()

    async def receive() -> None:
        taken.extend([await outbox.receive() for _ in range(2)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        outbox.notify(CameraNotice("a", None, online=True))
        outbox.send_notice()
        outbox.offer(delivery("a"), 0.0)

    assert isinstance(taken[0], PartialWrite)
    assert isinstance(taken[1], Delivery)
    assert socket.asked == ["notice a"]


async def test_a_viewer_that_waits_is_sent_a_frame_at_once(autojump_clock: MockClock) -> None:
    """The frame is out before `offer` returns, nobody is woken, and it counts as sent."""
    socket = Socket([WriteResult.ALL, WriteResult.ALL])
    outbox = Outbox(4, socket.encode, socket)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.receive)
        await wait_all_tasks_blocked()
        outbox.offer(delivery("a", size=7), 0.0)
        outbox.offer(delivery("b", size=5), 0.0)
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        nursery.cancel_scope.cancel()

    assert socket.asked == ["a", "b"]
    assert (outbox.sent, outbox.sent_bytes, outbox.superseded, outbox.rate_limited) == (2, 12, 0, 0)


async def test_a_frame_that_was_begun_is_finished_before_the_next(autojump_clock: MockClock) -> None:
    """What did not go out whole is the next thing the viewer's task does; later frames wait behind it."""
    socket = Socket([WriteResult.PART])
    outbox, taken = Outbox(4, socket.encode, socket), []

    async def receive() -> None:
        taken.extend([await outbox.receive() for _ in range(3)])

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await wait_all_tasks_blocked()
            outbox.offer(delivery("a", 1), 0.0)
            outbox.offer(second := delivery("a", 2), 0.0)
            outbox.notify(notice := CameraNotice("a", None, online=True))

    assert isinstance(taken[0], PartialWrite)
    assert taken[1:] == [second, [notice]]
    assert (outbox.sent, outbox.superseded) == (2, 0)


@pytest.mark.parametrize("first", ["frame", "notice", "nobody"])
async def test_a_frame_is_not_sent_at_once_past_what_waits(autojump_clock: MockClock, first: str) -> None:
    """While something waits, or the viewer's task is busy, a frame goes into the queue."""
    socket = Socket([WriteResult.NOTHING] if first == "frame" else [])
    outbox = Outbox(4, socket.encode, socket)

    async def receive() -> None:
        await outbox.receive()

    async with trio.open_nursery() as nursery:
        if first != "nobody":
            nursery.start_soon(receive)
            await wait_all_tasks_blocked()
        if first == "frame":
            outbox.offer(delivery("a"), 0.0)
        if first == "notice":
            outbox.notify(CameraNotice("a", None, online=True))
        outbox.offer(delivery("b"), 0.0)

    assert socket.asked == (["a"] if first == "frame" else [])
    assert await take_all(outbox) == [("b", 1)]


async def test_a_viewer_whose_task_has_stopped_is_sent_nothing_at_once(autojump_clock: MockClock) -> None:
    """Once nobody waits any more, because the viewer is being refused, frames do not go out between its last words."""
    socket = Socket([WriteResult.ALL])
    outbox = Outbox(4, socket.encode, socket)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.receive)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

    outbox.offer(delivery("a"), 0.0)

    assert socket.asked == []


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["offer", "notify", "forget", "forget_all", "receive"]), st.sampled_from("abcde")),
    max_size=60,
)


@given(actions=ACTIONS, capacity=st.integers(1, 4))
def test_every_frame_offered_is_sent_counted_or_waiting(actions: list[tuple[str, str]], capacity: int) -> None:
    """Whatever happens in whatever order, the counts add up and nothing grows beyond its bound."""
    outbox, offered = Outbox(capacity), 0

    async def play() -> None:
        nonlocal offered
        for action, camera_id in actions:
            match action:
                case "offer":
                    offered += 1
                    outbox.offer(delivery(camera_id, offered), 0.0)
                case "notify":
                    outbox.notify(CameraNotice(camera_id, None, online=True))
                case "forget":
                    outbox.forget(camera_id)
                case "forget_all":
                    outbox.forget_all()
                case "receive":
                    with trio.move_on_after(0):
                        await outbox.receive()
            assert offered == outbox.sent + outbox.superseded + outbox.rate_limited + len(outbox.waiting)
            assert len(outbox.waiting) <= capacity
            assert len(outbox._notices) <= capacity

    trio.run(play, clock=MockClock())


@given(
    rate=st.floats(0.1, 100),
    early=st.floats(0, 1),
    distances=st.lists(st.floats(0, 1), min_size=1, max_size=100),
)
def test_a_pacer_never_lets_more_through_than_its_rate(rate: float, early: float, distances: list[float]) -> None:
    """In any time no more events pass than rate and burst together allow."""
    pacer, now, passed = RateLimiter(rate, early), 50.0, []
    for distance in distances:
        now += distance
        if pacer.admit(now):
            passed.append(now)

    assert passed
    for index, start in enumerate(passed):
        for count, end in enumerate(passed[index:], 1):
            assert count <= (end - start + early) * rate + 1 + 1e-6


def test_a_pacer_lets_its_own_rate_through_unevenly() -> None:
    """Frames at the very rate pass though each comes up to half an interval early or late."""
    pacer = RateLimiter(10.0, burst=0.05)

    assert all(pacer.admit(10 + index / 10 + (-0.02 if index % 2 else 0.02)) for index in range(100))


def test_a_pacer_halves_twice_its_rate() -> None:
    """At twice the rate every second event passes, without drift."""
    pacer = RateLimiter(10.0, burst=0.05)

    assert sum(pacer.admit(10 + index / 20) for index in range(1000)) == pytest.approx(500, abs=1)


# Viewers that acknowledge


def sent_at_once(outbox: Outbox) -> list[tuple[str, int]]:
    """Return id and sequence of what is sent at once from now on."""
    frames: list[tuple[str, int]] = []

    def send(message: bytes) -> WriteResult:
        camera_id, sequence = message.decode().split()
        frames.append((camera_id, int(sequence)))
        return WriteResult.ALL

    outbox.encode = lambda one: f"{one.camera_id} {one.frame.sequence}".encode()
    outbox.sink = CallingSink(send)
    return frames


async def test_the_first_acknowledgement_makes_them_the_pace(autojump_clock: MockClock) -> None:
    """Before it, frames go as the socket takes them; from then on two may be under way, and the newest waits."""
    outbox = Outbox(4)
    frames = sent_at_once(outbox)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.receive)
        await wait_all_tasks_blocked()
        for number in range(1, 4):
            outbox.offer(delivery("a", number), 0.0)
        assert outbox.acknowledge("a", 3, 0.0) is None
        for number in range(4, 10):
            outbox.offer(delivery("a", number), 0.0)

        assert frames == [("a", number) for number in range(1, 6)]
        assert outbox.superseded == 3
        nursery.cancel_scope.cancel()
    acknowledged = outbox.acknowledge("a", 4, 0.02)
    assert acknowledged is not None
    assert acknowledged.sequence == 4
    assert await take_all(outbox) == [("a", 9)]


async def test_the_time_to_make_and_send_a_frame_counts(autojump_clock: MockClock) -> None:
    """A frame that goes out at once was sent when the socket had it, not when it came."""

    def send(message: bytes) -> WriteResult:
        autojump_clock.jump(0.003)
        return WriteResult.ALL

    outbox = Outbox(4, lambda one: one.camera_id.encode(), CallingSink(send))
    outbox.acknowledge("a", 0, 0.0)
    came = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.receive)
        await wait_all_tasks_blocked()
        outbox.offer(delivery("a", 1), came)
        nursery.cancel_scope.cancel()
    sent = outbox.acknowledge("a", 1, came)

    assert sent is not None
    assert sent.sent_at - came == pytest.approx(0.003)


async def test_a_camera_that_waits_for_the_window_holds_up_no_notice(autojump_clock: MockClock) -> None:
    """News about cameras are not frames: they go at once."""
    outbox = Outbox(4)
    outbox.acknowledge("a", 0, 0.0)
    for number in range(1, 4):
        for camera_id in ("a", "b"):
            outbox.offer(delivery(camera_id, number), 0.0)
    notice = CameraNotice("c", None, online=True)
    outbox.notify(notice)

    assert [await take(outbox), await take(outbox), await take(outbox)][2] == [notice]
    assert outbox.superseded == 4


async def test_places_are_counted_for_what_waits_when_the_first_acknowledgement_comes(
    autojump_clock: MockClock,
) -> None:
    """Frames that wait for the sender are under way as far as the window is concerned."""
    outbox = Outbox(4)
    for camera_id in ("a", "b"):
        outbox.offer(delivery(camera_id), 0.0)
    outbox.acknowledge("a", 0, 0.0)
    outbox.offer(delivery("c"), 0.0)

    assert await take_all(outbox) == [("a", 1), ("b", 1)]
    outbox.acknowledge("b", 1, trio.current_time())
    assert await take_all(outbox) == [("c", 1)]


async def test_what_is_forgotten_gives_its_place_to_others(autojump_clock: MockClock) -> None:
    """In the channel, outside of it, or under way: a camera that is no longer wanted blocks nothing."""
    outbox = Outbox(4)
    outbox.acknowledge("a", 0, 0.0)
    for camera_id in ("a", "b", "c", "d"):
        outbox.offer(delivery(camera_id), 0.0)
    outbox.forget("a")
    outbox.forget("c")

    assert await take_all(outbox) == [("b", 1), ("d", 1)]
    outbox.forget_all(except_of=["d"])
    outbox.offer(delivery("a", 2), trio.current_time())
    assert await take_all(outbox) == [("a", 2)]
    assert outbox.rate_limited == 2


async def test_acknowledgements_that_never_come_let_the_newest_through_after_a_while(
    autojump_clock: MockClock,
) -> None:
    """The next frame of the camera finds out that the viewer has lost one."""
    outbox = Outbox(4)
    outbox.acknowledge("a", 0, 0.0)
    for number in range(1, 4):
        outbox.offer(delivery("a", number), trio.current_time())
        if number < 3:
            await take(outbox)
    assert await take_all(outbox) == []
    await trio.sleep(3)
    outbox.offer(delivery("a", 4), trio.current_time())

    assert await take_all(outbox) == [("a", 4)]
    assert outbox.unacked == 2


@pytest.mark.parametrize("at_once", [True, False])
async def test_the_last_frame_of_a_camera_is_sent_though_acknowledgements_never_come(
    autojump_clock: MockClock, *, at_once: bool
) -> None:
    """No further frame has to come for that, whether the sender waited already when the window was shut or not."""
    outbox = Outbox(4)
    outbox.acknowledge("a", 0, 0.0)
    frames = sent_at_once(outbox)
    async with trio.open_nursery() as nursery:
        if at_once:
            taken: list[tuple[str, int]] = []
            nursery.start_soon(record, outbox, taken)
            await wait_all_tasks_blocked()
        for number in range(1, 4):
            outbox.offer(delivery("a", number), trio.current_time())
            if number < 3 and not at_once:
                await take(outbox)
        assert outbox.superseded == 0
        await trio.sleep(0.5)
        if at_once:
            assert (frames, taken) == ([("a", 1), ("a", 2)], [])
            await trio.sleep(2)
            assert taken == [("a", 3)]
            nursery.cancel_scope.cancel()
        else:
            with trio.fail_after(2):
                last = await outbox.receive()
            assert isinstance(last, Delivery)
            assert last.frame.sequence == 3


async def test_a_camera_that_is_forgotten_makes_way_at_once(autojump_clock: MockClock) -> None:
    """What waited behind its frames needs neither another frame nor an acknowledgement."""
    outbox, taken = Outbox(4), list[tuple[str, int]]()
    outbox.acknowledge("a", 0, 0.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(record, outbox, taken)
        for camera_id in ("a", "a", "b"):
            outbox.offer(delivery(camera_id, len(taken) + 1), 0.0)
            await wait_all_tasks_blocked()
        assert taken == [("a", 1), ("a", 2)]
        outbox.forget("a")
        await wait_all_tasks_blocked()
        assert taken[2:] == [("b", 3)]
        outbox.offer(delivery("b", 4), 0.0)
        await wait_all_tasks_blocked()
        outbox.offer(delivery("c", 5), 0.0)
        await wait_all_tasks_blocked()
        assert taken[3:] == [("b", 4)]
        outbox.forget_all(except_of=["c"])
        await wait_all_tasks_blocked()
        assert taken[4:] == [("c", 5)]
        nursery.cancel_scope.cancel()


async def record(outbox: Outbox, taken: list[tuple[str, int]]) -> None:
    """Take all frames for ever."""
    while True:
        delivery = await outbox.receive()
        assert isinstance(delivery, Delivery)
        taken.append((delivery.camera_id, delivery.frame.sequence))


async def test_results_wait_in_their_order_and_the_oldest_go(autojump_clock: MockClock) -> None:
    """What was found in frames goes out after news about cameras; a viewer that does not read misses the oldest."""
    outbox = Outbox(4)
    for number in range(1, 71):
        outbox.notify_result(ResultNotice("a", number, b"%d" % number))
    outbox.notify_result(ResultNotice("a", 70, b"again"))
    outbox.notify(CameraNotice("a", None, online=True))

    notices = await take(outbox)
    assert isinstance(notices, list)
    assert notices[0] == CameraNotice("a", None, online=True)
    assert notices[1:] == [*(ResultNotice("a", number, b"%d" % number) for number in range(7, 70)), ANY]
    assert notices[-1] == ResultNotice("a", 70, b"again")
    assert outbox.notices_dropped == 6
