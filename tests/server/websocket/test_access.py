"""Cameras and viewers prove who they are, and lose their access in the middle of a conversation."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.base.principal import NOBODY, Action, Principal
from skysentry_trio.server.access.admission import Admission
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.websocket.capture import serve_capture
from skysentry_trio.server.websocket.viewer import serve_viewer
from skysentry_trio.wire.viewer_frames import decode_envelope
from skysentry_trio.wire.viewer_query import ViewerFormat
from tests.hubs import make_hub, nothing, publish_nowait
from tests.server.access.rules import Rules
from tests.server.websocket.fakes import JPEG, FakePeer


@define(eq=False)
class Server:
    """A hub with rules, in memory."""

    rules: Rules
    hub: Hub = field(factory=make_hub)

    @asynccontextmanager
    async def viewer(self, query: str = "", principal: Principal = NOBODY) -> AsyncIterator[FakePeer]:
        peer = FakePeer()
        async with self._serving(peer) as nursery:
            admission = Admission(self.rules.access, principal, "192.0.2.1:5")
            scoped_hub = ScopedHub(self.hub, principal)
            nursery.start_soon(serve_viewer, peer, scoped_hub, query, ViewerFormat.ENVELOPE, admission)
            await wait_all_tasks_blocked()
            yield peer

    @asynccontextmanager
    async def camera(self, camera_id: str, token: str | None, principal: Principal = NOBODY) -> AsyncIterator[FakePeer]:
        peer = FakePeer()
        async with self._serving(peer) as nursery:
            admission = Admission(self.rules.access, principal, "192.0.2.1:6")
            nursery.start_soon(serve_capture, peer, ScopedHub(self.hub, principal), admission)
            registration = {"type": "client-registration", "clientId": camera_id}
            peer.say(registration if token is None else {**registration, "token": token})
            await wait_all_tasks_blocked()
            yield peer

    @asynccontextmanager
    async def _serving(self, peer: FakePeer) -> AsyncIterator[trio.Nursery]:
        with trio.fail_after(1000):
            async with trio.open_nursery() as nursery:
                yield nursery
                peer.leave()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    # The hub reads the clock of this machine.
    rules = Rules(tmp_path, time.time())
    rules.key("admin", admin=["*"])
    return Server(rules)


async def last_words(peer: FakePeer) -> tuple[str, str, int]:
    """Return type and code of the last message, and the close code."""
    last: dict[str, Any] = {}
    with suppress(trio.EndOfChannel):
        while True:
            message = await peer.hear()
            last = message if isinstance(message, dict) else last
    assert peer.goodbye is not None
    return last["type"], last["code"], peer.goodbye[0]


async def test_a_viewer_gets_nothing_before_its_token(autojump_clock: MockClock, server: Server) -> None:
    """Then it gets the list, with the cameras that it may view only."""
    key = server.rules.key("guest", view=["door"])
    with server.hub.register("door", on_end=nothing), server.hub.register("hall", on_end=nothing) as hall:
        async with server.viewer() as peer:
            publish_nowait(server.hub, hall)
            peer.say({"type": "clock", "sentAt": 1})
            peer.say({"type": "subscribe", "clients": "*"})
            assert [message["type"] for message in await peer.hear_all()] == ["clock"]
            peer.say({"type": "authenticate", "token": key})
            answer, listed = await peer.hear_all()
    assert answer == {"type": "authenticated", "name": "guest", "expiresAt": None}
    assert [camera["clientId"] for camera in listed["clients"]] == ["door"]


@pytest.mark.parametrize("token", ["wrong", "sky_wrong", ""])
async def test_a_wrong_token_ends_the_connection(autojump_clock: MockClock, server: Server, token: str) -> None:
    """With 4003, for viewers and cameras."""
    async with server.viewer() as viewer, server.camera("door", token or "x") as camera:
        viewer.say({"type": "authenticate", "token": token})
        assert await last_words(viewer) == ("error", "unauthenticated", 4003)
        assert await last_words(camera) == ("registration-error", "unauthenticated", 4003)
    assert server.hub.camera("door") is None


async def test_a_camera_may_prove_itself_before_it_registers(autojump_clock: MockClock, server: Server) -> None:
    """With the same message as a viewer; then the registration needs no token. A wrong one ends the connection."""
    key = server.rules.key("porch", publish=["door"])
    async with server._serving(peer := FakePeer()) as nursery:
        admission = Admission(server.rules.access, NOBODY, "192.0.2.1:6")
        nursery.start_soon(serve_capture, peer, ScopedHub(server.hub, NOBODY), admission)
        peer.say({"type": "authenticate", "token": key})
        peer.say({"type": "client-registration", "clientId": "door"})
        said = [(await peer.hear())["type"] for _ in range(2)]
    assert said == ["authenticated", "registration-success"]
    async with server._serving(peer := FakePeer()) as nursery:
        nursery.start_soon(serve_capture, peer, ScopedHub(server.hub, NOBODY), admission)
        peer.say({"type": "authenticate", "token": "sky_wrong"})
        assert await last_words(peer) == ("registration-error", "unauthenticated", 4003)


async def test_a_seek_of_several_cameras_needs_the_right_for_each(autojump_clock: MockClock, server: Server) -> None:
    """The others are played back, and each refused one is named in an error; the connection goes on."""
    principal = await server.rules.access.verify_token(
        server.rules.key("guest", view=["door", "yard"], history=["yard"])
    )
    with server.hub.register("door", on_end=nothing) as door, server.hub.register("yard", on_end=nothing) as yard:
        for session in (door, door, yard, yard):
            publish_nowait(server.hub, session)
        async with server.viewer(principal=principal) as viewer:
            await viewer.hear_all()
            viewer.say({"type": "seek", "clients": ["door", "yard", "hall"], "back": 60, "speed": 0})
            heard = await viewer.hear_all()
    shown = [decode_envelope(one)[0] for one in heard if isinstance(one, bytes)]
    assert [(one.camera_id, one.sequence) for one in shown] == [("yard", 1)]
    errors = [one["error"] for one in heard if isinstance(one, dict) and one["type"] == "error"]
    assert errors == ["this access does not allow history with camera door"]


async def test_a_viewer_that_loses_the_right_sees_live_pictures_again(
    autojump_clock: MockClock, server: Server
) -> None:
    """A renewed access without `history` ends the playback, not the connection."""
    principal = await server.rules.access.verify_token(server.rules.key("a", view=["door"], history=["door"]))
    other = server.rules.key("b", view=["door"])
    with server.hub.register("door", on_end=nothing) as door:
        for _ in range(3):
            publish_nowait(server.hub, door)
        async with server.viewer(principal=principal) as viewer:
            viewer.say({"type": "seek", "clientId": "door", "sequence": 1, "speed": 0})
            await viewer.hear_all()
            viewer.say({"type": "authenticate", "token": other})
            heard = await viewer.hear_all()
    assert [decode_envelope(one)[0].sequence for one in heard if isinstance(one, bytes)] == [3]
    (state,) = [one for one in heard if isinstance(one, dict) and one["type"] == "playback"]
    assert (state["live"], state["oldestAt"]) == (True, None)


async def test_a_viewer_has_to_prove_itself_in_time(autojump_clock: MockClock, server: Server) -> None:
    """As a camera has to register in time."""
    async with server.viewer() as peer:
        await trio.sleep(9.9)
        assert peer.goodbye is None
        await trio.sleep(0.2)
        assert await last_words(peer) == ("error", "unauthenticated", 4003)


async def test_messages_before_the_token_are_limited(autojump_clock: MockClock, server: Server) -> None:
    """A hundred of them end the connection."""
    async with server.viewer() as peer:
        for _ in range(100):
            peer.say("nothing")
        await wait_all_tasks_blocked()
        assert await last_words(peer) == ("error", "unauthenticated", 4003)


async def test_a_camera_needs_the_right_for_its_id(autojump_clock: MockClock, server: Server) -> None:
    """A key for another camera is forbidden, a missing one is asked for."""
    key = server.rules.key("porch", publish=["door"])
    async with server.camera("hall", key) as wrong, server.camera("door", None) as without:
        assert await last_words(wrong) == ("registration-error", "forbidden", 4003)
        assert await last_words(without) == ("registration-error", "unauthenticated", 4003)
    async with server.camera("door", key) as right:
        assert (await right.hear())["type"] == "registration-success"


async def test_a_key_without_a_right_to_view_is_forbidden_to_watch(autojump_clock: MockClock, server: Server) -> None:
    """Instead of a page that stays empty."""
    key = server.rules.key("porch", publish=["door"])
    async with server.viewer() as peer:
        peer.say({"type": "authenticate", "token": key})
        assert await last_words(peer) == ("error", "forbidden", 4003)


async def test_revoking_a_key_ends_its_connections_at_once(autojump_clock: MockClock, server: Server) -> None:
    """The camera goes offline, and the viewer gets no further frame."""
    key = server.rules.key("both", view=["*"], publish=["door"])
    principal = await server.rules.access.verify_token(key)
    async with server.camera("door", key) as camera, server.viewer(principal=principal) as viewer:
        server.rules.revoke("both")
        assert await last_words(camera) == ("registration-error", "access-ended", 4003)
        assert await last_words(viewer) == ("error", "access-ended", 4003)
        known = server.hub.camera("door")
        assert known is not None
        assert not known.online
        assert list(server.rules.access.sessions) == []


async def test_a_link_expires_in_the_middle_of_a_playback(autojump_clock: MockClock, server: Server) -> None:
    """The playback ends too."""
    link = server.rules.editor.make_link(Action.VIEW, "door", 5).token
    server.rules.watcher.look()
    principal = await server.rules.access.verify_token(link)
    with server.hub.register("door", on_end=nothing) as session:
        async with server.viewer(principal=principal) as viewer:
            publish_nowait(server.hub, session)
            server.rules.time += 5
            server.rules.watcher.look()
            assert await last_words(viewer) == ("error", "access-ended", 4003)


def frames(messages: list[Any]) -> list[int]:
    return [decode_envelope(message)[0].sequence for message in messages if isinstance(message, bytes)]


async def test_a_renewed_viewer_misses_no_frame(autojump_clock: MockClock, server: Server) -> None:
    """From the first frame to the last, over the end of the first token."""
    short = server.rules.key("short", server.rules.time + 5, view=["*"])
    long = server.rules.key("long", server.rules.time + 100, view=["*"])
    principal = await server.rules.access.verify_token(short)
    with server.hub.register("door", on_end=nothing) as session:
        async with server.viewer(principal=principal) as viewer:
            got = []
            for number in range(20):
                publish_nowait(server.hub, session)
                if number == 10:
                    viewer.say({"type": "authenticate", "token": long})
                got += await viewer.hear_all()
                server.rules.time += 1 if number > 10 else 0
                server.rules.watcher.look()
    assert frames(got) == list(range(1, 21))
    (answer,) = [message for message in got if isinstance(message, dict) and message["type"] == "authenticated"]
    assert answer["name"] == "long"


async def test_a_renewed_camera_misses_no_frame(autojump_clock: MockClock, server: Server) -> None:
    """It answers with the new name, and every frame is taken."""
    short = server.rules.key("short", server.rules.time + 5, publish=["door"])
    long = server.rules.key("long", server.rules.time + 100, publish=["door"])
    async with server.camera("door", short) as camera:
        camera.say(JPEG)
        camera.say({"type": "authenticate", "token": long})
        camera.say(JPEG)
        await wait_all_tasks_blocked()
        server.rules.time += 50
        server.rules.watcher.look()
        camera.say(JPEG)
        messages = await camera.hear_all()
        known = server.hub.camera("door")
        assert known is not None
        assert (known.frame_count, known.online) == (3, True)
    assert messages[-1]["type"] == "authenticated"


async def test_a_viewer_with_other_rights_sees_other_cameras(autojump_clock: MockClock, server: Server) -> None:
    """Frames of cameras that the new token does not allow come no more, those of others begin."""
    one = await server.rules.access.verify_token(server.rules.key("one", view=["door", "hall"]))
    two = server.rules.key("two", view=["door", "yard"])
    with (
        server.hub.register("door", on_end=nothing) as door,
        server.hub.register("hall", on_end=nothing) as hall,
        server.hub.register("yard", on_end=nothing) as yard,
    ):
        async with server.viewer(principal=one) as viewer:
            viewer.say({"type": "authenticate", "token": two})
            await viewer.hear_all()
            for session in (door, hall, yard):
                publish_nowait(server.hub, session)
            got = [decode_envelope(one)[0].camera_id for one in await viewer.hear_all() if isinstance(one, bytes)]
    assert sorted(got) == ["door", "yard"]


async def test_live_frames_do_not_include_old_ones_and_results(autojump_clock: MockClock, server: Server) -> None:
    """A viewer without these rights gets an error, and stays connected."""
    principal = await server.rules.access.verify_token(server.rules.key("live", view=["door"]))
    with server.hub.register("door", on_end=nothing) as session:
        publish_nowait(server.hub, session)
        async with server.viewer(principal=principal) as viewer:
            await viewer.hear_all()
            viewer.say({"type": "seek", "clientId": "door", "back": 1})
            viewer.say({"type": "result", "clientId": "door", "sequence": 1})
            viewer.say({"type": "result", "clientId": "hall", "sequence": 1})
            assert [message["code"] for message in await viewer.hear_all()] == ["forbidden", "forbidden", "not-found"]
            assert viewer.goodbye is None


async def test_a_live_camera_cannot_be_taken_over_by_another_principal(
    autojump_clock: MockClock, server: Server
) -> None:
    """Two hundred attempts, and the running one misses no frame."""
    owner, thief = server.rules.key("owner", publish=["door"]), server.rules.key("thief", publish=["*"])
    async with server.camera("door", owner) as camera:
        for _ in range(200):
            async with server.camera("door", thief) as attempt:
                assert await last_words(attempt) == ("registration-error", "in-use", 1008)
            camera.say(JPEG)
            await wait_all_tasks_blocked()
        known = server.hub.camera("door")
        assert known is not None
        assert (known.frame_count, known.online, camera.goodbye) == (200, True, None)


async def test_the_same_key_and_an_administrator_take_over(autojump_clock: MockClock, server: Server) -> None:
    """A camera that reconnects before its old connection is noticed to be dead, and a person who has to step in."""
    owner, admin = server.rules.key("owner", publish=["door"]), server.rules.key("root", admin=["*"])
    async with server.camera("door", owner) as first, server.camera("door", owner) as second:
        assert first.goodbye is not None
        assert first.goodbye[0] == 4001
        async with server.camera("door", admin) as third:
            assert second.goodbye is not None
            assert (await third.hear())["type"] == "registration-success"


async def test_an_open_server_takes_every_token(tmp_path: Path, autojump_clock: MockClock) -> None:
    """A client that has a token for another day is served."""
    server = Server(Rules(tmp_path))
    async with (
        server.viewer(principal=Admission().principal) as viewer,
        server.camera("door", "x", Admission().principal) as camera,
    ):
        viewer.say({"type": "authenticate", "token": "y"})
        assert {"type": "authenticated", "name": "anyone", "expiresAt": None} in await viewer.hear_all()
        assert (await camera.hear())["type"] == "registration-success"
