"""Whatever happens, nothing that a reader gets names a camera that this reader may not know of."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from typing import Any

import trio
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.base.principal import Action, Principal, Rights
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.admission import Admission
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.websocket.viewer import serve_viewer
from skysentry_trio.wire.viewer_frames import decode_envelope
from skysentry_trio.wire.viewer_query import ViewerFormat
from tests.hubs import evict_idle, make_hub, nothing, publish_nowait
from tests.jpegs import draw_jpeg
from tests.server.http.rest_harness import Site
from tests.server.websocket.fakes import FakePeer

CAMERAS = ["alpha", "bravo", "charlie", "delta"]
UNKNOWN = "nowhere"
GROUPS = {"pair": ["alpha", "d*"]}
PATTERNS = st.sampled_from(["*", "alpha", "bravo", "b*", "?harlie", "@pair", "@none", "*a", "charlie"])
RULE = st.lists(PATTERNS, max_size=2)
ALLOWED = st.fixed_dictionaries(
    {"view": st.lists(PATTERNS, min_size=1, max_size=2)},
    optional={"history": RULE, "annotate": RULE, "publish": RULE, "metrics": RULE},
)
IDS = st.sampled_from([*CAMERAS, UNKNOWN])
STEPS = st.one_of(
    st.tuples(st.just("connect"), st.sampled_from(CAMERAS)),
    st.tuples(st.just("publish"), st.sampled_from(CAMERAS)),
    st.tuples(st.just("leave"), st.sampled_from(CAMERAS)),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 500.0])),
    st.tuples(st.just("watch"), st.integers(0, 2)),
    st.tuples(st.just("prove"), st.integers(0, 2)),
    st.tuples(st.just("ask"), st.integers(0, 2)),
    st.tuples(st.just("subscribe"), st.one_of(st.just("*"), st.lists(IDS, max_size=3))),
    st.tuples(st.just("unsubscribe"), st.lists(IDS, max_size=3)),
    st.tuples(st.sampled_from(["seek", "live", "playback", "result"]), IDS),
    st.tuples(st.sampled_from(["pause", "resume"]), st.none()),
)
ROUTES = ["/api/clients", "/api/streams", "/metrics", "/api/health", "/api/session"]


def without_id(message: dict[str, Any], camera_id: str) -> str:
    """Return a message as it would be about a camera that does not exist."""
    return json.dumps(message).replace(camera_id, UNKNOWN)


@define(eq=False)
class Viewer:
    """One viewer, and what it may know."""

    peer: FakePeer
    principal: Principal
    said: set[str] = field(factory=set)
    """Ids that the viewer has named itself."""

    async def check(self) -> None:
        """Fail if a message names a camera that the viewer may not see, and did not name itself."""
        for message in await self.peer.hear_all():
            if isinstance(message, bytes):
                header, _ = decode_envelope(message)
                assert self.principal.may_see(header.camera_id), header
                continue
            if message["type"] == "authenticated":
                continue
            for camera_id in CAMERAS:
                if self.principal.may_see(camera_id) or camera_id not in json.dumps(message):
                    continue
                assert camera_id in self.said, message
                assert message["type"] in {"playback", "error"}, message
                if message["type"] == "playback":
                    assert (message["live"], message["sequence"], message["newestAt"]) == (True, None, None)
                elif not self.principal.rights.name(camera_id):
                    assert without_id(message, camera_id).count(f"there is no camera {UNKNOWN}")


@define(eq=False)
class World:
    """A hub with cameras, viewers and principals, all in memory."""

    principals: list[Principal]
    nursery: trio.Nursery
    stack: ExitStack
    hub: Hub = field(factory=partial(make_hub, client_timeout=100.0))
    access: Access = field(init=False)
    sessions: dict[str, tuple[ExitStack, CameraSession]] = field(factory=dict)
    viewers: list[Viewer] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        async def verify(token: str) -> Principal | None:
            return self.principals[int(token)]

        self.access = Access(is_open=False, token_verifiers=[verify])

    async def step(self, what: str, argument: Any) -> None:
        match what:
            case "connect" if argument not in self.sessions:
                stack = ExitStack()
                register = self.hub.register(argument, name=f"The {argument} camera", on_end=nothing)
                self.sessions[argument] = stack, stack.enter_context(register)
            case "publish" if argument in self.sessions:
                publish_nowait(self.hub, self.sessions[argument][1], draw_jpeg(), width=32, height=24)
            case "leave" if argument in self.sessions:
                self.sessions.pop(argument)[0].close()
            case "wait":
                await trio.sleep(argument)
                evict_idle(self.hub)
            case "watch":
                await self.watch(self.principals[argument])
            case "ask":
                await self.ask(self.principals[argument])
            case "connect" | "publish" | "leave":
                pass
            case _:
                for viewer in self.viewers:
                    await self.command(viewer, what, argument)

    async def watch(self, principal: Principal) -> None:
        if not principal.rights.allow(Action.VIEW):
            return
        peer = FakePeer()
        admission, scoped_hub = Admission(self.access, principal), ScopedHub(self.hub, principal)
        self.nursery.start_soon(serve_viewer, peer, scoped_hub, "", ViewerFormat.ENVELOPE, admission)
        self.viewers.append(Viewer(peer, principal))

    async def command(self, viewer: Viewer, what: str, argument: Any) -> None:
        message: dict[str, Any] = {"type": what}
        match what:
            case "prove":
                principal = self.principals[argument]
                if not principal.rights.allow(Action.VIEW):
                    return
                # The rights from before apply to the messages from before.
                await viewer.check()
                message = {"type": "authenticate", "token": str(argument)}
                viewer.principal = principal
            case "subscribe" | "unsubscribe":
                message["clients"] = argument
                viewer.said |= set(argument)
            case "seek" | "live" | "playback" | "result":
                message |= {"clientId": argument} | ({"back": 1} if what == "seek" else {})
                message |= {"sequence": 1} if what == "result" else {}
                viewer.said.add(argument)
        viewer.peer.say(message)
        await wait_all_tasks_blocked()

    async def ask(self, principal: Principal) -> None:
        """Fail if an answer over HTTP names a camera that the principal may not know of."""
        site = Site(self.hub, principal=principal)
        rights = principal.rights
        may_know = {"/api/streams": Action.HISTORY, "/metrics": Action.METRICS}
        for route in ROUTES:
            text = (await site.ask(route)).body.decode()
            action = may_know.get(route, Action.VIEW)
            if route == "/api/session":
                continue  # it says which cameras the rule names
            assert [one for one in CAMERAS if one in text and not rights.allow(action, one)] == []
        for camera_id in CAMERAS:
            if not rights.name(camera_id):
                for route in ("latest", "latest.jpg", "stream", "clip"):
                    hidden = await site.ask(f"/api/clients/{camera_id}/{route}")
                    unknown = await site.ask(f"/api/clients/{UNKNOWN}/{route}")
                    assert hidden.status == unknown.status
                    assert hidden.body.decode().replace(camera_id, UNKNOWN) == unknown.body.decode()

    async def check(self) -> None:
        for viewer in self.viewers:
            await viewer.check()


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(allowed=st.lists(ALLOWED, min_size=3, max_size=3), steps=st.lists(STEPS, min_size=5, max_size=25))
def test_nothing_names_a_hidden_camera(allowed: list[dict[str, list[str]]], steps: list[tuple[str, Any]]) -> None:
    """No message, list, notice, metric or error, over random rules, cameras, viewers and events."""
    principals = [
        Principal(f"person {number}", Rights.of(rule, GROUPS), "jwt", f"jwt:{number}")
        for number, rule in enumerate(allowed)
    ]

    async def play() -> None:
        with ExitStack() as stack:
            async with trio.open_nursery() as nursery:
                world = World(principals, nursery, stack)
                begun = [("connect", "alpha"), ("watch", 0), ("watch", 1), ("connect", "bravo"), ("publish", "bravo")]
                for what, argument in [*begun, *steps, ("ask", 0), ("ask", 1), ("leave", "bravo"), ("wait", 500.0)]:
                    await world.step(what, argument)
                    await world.check()
                nursery.cancel_scope.cancel()
            for session_stack, _ in world.sessions.values():
                session_stack.close()

    trio.run(play, clock=MockClock(autojump_threshold=0))
