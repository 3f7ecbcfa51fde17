"""Exports in a cluster: they may have the cameras of all nodes, and every node knows all of them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.cluster.node_questions import NodeQuestions
from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.http import clips, export_jobs
from tests.clocks import NOON
from tests.raw_peer import Answer
from tests.server.cluster.nodes import TestNode, running_nodes, until
from tests.server.cluster.test_proxy import guarded_nodes, post
from tests.server.history.helpers import OpenFolder, frames

A, B = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
WANTED = {"clients": ["door", "yard"], "from": NOON, "to": NOON + 60}
JSON = "Content-Type: application/json"


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[dict[str, OpenFolder]]:
    """What two nodes have recorded: ten frames of ``door`` and twenty of ``yard``."""
    opened = {node_id: OpenFolder(tmp_path / node_id) for node_id in (A, B)}
    opened[A].record("door", frames(10, fps=1))
    opened[A].events.begin("door", "bell", EventSource.API, begin=NOON, end=NOON + 1, data=None)
    opened[A].settle()
    opened[B].record("yard", frames(20, fps=1))
    yield opened
    for one in opened.values():
        one.close()


@asynccontextmanager
async def two_nodes(folders: dict[str, OpenFolder]) -> AsyncIterator[tuple[TestNode, TestNode]]:
    async with running_nodes(A, B, folders=folders) as (a, b):
        a.cluster.place("door", A)
        b.cluster.place("yard", B)
        yield a, b


async def begin(node: TestNode, wanted: dict[str, Any] = WANTED) -> Answer:
    return await post(node.address, "/api/exports", json.dumps(wanted).encode(), JSON)


async def finished(node: TestNode, export_id: str) -> Any:
    with trio.fail_after(20):
        while True:
            said = (await node.address.ask(f"/api/exports/{export_id}")).json
            if said["state"] in {"ready", "failed"}:
                return said
            await trio.sleep(0.01)


async def test_an_export_has_the_cameras_of_all_nodes(folders: dict[str, OpenFolder]) -> None:
    """Frames, times, hashes and events are those of the node that has the camera."""
    async with two_nodes(folders) as (a, b):
        manifests = []
        for node in (a, b):
            done = await finished(node, (await begin(node)).json["id"])
            assert (done["state"], done["error"], done["frames"]) == ("ready", None, 30)
            file = await node.address.ask(f"/api/exports/{done['id']}/file")
            with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
                manifests.append(json.loads(archive.read("manifest.json")))
                assert len(archive.namelist()) == 31
        assert manifests[0] == manifests[1]
        assert [event["label"] for event in manifests[0]["cameras"][0]["events"]] == ["bell"]


async def test_a_long_time_at_another_node_is_fetched_in_short_clips(
    folders: dict[str, OpenFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where it has recorded; every frame is there once, also the one between two clips."""
    fetched = list[str]()

    async def fetch(questions: NodeQuestions, camera_id: str, resource: str, *rest: Any) -> bool:
        fetched.append(resource)
        return await original(questions, camera_id, resource, *rest)

    original = NodeQuestions.fetch_from_owner
    monkeypatch.setattr(NodeQuestions, "fetch_from_owner", fetch)
    monkeypatch.setattr(export_jobs, "_CLIP_SECONDS", 5.0)
    monkeypatch.setattr(export_jobs, "_MOST_PARTS", 10)
    async with two_nodes(folders) as (a, _):
        done = await finished(a, (await begin(a, {**WANTED, "to": NOON + 300})).json["id"])
        file = await a.address.ask(f"/api/exports/{done['id']}/file")
    with zipfile.ZipFile(io.BytesIO(file.body)) as archive:
        cameras = json.loads(archive.read("manifest.json"))["cameras"]
    assert [[frame["sequence"] for frame in camera["frames"]] for camera in cameras] == [
        [*range(1, 11)],
        [*range(1, 21)],
    ]
    assert len(fetched) == 4


async def test_every_node_knows_every_export(folders: dict[str, OpenFolder]) -> None:
    """It can be listed, watched, fetched in part and deleted at the other node."""
    async with two_nodes(folders) as (a, b):
        export_id = (await begin(a)).json["id"]
        done = await finished(b, export_id)
        assert [(await node.address.ask("/api/exports")).json["exports"] for node in (a, b)] == [[done], [done]]
        part = await b.address.ask(f"/api/exports/{export_id}/file", "Range: bytes=0-1")
        assert (part.status, part.body) == (206, b"PK")
        assert (await b.address.ask(f"/api/exports/{export_id}", method="DELETE")).status == 204
        assert (await a.address.ask(f"/api/exports/{export_id}")).status == 404
        assert (await b.address.ask(f"/api/exports/{export_id}")).status == 404


