"""A camera that a principal may not see does not exist for it: in lists, frames, notices and errors."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, Rights
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.notices import CameraNotice
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.relay.viewer import HubViewer
from tests.hubs import make_hub, nothing, publish_nowait
from tests.principals import make_guest

GUEST = make_guest("yard*")


async def received(viewer: HubViewer) -> set[str]:
    """Return the ids of all cameras in frames and notices that wait for a viewer."""
    camera_ids = set()
    with trio.move_on_after(1):
        while True:
            waiting = await viewer.outbox.receive()
            if isinstance(waiting, Delivery):
                camera_ids.add(waiting.camera_id)
            elif isinstance(waiting, list):
                camera_ids |= {notice.camera_id for notice in waiting}
    return camera_ids


def test_only_visible_cameras_are_listed_and_found() -> None:
    """Anyone sees all; a guest sees the yard, and learns nothing about the existence of others."""

    async def play() -> None:
        hub = make_hub()
        with hub.register("yard-1", on_end=nothing), hub.register("door", on_end=nothing):
            assert [camera.id for camera in ScopedHub(hub, ANYONE).cameras] == ["yard-1", "door"]
            guest = ScopedHub(hub, GUEST)
            assert [camera.id for camera in guest.cameras] == ["yard-1"]
            assert guest.camera("door") is None
            with pytest.raises(ProtocolViolation, match="there is no camera door") as hidden:
                guest.publish_result("door", 1, b"")
            with pytest.raises(ProtocolViolation, match="there is no camera nowhere") as unknown:
                guest.publish_result("nowhere", 1, b"")
            assert (hidden.value.code, hidden.value.http_status) == (unknown.value.code, unknown.value.http_status)

    trio.run(play)


def appear(stack: ExitStack, hub: Hub, *camera_ids: str) -> None:
    for camera_id in camera_ids:
        session = stack.enter_context(hub.register(camera_id, on_end=nothing))
        publish_nowait(hub, session)


async def test_all_cameras_of_a_guest_are_those_it_may_see_and_grow(autojump_clock: MockClock) -> None:
    """Cameras that appear later join by themselves, unless the guest has unsubscribed from them."""
    hub = make_hub()
    guest = ScopedHub(hub, GUEST)
    with ExitStack() as stack, guest.watch(notify_about=None) as viewer:
        appear(stack, hub, "yard-1", "door")
        guest.subscribe(viewer)
        assert await received(viewer) == {"yard-1"}
        guest.unsubscribe(viewer, ["yard-3"])
        appear(stack, hub, "yard-2", "garage")
        assert await received(viewer) == {"yard-2"}
        appear(stack, hub, "yard-3")
        assert not viewer.follows("yard-3")
        assert guest.viewer_count("garage") == guest.viewer_count("yard-3") == 0


async def test_naming_an_invisible_camera_subscribes_to_nothing(autojump_clock: MockClock) -> None:
    """Neither its frames nor its coming and going reach the guest, whichever came first."""
    hub = make_hub()
    guest = ScopedHub(hub, GUEST)
    with ExitStack() as stack, guest.watch(notify_about=["door", "yard-1"]) as viewer:
        guest.subscribe(viewer, ["door", "yard-1"])
        appear(stack, hub, "door", "yard-1")
        assert await received(viewer) == {"yard-1"}
        assert hub.viewer_count("door") == 0


async def test_a_viewer_of_anyone_hears_of_every_camera(autojump_clock: MockClock) -> None:
    """Without a limited principal nothing is hidden."""
    hub = make_hub()
    everyone = ScopedHub(hub, ANYONE)
    with ExitStack() as stack, everyone.watch(notify_about=None) as viewer:
        appear(stack, hub, "door")
        (notice,) = await viewer.outbox.receive()  # type: ignore[misc]
        assert isinstance(notice, CameraNotice)
        assert notice.camera_id == "door"


async def test_frames_ask_no_rules(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limited viewer of all cameras costs as much for each frame as one without limits."""
    hub = make_hub()
    scoped, camera = ScopedHub(hub, GUEST), ScopedHub(hub, ANYONE)
    with scoped.watch() as viewer, camera.register("yard-1", on_end=nothing) as session:
        scoped.subscribe(viewer)

        def refuse(*_: object) -> bool:
            raise AssertionError("a rule was asked for a frame")

        monkeypatch.setattr(Rights, "allow", refuse)
        monkeypatch.setattr(Rights, "allow_all", refuse)
        for _ in range(10):
            await camera.publish(session, b"jpeg", width=4, height=3)
        assert viewer.outbox.superseded == 9
