"""Which cameras are known, and when one more is too many."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.camera_registry import CameraRegistry
from skysentry_trio.server.settings import Settings
from tests.hubs import evict_idle, make_hub, nothing, publish, register, sequences


def frame(size: int) -> JpegFrame:
    return JpegFrame(1, 5.0, None, bytes(size), 4, 3)


async def test_a_camera_is_made_once() -> None:
    """Whoever obtains it again gets the same one, in the order in which cameras were first seen."""
    registry = CameraRegistry(Settings())
    door, gate = registry.obtain("door"), registry.obtain("gate")

    assert registry.obtain("door") is registry.get("door") is door
    assert (list(registry.all), list(registry.ids), len(registry)) == ([door, gate], ["door", "gate"], 2)
    assert registry.get("yard") is None


async def test_a_camera_that_is_removed_leaves_its_place_and_its_memory() -> None:
    """Another may be known then, and a new one of the same id begins anew."""
    registry = CameraRegistry(Settings(max_cameras=1, max_memory=100, max_frame_size=100))
    door = registry.obtain("door")
    assert registry.keep(door, frame(100))
    assert registry.nbytes == 100
    with pytest.raises(ProtocolViolation, match="1 cameras are registered"):
        registry.obtain("gate")
    registry.remove(door)

    assert registry.nbytes == 0
    assert registry.obtain("door") is not door


async def test_a_frame_is_kept_if_the_newest_of_others_leave_room() -> None:
    """The ring stays as it was if not."""
    registry = CameraRegistry(Settings(max_memory=100, max_frame_size=20))
    door, gate = registry.obtain("door"), registry.obtain("gate")

    assert registry.keep(door, frame(60))
    assert not registry.keep(gate, frame(50))
    assert (len(door.ring), len(gate.ring), registry.nbytes) == (1, 0, 60)


# In a hub


async def test_rings_are_bounded_as_the_settings_say(autojump_clock: MockClock) -> None:
    """Seconds and bytes hold for each camera, and the sum of bytes follows."""
    hub = make_hub(buffer_seconds=3, buffer_bytes=50)
    with hub.register("door", on_end=nothing) as door, hub.register("gate", on_end=nothing) as gate:
        for _ in range(6):
            publish(hub, door, 10)
            publish(hub, gate, 20)
            await trio.sleep(1)

    assert (sequences(hub, "door"), sequences(hub, "gate")) == ([3, 4, 5, 6], [5, 6])
    assert hub.statistics().ring_bytes == 80


async def test_frames_of_a_camera_that_left_go_by_age_but_for_the_newest(autojump_clock: MockClock) -> None:
    """What was kept for looking back is let go in time, though no frame comes any more that would push it out."""
    hub = make_hub(buffer_seconds=3)
    with hub.register("door", on_end=nothing) as session:
        for _ in range(3):
            publish(hub, session, 10)
            await trio.sleep(1)
    hub.discard_expired()
    assert hub.statistics().ring_bytes == 30

    await trio.sleep(1)
    hub.discard_expired()
    assert (sequences(hub), hub.statistics().ring_bytes) == ([2, 3], 20)
    await trio.sleep(60)
    hub.discard_expired()
    assert (sequences(hub), hub.statistics().ring_bytes) == ([3], 10)


async def test_old_frames_of_a_camera_make_room_for_its_new_ones() -> None:
    """When memory is used up a camera's ring gets shorter, and the newest frame is there all the same."""
    hub = make_hub(max_memory=100, max_frame_size=100, buffer_size=16)
    with hub.register("door", on_end=nothing) as session:
        for size in (40, 40, 20, 60, 100):
            assert publish(hub, session, size) is not None
            assert hub.statistics().ring_bytes <= 100

    assert sequences(hub) == [5]


async def test_a_frame_for_which_others_leave_no_room_is_refused_and_counted() -> None:
    """One camera never takes another's newest frame away; its own stay as they were."""
    hub = make_hub(max_memory=100, max_frame_size=50)
    with ExitStack() as stack:
        a, b = register(stack, hub, "a"), register(stack, hub, "b")
        publish(hub, b, 30)
        publish(hub, a, 50)
        assert publish(hub, b, 51) is None
        assert publish(hub, b, 50) is not None

    assert b.camera.refused == {"memory-full": 1}
    assert (sequences(hub, "a"), sequences(hub, "b"), b.camera.frame_count) == ([1], [2], 2)
    assert hub.statistics().ring_bytes == 100


@pytest.mark.parametrize("used", [51, 99, 100])
async def test_a_new_camera_is_refused_when_memory_has_no_room_for_its_frames(used: int) -> None:
    """Better no camera than one whose frames are all dropped: beyond the budget new ids are refused with 1013."""
    hub = make_hub(max_memory=100, max_frame_size=100)
    with hub.register("a", on_end=nothing) as session:
        publish(hub, session, used)

        with pytest.raises(ProtocolViolation, match="100 bytes") as refused, hub.register("b", on_end=nothing):
            pass
        assert (refused.value.code, refused.value.close_code) == ("server-full", 1013)
        with hub.register("a", on_end=nothing) as successor:
            assert publish(hub, successor, 50) is not None


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.sampled_from("abcd"), st.just(0)),
        st.tuples(st.just("publish"), st.sampled_from("abcd"), st.integers(1, 60)),
        st.tuples(st.just("leave"), st.sampled_from("abcd"), st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.integers(1, 40)),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(
    actions=ACTIONS,
    bounds=st.sampled_from(
        [{"buffer_size": 1}, {"buffer_size": 4}, {"buffer_seconds": 20}, {"buffer_size": 9, "buffer_bytes": 70}]
    ),
)
def test_the_memory_budget_holds_whatever_happens(actions: list[tuple[str, str, int]], bounds: dict[str, int]) -> None:
    """The sum of bytes is that of the rings, never above the limit, and every frame is taken or counted."""
    clock = MockClock()

    async def play() -> None:
        hub = make_hub(max_memory=150, max_frame_size=60, max_cameras=3, client_timeout=60, **bounds)
        stacks: dict[str, ExitStack] = {}
        sessions: dict[str, CameraSession] = {}
        offered = 0
        for action, camera_id, number in actions:
            match action:
                case "register":
                    stack = ExitStack()
                    with suppress(ProtocolViolation):
                        sessions[camera_id] = register(stack, hub, camera_id)
                        # The old connection leaves after the new one has come.
                        stacks.pop(camera_id, ExitStack()).close()
                        stacks[camera_id] = stack
                case "publish" if camera_id in sessions:
                    offered += not sessions[camera_id].is_replaced
                    publish(hub, sessions[camera_id], number)
                case "leave" if camera_id in sessions:
                    stacks.pop(camera_id).close()
                    del sessions[camera_id]
                case "wait":
                    clock.jump(number)
                    evict_idle(hub)
                    hub.discard_expired()
            statistics = hub.statistics()
            assert statistics.ring_bytes == sum(len(f.jpeg) for camera in hub.cameras for f in camera.ring)
            assert statistics.ring_bytes == sum(camera.ring.nbytes for camera in hub.cameras) <= 150
            assert statistics.cameras <= 3
            assert statistics.frames_received + sum(statistics.frames_refused.values()) == offered
            assert statistics.online == sum(not session.is_replaced for session in sessions.values())
        for stack in stacks.values():
            stack.close()
        clock.jump(60)
        evict_idle(hub)
        assert (hub.statistics().cameras, hub.statistics().ring_bytes) == (0, 0)

    trio.run(play, clock=clock)
