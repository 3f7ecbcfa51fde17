"""Answers about the cameras of several nodes: every node gives the same, and names the nodes that are missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from skysentry_trio.server.http import history, rest
from tests.server.cluster.nodes import TestNode, running_nodes, until
from tests.server.cluster.test_proxy import guarded_nodes
from tests.server.history.helpers import NOON, OpenFolder, frames


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


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is away is waited for as long as it takes a busy machine to ask one that is not."""
    monkeypatch.setattr(rest, "_RING_TIMEOUT", 1.0)
    monkeypatch.setattr(history, "_GATHER_TIMEOUT", 1.0)


@asynccontextmanager
async def cameras_at_two_nodes() -> AsyncIterator[tuple[TestNode, TestNode]]:
    async with running_nodes("a", "b") as (a, b):
        with a.camera("door") as door, a.camera("attic") as attic, b.camera("yard") as yard:
            for camera in (door, attic, yard, door):
                await camera.send()
            await until(lambda: len(a.hub.cameras) == len(b.hub.cameras) == 3)
            yield a, b


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


async def test_a_node_whose_rings_are_missing_is_named() -> None:
    """It is asked once, not for each of its cameras."""
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
