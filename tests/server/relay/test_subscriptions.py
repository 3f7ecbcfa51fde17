"""Which cameras a viewer gets, and which of their frames at once."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from skysentry_trio.base.demand import Limits
from skysentry_trio.server.relay.audience import Audience
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.notices import CameraNotice
from tests.hubs import evict_idle, make_hub, nothing, publish, register, take, take_frames


def everybody_in(audience: Audience) -> tuple[object, ...]:
    return audience.of, audience.of_all, +audience._exceptions


async def test_a_new_viewer_gets_the_newest_frame_of_each_camera_at_once(autojump_clock: MockClock) -> None:
    """Who subscribes sees every chosen camera without waiting for its next frame, those that left included."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as everything, hub.watch() as one:
        for camera_id, frames in (("a", 2), ("b", 3), ("c", 0)):
            session = register(stack, hub, camera_id)
            for _ in range(frames):
                publish(hub, session)
        with hub.register("d", on_end=nothing) as session:
            publish(hub, session)
        hub.subscribe(everything)
        hub.subscribe(one, ["b", "not-here-yet"])

        assert await take(everything) == [("a", 2), ("b", 3), ("d", 1)]
        assert await take(one) == [("b", 3)]


async def test_a_frame_reaches_those_who_chose_its_camera(autojump_clock: MockClock) -> None:
    """Viewers of all and of this camera get a frame, viewers of others, of none and those who paused do not."""
    hub = make_hub()
    with ExitStack() as stack:
        viewers = {name: stack.enter_context(hub.watch()) for name in ("all", "one", "other", "but", "none", "paused")}
        session = register(stack, hub, "a")
        hub.subscribe(viewers["all"])
        hub.subscribe(viewers["one"], ["a"])
        hub.subscribe(viewers["other"], ["b"])
        hub.subscribe(viewers["but"])
        hub.unsubscribe(viewers["but"], ["a"])
        hub.subscribe(viewers["paused"])
        hub.pause(viewers["paused"])
        publish(hub, session)

        assert {name for name, viewer in viewers.items() if await take(viewer)} == {"all", "one"}
        assert hub.viewer_count("a") == 2
        assert hub.viewer_count("b") == 3


async def test_naming_a_camera_again_sends_its_newest_frame_once(autojump_clock: MockClock) -> None:
    """A second subscription changes the rate and sends nothing twice."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        publish(hub, register(stack, hub, "a"))
        publish(hub, register(stack, hub, "b"))
        hub.subscribe(viewer, ["a"])
        hub.subscribe(viewer, ["a", "b"], limits=Limits(max_fps=5))

        assert await take(viewer) == [("a", 1), ("b", 1)]
        hub.subscribe(viewer)
        assert await take(viewer) == []


async def test_names_end_the_wish_for_all_and_all_ends_names(autojump_clock: MockClock) -> None:
    """From all to one camera and back, a viewer gets what it chose last, and new ones at once."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        sessions = [register(stack, hub, camera_id) for camera_id in ("a", "b")]
        hub.subscribe(viewer)
        hub.subscribe(viewer, ["b"])
        for session in sessions:
            publish(hub, session)
        assert await take_frames(viewer) == [("b", 1)]
        hub.subscribe(viewer)
        assert await take_frames(viewer) == [("a", 1)]
        for session in sessions:
            publish(hub, session)
        assert await take_frames(viewer) == [("a", 2), ("b", 2)]


async def test_unsubscribing_ends_frames_and_notices(autojump_clock: MockClock) -> None:
    """Of a camera that was given up neither frames nor news come, whether it was chosen by name or among all."""
    hub = make_hub()
    with hub.watch() as named, hub.watch() as everything:
        hub.subscribe(named, ["a", "b"])
        hub.subscribe(everything)
        for viewer in (named, everything):
            hub.unsubscribe(viewer, ["a", "never-chosen"])
        for camera_id in ("a", "b"):
            with hub.register(camera_id, on_end=nothing) as session:
                publish(hub, session)

        for viewer in (named, everything):
            assert await take(viewer) == [CameraNotice("b", None, online=False), ("b", 1)]