async def test_a_node_that_records_nothing_knows_the_exports_of_the_others(folders: dict[str, OpenFolder]) -> None:
    """It cannot make one itself, because it has no folder for the file."""
    async with running_nodes(A, B, folders={A: folders[A]}) as (a, b):
        a.cluster.place("door", A)
        done = await finished(b, (await begin(a, {**WANTED, "clients": ["door"]})).json["id"])
        assert (await b.address.ask("/api/exports")).json["exports"] == [done]
        assert (await begin(b)).status == 404


async def test_nothing_that_was_fetched_is_left(folders: dict[str, OpenFolder]) -> None:
    """Beside the recordings, there is the archive only."""
    async with two_nodes(folders) as (_, b):
        done = await finished(b, (await begin(b)).json["id"])
        folder = folders[B].path / "@exports"
        await until(lambda: [file.name for file in folder.iterdir()] == [f"{done['id']}.zip"])


async def test_an_export_without_recordings_is_refused(folders: dict[str, OpenFolder]) -> None:
    """As at the node that has the camera."""
    async with two_nodes(folders) as (a, b):
        later = {**WANTED, "from": NOON + 1000, "to": NOON + 1001}
        for node in (a, b):
            answer = await begin(node, later)
            assert (answer.status, answer.json["error"]) == (404, "none of these cameras was recorded then")


@pytest.mark.usefixtures("impatient_nodes")
async def test_a_node_that_is_away_is_named(folders: dict[str, OpenFolder]) -> None:
    """An export that needs it fails, and the list says that its exports are missing."""
    async with two_nodes(folders) as (a, b):
        a.cluster.place("door", A, node_url="http://127.0.0.1:1")
        failed = await finished(b, (await begin(b)).json["id"])
        assert failed["state"] == "failed"
        assert f"node {A} does not answer" in failed["error"]
        a.relay.freeze()
        assert (await b.address.ask("/api/exports")).json["unreachable"] == [A]


async def test_an_export_waits_for_a_node_that_is_sending_many_clips(
    folders: dict[str, OpenFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks again for a while, and names the node if that was in vain."""
    monkeypatch.setattr(export_jobs, "_BUSY_WAIT", 0.01)
    monkeypatch.setattr(clips, "_MAX_CLIPS", 0)
    answers = list[str]()

    async def fetch(questions: NodeQuestions, *asked: Any) -> bool:
        try:
            return await original(questions, *asked)
        except ProtocolViolation as error:
            answers.append(error.code)
            raise

    original = NodeQuestions.fetch_from_owner
    monkeypatch.setattr(NodeQuestions, "fetch_from_owner", fetch)
    async with two_nodes(folders) as (_, b):
        done = await finished(b, (await begin(b)).json["id"])
    assert (done["state"], done["error"]) == ("failed", f"node {A} is busy; try again later")
    assert answers == ["busy"] * 60


async def test_an_export_fails_if_its_camera_moves_meanwhile(
    folders: dict[str, OpenFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames of the other server would be missing, and nobody would know."""

    async def fetch(questions: NodeQuestions, *asked: Any) -> bool:
        found = await original(questions, *asked)
        b.cluster.place("door", B)
        return found

    original = NodeQuestions.fetch_from_owner
    monkeypatch.setattr(NodeQuestions, "fetch_from_owner", fetch)
    async with two_nodes(folders) as (_, b):
        done = await finished(b, (await begin(b)).json["id"])
    assert done["state"] == "failed"
    assert "camera door moved to another server" in done["error"]


async def test_an_export_is_for_those_only_who_may_see_its_cameras(folders: dict[str, OpenFolder]) -> None:
    """Others are told that there is none, at every node."""
    async with guarded_nodes({"b": folders[B]}, history=["door"]) as (_, b, authorization):
        answer = await post(b.address, "/api/exports", json.dumps(WANTED).encode(), JSON, authorization)
        assert (answer.status, "there is no camera yard" in answer.json["error"]) == (404, True)
