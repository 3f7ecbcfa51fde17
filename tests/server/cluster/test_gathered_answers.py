"""Answers about the cameras of several nodes: every node gives the same, and names the nodes that are missing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from skysentry_trio.server.access.keys import hash_key, make_key
from skysentry_trio.server.access.records import AccessRecords, KeyRecord
from skysentry_trio.server.access.start import open_to_everybody
from skysentry_trio.server.cluster.node_questions import NodeQuestions
from tests.clocks import NOON
from tests.server.cluster.nodes import TestNode, running_nodes, until
from tests.server.cluster.test_proxy import guarded_nodes
from tests.server.cluster.test_same_answers import comparable
from tests.server.history.helpers import OpenFolder, frames

NODES = ("aaaaaaaaaaaa", "bbbbbbbbbbbb")
ADMIN = {"admin": ["*"]}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[dict[str, OpenFolder]]:
    """What two nodes have recorded: ``door`` has moved from the first to the second one."""
    opened = {node_id: OpenFolder(tmp_path / node_id) for node_id in ("a", "b")}
    opened["a"].record("door", frames(10, fps=1))
    opened["a"].record("attic", frames(5, fps=1))
    opened["b"].record("door", frames(20, fps=1, start=NOON + 60))
    yield opened
    for one in opened.values():
        one.close()


@asynccontextmanager
async def cameras_at_two_nodes() -> AsyncIterator[tuple[TestNode, TestNode]]:
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as door, a.camera("attic") as attic, b.camera("yard") as yard:
            for camera in (door, attic, yard, door):
                await camera.send()
            await until(lambda: len(a.hub.cameras) == len(b.hub.cameras) == 3)
            yield a, b


@asynccontextmanager
async def two_closed_nodes(allow: dict[str, list[str]] = ADMIN) -> AsyncIterator[tuple[TestNode, TestNode, str]]:
    """Run two nodes that know one key, which has these rights."""
    key = make_key()
    records = AccessRecords(keys=[KeyRecord("7", "porch", hash_key(key), allow, 0.0)])
    setups = {}
    for node_id in NODES:
        setups[node_id] = setup = open_to_everybody()
        setup.access.is_open = setup.access.stays_open = False
        setup.access.load(records)
    async with running_nodes(*NODES, setups=setups) as (a, b):
        yield a, b, f"Authorization: Bearer {key}"


async def test_every_node_knows_the_latency_for_viewers_of_all_nodes() -> None:
    """A viewer is named by its number and its node, and the mean is one over all of their frames."""
    async with running_nodes("a", "b", "c") as nodes:
        a, b, _ = nodes
        # A second viewer at the far node would change the number of viewers a second later, between two answers.
        with a.camera("door") as door, a.viewer("door") as near, b.viewer("door") as far, a.viewer("door"):
            await until(lambda: door.viewers == 3)
            for sequence in (1, 2):
                await door.send()
                await until(lambda: len(near.frames) == len(far.frames) == sequence)  # noqa: B023 - called at once
                for node, watching in ((a, near), (b, far)):
                    node.hub.acknowledge(watching.viewer, "door", sequence, time.time())
                    watching.viewer.latency.conclude(trio.current_time())
            said = [comparable(await node.address.ask("/api/clients"), {"fps"})["details"] for node in nodes]
            assert said[0] == said[1] == said[2]
            (camera,) = said[0]
            watchers = camera["watchers"]
            assert [(one["node"], one["frames"]) for one in watchers] == [("a", 1), ("b", 1)]
            assert ["transit" in one for one in watchers] == [False, True]
            assert camera["latency"]["frames"] == 2
            assert camera["latency"]["total"] == pytest.approx(sum(one["total"] for one in watchers) / 2, abs=0.05)


async def rings(node: TestNode) -> Any:
    said = (await node.address.ask("/api/streams")).json
    for ring in said["streams"].values():
        ring["stats"]["fps"] = 0
    return said


async def test_every_node_has_the_rings_of_all_cameras() -> None:
    """They are the same in every answer."""
    async with cameras_at_two_nodes() as (a, b):
        near, far = await rings(a), await rings(b)
        assert near == far
        assert {camera: ring["count"] for camera, ring in near["streams"].items()} == {"door": 2, "attic": 1, "yard": 1}
        assert near["totalClients"] == 3


@pytest.mark.usefixtures("impatient_nodes")
async def test_a_node_whose_rings_are_missing_is_named() -> None:
    """It is waited for once, not for each of its cameras."""
    async with cameras_at_two_nodes() as (a, b):
        a.relay.freeze()
        said = await rings(b)
        assert (list(said["streams"]), said["totalClients"], said["unreachable"]) == (["yard"], 1, ["a"])


async def test_rings_that_somebody_may_not_see_are_not_sent() -> None:
    """The rights of the client hold at the other nodes too."""
    async with guarded_nodes(history=["yard"]) as (a, b, authorization):
        assert (await b.address.ask("/api/streams", authorization)).json["streams"] == {}
        assert a.relay.connections == 0


async def test_every_node_says_what_all_have_recorded(folders: dict[str, OpenFolder]) -> None:
    """A camera that has moved has recordings at several nodes, and is listed once."""
    async with running_nodes("a", "b", folders=folders) as (a, b):
        near, far = [(await node.address.ask("/api/history")).json for node in (a, b)]
        assert {**near, "bytesFree": 0} == {**far, "bytesFree": 0}
        attic, door = near["cameras"]
        assert (attic["clientId"], attic["frames"]) == ("attic", 5)
        assert (door["clientId"], door["frames"]) == ("door", 30)
        assert door["oldestAt"] == "2026-11-29T12:00:00.000+00:00"
        assert door["newestAt"] == "2026-11-29T12:01:19.000+00:00"
        assert near["framesWritten"] == 35


async def test_a_node_that_records_nothing_says_what_others_have_recorded(folders: dict[str, OpenFolder]) -> None:
    """Without any recordings, there is nothing at this address."""
    async with running_nodes("a", "b", folders={"b": folders["b"]}) as (a, b):
        near, far = [(await node.address.ask("/api/history")).json for node in (a, b)]
        assert near["cameras"] == far["cameras"] != []
    async with running_nodes("a", "b") as (a, _):
        assert (await a.address.ask("/api/history")).status == 404


@pytest.mark.usefixtures("impatient_nodes")
async def test_a_node_whose_recordings_are_missing_is_named(folders: dict[str, OpenFolder]) -> None:
    """The others are listed."""
    async with running_nodes("a", "b", folders=folders) as (a, b):
        a.relay.freeze()
        said = (await b.address.ask("/api/history")).json
        assert ([camera["clientId"] for camera in said["cameras"]], said["unreachable"]) == (["door"], ["a"])


async def test_recordings_that_somebody_may_not_see_are_not_listed(folders: dict[str, OpenFolder]) -> None:
    """Neither are those from before a right begins, nor figures about all cameras."""
    async with guarded_nodes(folders, history=["door@2026-11-29T12:00:05Z"]) as (_, b, authorization):
        said = (await b.address.ask("/api/history", authorization)).json
        (door,) = said["cameras"]
        assert (door["oldestAt"], door["frames"]) == ("2026-11-29T12:00:05.000+00:00", 25)
        assert "framesWritten" not in said


async def test_every_node_lists_and_ends_the_connections_of_all() -> None:
    """An administrator behind a balancer does not know which server somebody is connected to."""
    async with two_closed_nodes() as (a, b, authorization), a.address.websocket("/stream/ws", authorization) as viewer:
        near, far = [(await node.address.ask("/api/sessions", authorization)).json["sessions"] for node in (a, b)]
        (watching,) = [one for one in far if one["role"] == "viewer"]
        assert watching in near
        route = f"/api/sessions/{watching['id']}"
        assert (await b.address.ask(route, authorization, method="DELETE")).status == 204
        assert (await viewer.close_frame()).close_code == 4003
        assert (await b.address.ask(route, authorization, method="DELETE")).status == 404


async def test_connections_are_listed_for_administrators_only() -> None:
    """Nobody else has them ended at another node."""
    async with two_closed_nodes() as (a, b, authorization), a.address.websocket("/stream/ws", authorization):
        listed = (await b.address.ask("/api/sessions", authorization)).json["sessions"]
        (watching,) = [one for one in listed if one["role"] == "viewer"]
    async with two_closed_nodes({"view": ["*"]}) as (_, b, authorization):
        assert (await b.address.ask("/api/sessions", authorization)).status == 403
        answer = await b.address.ask(f"/api/sessions/{watching['id']}", authorization, method="DELETE")
        assert answer.status == 403


async def test_recordings_of_a_camera_that_no_node_knows_any_more_are_found(folders: dict[str, OpenFolder]) -> None:
    """Whichever node is asked; of a camera that has moved, those of the node with the newest ones."""
    async with running_nodes("a", "b", folders=folders) as (a, b):
        for camera_id, count in (("attic", 5), ("door", 20), ("yard", 0)):
            for route in ("history", "history/days", "history/events", "clip", "latest.jpg?at=2026-11-29T13:00:00Z"):
                target = f"/api/clients/{camera_id}/{route}"
                near, far = [await node.address.ask(target) for node in (a, b)]
                assert (near.status, near.body) == (far.status, far.body), target
                assert near.status == (200 if count or route.startswith("history") else 404), target
            assert (await b.address.ask(f"/api/clients/{camera_id}/history")).json["frames"] == count


async def test_recordings_of_a_node_that_does_not_answer_are_not_called_gone(
    folders: dict[str, OpenFolder],
) -> None:
    """A node that has said what it recorded is named, as long as it is part of the cluster."""
    async with running_nodes("a", "b", folders={"a": folders["a"]}) as (a, b):
        assert (await b.address.ask("/api/clients/attic/clip")).status == 200
        a.relay.is_down = True
        a.relay.cut()
        b.node.proxy.recorders._valid_until = 0.0
        assert (await b.address.ask("/api/clients/attic/clip")).status == 502
        del b.cluster.nodes["a"]
        b.node.proxy.recorders._valid_until = 0.0
        assert (await b.address.ask("/api/clients/attic/clip")).status == 404


async def test_who_may_not_see_old_frames_does_not_learn_who_was_recorded(folders: dict[str, OpenFolder]) -> None:
    """A camera that was recorded looks like one that never was."""
    async with guarded_nodes({"a": folders["a"]}, view=["door"]) as (a, b, authorization):
        answers = [await b.address.ask(f"/api/clients/{name}/clip", authorization) for name in ("attic", "none")]
        assert [answer.status for answer in answers] == [404, 404]
        assert a.relay.connections == 0


async def test_a_node_whose_answers_cannot_be_read_is_named(
    folders: dict[str, OpenFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be of another version; the answers of all others are there."""

    async def ask(*_: Any) -> bytes:
        await trio.lowlevel.checkpoint()
        return b'{"written": "by another version"}'

    monkeypatch.setattr(NodeQuestions, "_ask", ask)
    async with running_nodes("a", "b", folders=folders) as (_, b):
        for route in ("history", "events", "exports", "clients"):
            answer = await b.address.ask(f"/api/{route}")
            assert (answer.status, answer.json.get("unreachable")) == (200, ["a"]), route
        assert (await b.address.ask("/api/clients/attic/history")).status == 200