async def test_a_paused_viewer_gets_notices_and_no_frames_until_it_resumes(autojump_clock: MockClock) -> None:
    """Pausing drops what waits; resuming sends the newest of each camera at once, those chosen meanwhile included."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        hub.subscribe(viewer, ["a"])
        a, b = register(stack, hub, "a"), register(stack, hub, "b")
        publish(hub, a)
        hub.pause(viewer)
        hub.pause(viewer)
        publish(hub, a)
        publish(hub, b)
        hub.subscribe(viewer, ["b", "c"])
        hub.unsubscribe(viewer, ["c"])

        assert await take(viewer) == [CameraNotice("a", None, online=True)]
        assert (viewer.outbox.rate_limited, hub.viewer_count("a"), hub.viewer_count("b")) == (1, 0, 0)

        hub.resume(viewer)
        assert (hub.viewer_count("a"), hub.viewer_count("b"), hub.viewer_count("c")) == (1, 1, 0)
        assert set(await take(viewer)) == {("a", 2), ("b", 1)}
        hub.resume(viewer)
        assert await take(viewer) == []


async def test_a_viewer_that_leaves_while_paused_leaves_nothing_behind() -> None:
    """After the last viewer left, no index holds anything."""
    hub = make_hub()
    for paused in (False, True):
        with hub.watch() as viewer:
            hub.subscribe(viewer, ["a"])
            if paused:
                hub.pause(viewer)
        with hub.watch() as viewer:
            hub.subscribe(viewer)
            hub.unsubscribe(viewer, ["a"])
            if paused:
                hub.pause(viewer)

    assert (hub._viewers, *everybody_in(hub._audience)) == ({}, {}, {}, {})


async def test_a_viewer_gets_as_many_frames_as_it_asked_for(autojump_clock: MockClock) -> None:
    """MaxFps thins each camera for this viewer alone, and what was dropped for it is counted."""
    hub = make_hub()
    with hub.watch() as slow, hub.watch() as fast, hub.register("door", on_end=nothing) as session:
        hub.subscribe(slow, ["door"], limits=Limits(max_fps=5))
        hub.subscribe(fast)
        for _ in range(300):
            publish(hub, session)
            await take_frames(slow)
            await take_frames(fast)
            await trio.sleep(1 / 30 - 0.002)

        assert slow.outbox.sent == pytest.approx(50, abs=1)
        assert slow.outbox.sent + slow.outbox.rate_limited == 300
        assert fast.outbox.sent == 300


VIEWING = st.lists(
    st.tuples(
        st.sampled_from(["all", "subscribe", "unsubscribe", "pause", "resume", "publish", "leave"]),
        st.integers(0, 2),
        st.sets(st.sampled_from("abc"), max_size=2),
    ),
    max_size=40,
)


@settings(max_examples=200)
@given(actions=VIEWING)
def test_every_frame_goes_to_exactly_those_who_chose_its_camera(actions: list[tuple[str, int, set[str]]]) -> None:
    """After any choices of three viewers, a frame waits for a viewer if and only if it chose the camera."""

    async def play() -> None:
        hub = make_hub(max_fps=1000)
        with ExitStack() as cameras:
            sessions = {camera_id: register(cameras, hub, camera_id) for camera_id in "abc"}
            stacks = [ExitStack() for _ in range(3)]
            viewers = [stack.enter_context(hub.watch()) for stack in stacks]
            chosen: list[tuple[bool, set[str]]] = [(False, set())] * 3
            for action, number, camera_ids in actions:
                viewer = viewers[number]
                paused, wanted = chosen[number]
                match action:
                    case "all":
                        hub.subscribe(viewer)
                        wanted = set("abc")
                    case "subscribe":
                        wanted = camera_ids if viewer.wants_all else wanted | camera_ids
                        hub.subscribe(viewer, camera_ids)
                    case "unsubscribe":
                        hub.unsubscribe(viewer, camera_ids)
                        wanted = wanted - camera_ids
                    case "pause":
                        hub.pause(viewer)
                        paused = True
                    case "resume":
                        hub.resume(viewer)
                        paused = False
                    case "leave":
                        stacks[number].close()
                        viewers[number] = stacks[number].enter_context(hub.watch())
                        paused, wanted = False, set()
                    case "publish":
                        for camera_id, session in sessions.items():
                            frame = publish(hub, session)
                            for (stopped, ids), other in zip(chosen, viewers, strict=True):
                                waiting = other.outbox.waiting.get(camera_id)
                                gets_it = waiting is not None and waiting.frame is frame
                                assert gets_it == (camera_id in ids and not stopped)
                chosen[number] = (paused, wanted)
                for camera_id in "abc":
                    watching = sum(camera_id in ids and not stopped for stopped, ids in chosen)
                    assert hub.viewer_count(camera_id) == watching
            for stack in stacks:
                stack.close()
            assert (hub._viewers, hub._audience.of, hub._audience.of_all, +hub._audience._exceptions) == (
                {},
                {},
                {},
                {},
            )

    trio.run(play, clock=MockClock())


def register_many(stack: ExitStack, hub: Hub, count: int) -> list[CameraSession]:
    sessions = [register(stack, hub, f"camera-{number}") for number in range(count)]
    for session in sessions:
        publish(hub, session)
    return sessions


@pytest.mark.parametrize("how", ["subscribe", "resume"])
async def test_a_viewer_of_many_cameras_is_offered_their_frames_a_few_at_a_time(
    autojump_clock: MockClock, how: str
) -> None:
    """Its own task asks for the rest, and so gets what is the newest frame of each camera then."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        sessions = register_many(stack, hub, 1000)
        hub.subscribe(viewer)
        if how == "resume":
            hub.pause(viewer)
            assert await take_frames(viewer) == []
            hub.resume(viewer)
        assert len(viewer.outbox.waiting) == 64
        publish(hub, sessions[999])

        taken = await take_frames(viewer)
        assert sorted(taken) == sorted([(f"camera-{number}", 1) for number in range(999)] + [("camera-999", 2)])
        assert (viewer.outbox.sent, viewer.outbox.superseded) == (1000, 0)


