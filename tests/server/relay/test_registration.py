"""Cameras register: take-over, reconnect, and who gives way when the server is full."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.relay.notices import CameraNotice
from tests.hubs import evict_idle, make_hub, nothing, publish, register, sequences, take, take_frames


async def test_a_camera_is_known_from_its_registration_on() -> None:
    """Registering makes a camera, online and without frames; leaving makes it offline and keeps it."""
    hub = make_hub()
    assert hub.camera("door") is None

    with hub.register("door", name="Front door", on_end=nothing) as session:
        camera = hub.camera("door")
        assert camera is session.camera
        assert [known.id for known in hub.cameras] == ["door"]
        assert (session.camera.name, session.camera.online, session.camera.frame_count) == ("Front door", True, 0)

    assert hub.camera("door") is session.camera
    assert not session.camera.online


async def test_a_take_over_keeps_ring_count_and_viewers(autojump_clock: MockClock) -> None:
    """A client that registers a live id goes on where the other was: same camera, next number, same viewers."""
    hub, ends = make_hub(), list[str]()
    with ExitStack() as stack, hub.watch() as viewer:
        hub.subscribe(viewer, ["door"])
        old = register(stack, hub, on_end=partial(ends.append, "old"))
        publish(hub, old)
        new = register(stack, hub, on_end=partial(ends.append, "new"))
        assert (old.is_replaced, new.is_replaced, ends) == (True, False, ["old"])
        publish(hub, new)

        assert new.camera is old.camera
        assert sequences(hub) == [1, 2]
        assert hub.viewer_count("door") == 1
        assert await take_frames(viewer) == [("door", 2)]


async def test_frames_of_a_replaced_session_count_no_more() -> None:
    """What the old connection still sends is not taken, not numbered and no sign of life."""
    hub = make_hub()
    with ExitStack() as stack:
        old = register(stack, hub)
        new = register(stack, hub)

        assert publish(hub, old) is None
        assert publish(hub, new) is not None
        assert (sequences(hub), new.camera.refused) == ([1], {})


async def test_a_replaced_session_never_takes_its_successor_away(autojump_clock: MockClock) -> None:
    """The old connection's clean-up leaves the camera online, and viewers hear of no departure."""
    hub = make_hub()
    with ExitStack() as new_stack, hub.watch() as viewer:
        with ExitStack() as old_stack:
            register(old_stack, hub)
            new = register(new_stack, hub)
            hub.subscribe(viewer)
            await take(viewer)

        assert new.camera.session is new
        assert new.camera.online
        assert await take(viewer) == []
        assert publish(hub, new) is not None


async def test_a_camera_that_leaves_by_an_error_is_offline_too() -> None:
    """A crash of the connection frees the camera as a goodbye does."""
    hub = make_hub()
    with pytest.raises(ZeroDivisionError), hub.register("door", on_end=nothing):
        raise ZeroDivisionError

    assert hub.statistics().online == 0


async def test_ring_and_count_survive_a_reconnect(autojump_clock: MockClock) -> None:
    """A camera that comes back within the client timeout finds its frames, its number and its name."""
    hub = make_hub(client_timeout=120)
    with hub.register("door", name="Front door", on_end=nothing) as session:
        publish(hub, session)
        publish(hub, session)
    await trio.sleep(119)
    evict_idle(hub)

    with hub.register("door", on_end=nothing) as session:
        publish(hub, session)
        assert sequences(hub) == [1, 2, 3]
        assert session.camera.name == "Front door"


async def test_a_new_name_replaces_the_old_one() -> None:
    """The label is the one that was said last."""
    hub = make_hub()
    for name in ("Front door", "Back door"):
        with hub.register("door", name=name, on_end=nothing) as session:
            pass

    assert session.camera.name == "Back door"


async def test_cameras_beyond_the_limit_are_refused() -> None:
    """A new id is refused with 1013 when the server is full; a known one may come back."""
    hub = make_hub(max_cameras=1)
    with hub.register("door", on_end=nothing):
        pass

    with (
        pytest.raises(ProtocolViolation, match="1 cameras are registered") as refused,
        hub.register("b", on_end=nothing),
    ):
        pass
    assert (refused.value.code, refused.value.close_code, refused.value.http_status) == ("server-full", 1013, 503)
    assert [camera.id for camera in hub.cameras] == ["door"]
    with hub.register("door", on_end=nothing) as session:
        assert session.camera.online


async def test_a_camera_that_is_kept_longer_gives_way_to_new_ones(autojump_clock: MockClock) -> None:
    """Within the client timeout it has its place; after that, the one that left first is forgotten if there is none."""
    hub = make_hub(client_timeout=60, max_cameras=3)
    with hub.watch(notify_about=None) as viewer, hub.register("here", on_end=nothing):
        for camera_id in ("first", "second"):
            with hub.register(camera_id, on_end=nothing) as session:
                session.camera.keep_for = 3600
            await trio.sleep(1)
        await trio.sleep(57)
        with pytest.raises(ProtocolViolation, match="the limit"), hub.register("new", on_end=nothing):
            pass
        await trio.sleep(2)
        assert evict_idle(hub) == []
        await take(viewer)
        with hub.register("new", on_end=nothing):
            pass

        assert CameraNotice("first", None, online=False, removed=True) in await take(viewer)
    assert [camera.id for camera in hub.cameras] == ["here", "second", "new"]
