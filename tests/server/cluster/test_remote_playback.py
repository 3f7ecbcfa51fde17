"""A viewer plays a camera of another node: it gets what it would get at the node that has the camera."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from skysentry_trio.base.demand import CombinedDemand, Limits
from tests.clocks import NOON
from tests.raw_peer import BINARY, CLOSE, TEXT, RawPeer, client_frame
from tests.server.cluster.nodes import FRAMES, TestNode, running_nodes, two_nodes_with_frames, until
from tests.server.cluster.test_proxy import guarded_nodes
from tests.server.history.helpers import OpenFolder, frames


@define(eq=False)
class Talk:
    """What one viewer says and hears."""

    peer: RawPeer
    frames: list[tuple[int, bool]] = field(factory=list)
    """Sequence of each frame, and whether it was live."""
    said: list[dict[str, Any]] = field(factory=list)
    _heard: int = 0

    async def say(self, **message: Any) -> None:
        await self.peer.send(client_frame(TEXT, json.dumps(message).encode()))

    async def listen(self) -> None:
        while (frame := await self.peer.frame()).opcode != CLOSE:
            if frame.opcode == BINARY:
                length = int.from_bytes(frame.payload[:2], "big")
                header = json.loads(frame.payload[2 : 2 + length])
                self.frames.append((header["sequence"], header["live"]))
            elif frame.opcode == TEXT:
                self.said.append(json.loads(frame.payload))

    async def hear_more(self) -> None:
        """Wait for one message more than were waited for before."""
        self._heard += 1
        await until(lambda: len(self.said) > self._heard)

    async def answer(self, count: int = 1, kind: str = "playback") -> dict[str, Any]:
        """Return the message of a kind that was the last but ``count`` ones to be waited for."""
        await until(lambda: len(self._of(kind)) >= count)
        return self._of(kind)[count - 1]

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.said if one["type"] == kind]


@asynccontextmanager
async def talking(node: TestNode, query: str = "?client=door&format=envelope", *headers: str) -> AsyncIterator[Talk]:
    async with node.address.websocket(f"/stream/ws{query}", *headers) as peer, trio.open_nursery() as nursery:
        talk = Talk(peer)
        nursery.start_soon(talk.listen)
        yield talk
        nursery.cancel_scope.cancel()


async def test_a_viewer_does_not_learn_of_a_camera_of_another_node_that_it_may_not_see() -> None:
    """Whatever it asks, it is told the same as about a camera that does not exist."""
    async with guarded_nodes(view=["yard"], history=["yard"]) as (a, b, authorization):
        for kind, more in (("playback", {}), ("live", {}), ("seek", {"back": 60})):
            answers = []
            for camera_id in ("door", "none"):
                async with talking(b, "?format=envelope", authorization) as talk:
                    await talk.say(type=kind, clientId=camera_id, **more)
                    answers.append(json.dumps(await talk.answer()).replace(camera_id, "none"))
                    assert [one["type"] for one in talk.said] == ["clients", "playback"]
            assert answers[0] == answers[1]
        assert a.relay.connections == 0


async def test_a_playback_runs_to_its_end_and_goes_on_live() -> None:
    """The viewer gets the frames in order, and then the live ones, without asking for them."""
    seen: set[int] = set()
    async with two_nodes_with_frames() as (_, b), talking(b) as far:
        await until(lambda: far.frames)
        # Frames whose time has passed are left out, as on a busy machine; the next time, they are others.
        for ended in range(2, 42, 2):
            far.frames.clear()
            await far.say(type="seek", clientId="door", sequence=1, speed=1)
            assert (await far.answer(ended))["live"] is True
            await until(lambda: far.frames[-1] == (FRAMES, True))
            shown = [sequence for sequence, live in far.frames if not live]
            assert (shown[0], shown) == (1, sorted(set(shown)))
            seen.update(shown)
            if len(seen) == FRAMES - 1:
                break
        assert seen == {*range(1, FRAMES)}


async def test_a_playback_asks_the_camera_for_nothing() -> None:
    """The second connection carries what is played, and nothing else: the camera is asked for what the link needs."""
    async with two_nodes_with_frames() as (a, b), talking(b, "?client=door&format=envelope&maxWidth=320") as far:
        await until(lambda: far.frames)
        demand = CombinedDemand(1, Limits(max_width=320))
        await far.say(type="playback", clientId="door")
        await far.answer()
        assert a.hub.demand(a.hub_camera("door")) == demand
        await far.say(type="seek", clientId="door", sequence=3, speed=0)
        await far.answer(2)
        assert a.hub.demand(a.hub_camera("door")).limits == demand.limits
        await far.say(type="live", clientId="door")
        await far.answer(3)
        await until(lambda: a.hub.demand(a.hub_camera("door")) == demand)


async def test_a_playback_whose_node_is_lost_ends_with_a_reason() -> None:
    """The viewer sees the camera live again as soon as somebody has it."""
    async with two_nodes_with_frames() as (a, b), talking(b) as far:
        await until(lambda: far.frames)
        await far.say(type="seek", clientId="door", sequence=3, speed=0)
        await far.answer()
        a.relay.cut()
        assert "the playback has ended" in (await far.answer(kind="error"))["error"]
        assert (await far.answer(2))["live"] is True


async def test_recordings_of_a_camera_that_no_node_knows_any_more_are_played(tmp_path: Path) -> None:
    """Whichever node the viewer is connected to."""
    with closing(OpenFolder(tmp_path)) as folder:
        folder.record("attic", frames(5, fps=1))
        heard = []
        async with running_nodes("a", "b", folders={"a": folder}) as nodes:
            for node in nodes:
                async with talking(node, "?client=attic&format=envelope") as talk:
                    await talk.say(type="playback", clientId="attic")
                    await talk.say(type="seek", clientId="attic", at=(NOON + 2) * 1000, speed=0)
                    states = [await talk.answer(), await talk.answer(2)]
                    await until(partial(len, talk.frames))
                    heard.append((states, talk.frames))
    near, far = heard
    assert near == far
    (extent, _), shown = near
    assert (extent["oldestAt"], extent["newestAt"], shown) == (NOON * 1000, (NOON + 4) * 1000, [(3, False)])


async def test_two_nodes_that_believe_each_other_to_have_a_camera_do_not_ask_in_circles() -> None:
    """A node that plays for another node plays what it has itself."""
    async with running_nodes("a", "b") as (a, b):
        a.believe("door", "b")
        b.believe("door", "a")
        async with talking(b) as talk:
            await talk.say(type="playback", clientId="door")
            assert (await talk.answer())["oldestAt"] is None
            # The link, and the playback.
            assert (a.relay.connections, b.relay.connections) == (2, 0)