async def test_cameras_without_frames_do_not_keep_a_viewer_from_the_others(autojump_clock: MockClock) -> None:
    """Thousands of cameras may never have sent anything, and the last one has."""
    hub = make_hub()
    with ExitStack() as stack, hub.watch() as viewer:
        for number in range(999):
            register(stack, hub, f"camera-{number}")
        publish(hub, register(stack, hub, "last"))
        hub.subscribe(viewer)

        assert await take_frames(viewer) == [("last", 1)]


async def test_a_viewer_gets_nothing_of_cameras_that_it_left_before_their_turn(autojump_clock: MockClock) -> None:
    """What it was still to be offered goes when it unsubscribes, when it pauses, and with the camera."""
    hub = make_hub(client_timeout=60)
    with hub.watch() as viewer:
        with ExitStack() as stack:
            register_many(stack, hub, 200)
        hub.subscribe(viewer)
        hub.unsubscribe(viewer, [f"camera-{number}" for number in range(100, 190)])
        assert len(await take_frames(viewer)) == 110

        hub.subscribe(viewer)
        hub.pause(viewer)
        assert await take_frames(viewer) == []
        hub.resume(viewer)
        await trio.sleep(60)
        evict_idle(hub)
        assert await take_frames(viewer) == []


async def test_busy_cameras_do_not_keep_back_those_that_wait_for_their_turn(autojump_clock: MockClock) -> None:
    """Each time the viewer takes a frame, one more camera is offered, however many frames wait already."""
    hub, quiet = make_hub(), set[str]()
    with ExitStack() as stack, hub.watch() as viewer:
        busy = register_many(stack, hub, 100)
        hub.subscribe(viewer)
        for number in range(100):
            publish(hub, register(stack, hub, f"quiet-{number}"))
        hub.pause(viewer)
        hub.resume(viewer)
        for _ in range(400):
            for session in busy:
                publish(hub, session)
            delivery = await viewer.outbox.receive()
            if isinstance(delivery, Delivery) and delivery.camera_id.startswith("quiet"):
                quiet.add(delivery.camera_id)
    assert len(quiet) == 100
