"""A viewer's commands for another server: the newest one counts, however long that server takes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field
from trio.testing import MockClock

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.server.relay.playback_session import PlaybackSession
from skysentry_trio.server.websocket.remote_playback import RemotePlayback
from skysentry_trio.wire.messages import encode_message
from skysentry_trio.wire.viewer import DescribePlayback, GoLive, PlaybackState, Seek
from tests.hubs import make_hub, nothing

LIMITS = Limits(max_fps=5)


@define(eq=False)
class SlowServer:
    """Another server, whose connection opens late."""

    opens: trio.Event = field(factory=trio.Event)
    speaks: trio.Event = field(factory=trio.Event)
    heard: list[dict[str, Any]] = field(factory=list)
    says: list[str] = field(factory=list)

    async def has(self, _camera_id: str) -> bool:
        return True

    @asynccontextmanager
    async def open_viewer(self, _camera_id: str, _limits: Limits, _principal: Principal) -> AsyncIterator[SlowServer]:
        await self.opens.wait()
        yield self

    async def send(self, message: str) -> None:
        self.heard.append(json.loads(message))

    async def receive(self) -> str:
        await self.speaks.wait()
        self.speaks = trio.Event()
        return self.says.pop(0)


@asynccontextmanager
async def playing(server: SlowServer) -> AsyncIterator[RemotePlayback]:
    """Have a viewer that plays a camera of another server back."""

    async def send(_message: str) -> None:
        await trio.lowlevel.checkpoint()

    hub = make_hub()
    with hub.register("door", on_end=nothing), hub.watch() as viewer:
        hub.subscribe(viewer, ["door"])
        remote = RemotePlayback(server, PlaybackSession(hub, viewer), "door", ANYONE, send)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(remote.run)
            yield remote
            nursery.cancel_scope.cancel()


async def test_the_last_of_many_commands_is_the_one_that_counts(autojump_clock: MockClock) -> None:
    """While a timeline is dragged, the other server may need seconds for a connection: it gets the last place only."""
    server = SlowServer()
    async with playing(server) as remote:
        for back in range(500):
            remote.take(DescribePlayback("door"), LIMITS)
            remote.take(Seek("door", back=float(back)), LIMITS)
        server.opens.set()
        await trio.sleep(1)

    assert [one["type"] for one in server.heard] == ["playback", "subscribe", "seek"]
    assert (server.heard[1]["maxFps"], server.heard[2]["back"]) == (5, 499.0)


async def test_a_playback_ends_when_the_other_server_has_answered_the_last_command(autojump_clock: MockClock) -> None:
    """What was never sent is never answered, so nothing waits for that: the camera is live when it is said to be."""
    server = SlowServer()
    async with playing(server) as remote:
        for back in range(500):
            remote.take(Seek("door", back=float(back)), LIMITS)
        server.opens.set()
        await trio.sleep(1)
        assert remote.place is not None
        state = PlaybackState("door", True, 1.0, None, None, None, None)
        server.says.append(encode_message(state))
        server.speaks.set()
        await trio.sleep(1)
        assert remote.place is None


async def test_a_pause_is_not_lost_among_other_commands(autojump_clock: MockClock) -> None:
    """Whether frames are sent does not depend on what is played."""
    server = SlowServer()
    async with playing(server) as remote:
        remote._is_paused = True
        remote.resume()
        remote.take(Seek("door", back=5.0), LIMITS)
        remote.take(GoLive("door"), LIMITS)
        server.opens.set()
        await trio.sleep(1)

    assert [one["type"] for one in server.heard] == ["resume", "subscribe", "live"]
