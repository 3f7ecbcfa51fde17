from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.lowlevel
import trio.testing

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.access.keys import hash_key, make_key
from skysentry_trio.server.access.records import AccessRecords, KeyRecord
from skysentry_trio.server.access.start import open_to_everybody
from skysentry_trio.server.cluster import proxy
from skysentry_trio.server.cluster.node_requests import NodeRequests
from tests.raw_peer import Address, Answer, picture, request_head
from tests.server.cluster.nodes import TestNode, running_nodes, until
from tests.server.history.helpers import OpenFolder

_NOTHING: Mapping[str, OpenFolder] = {}


@asynccontextmanager
async def two_nodes_and_a_door(**settings: Any) -> AsyncIterator[tuple[TestNode, TestNode]]:
    """Run two nodes; the first one has a camera with three frames, and the second one knows of it."""
    async with running_nodes("a", "b", **settings) as (a, b):
        with a.camera("door") as camera:
            for shade in (10, 20, 30):
                await camera.send(shade)
            await until(lambda: b.hub.camera("door"))
            yield a, b


async def test_a_head_request_gets_no_body() -> None:
    """The length is that of the picture."""
    async with two_nodes_and_a_door() as (_, b):
        answer = await b.address.ask("/api/clients/door/latest.jpg", method="HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert int(answer.headers["content-length"]) > 100


async def test_a_conditional_request_is_answered_with_304() -> None:
    """The ETag of one node counts at the others."""
    async with two_nodes_and_a_door() as (a, b):
        tag = (await a.address.ask("/api/clients/door/latest.jpg")).headers["etag"]
        answer = await b.address.ask("/api/clients/door/latest.jpg", f"If-None-Match: {tag}")
        assert answer.status == 304


async def post(address: Address, target: str, body: bytes, *headers: str, method: str = "POST") -> Answer:
    async with address.connection() as peer:
        await peer.send(request_head(target, f"Content-Length: {len(body)}", *headers, method=method), body)
        return await peer.answer(method)


async def test_a_picture_that_is_posted_to_another_node_reaches_the_camera() -> None:
    """A load balancer may send each picture to another node; they are all frames of one camera."""
    async with running_nodes("a", "b") as (a, b):
        a.cluster.place("door", "a")
        for number, node in enumerate((a, b, a, b), 1):
            answer = await post(node.address, "/api/clients/door/frames", picture(), "Content-Type: image/jpeg")
            assert (answer.status, answer.json["sequence"]) == (201, number)
        door = a.hub.camera("door")
        assert door is not None
        assert door.frame_count == 4


async def test_a_result_that_is_posted_to_another_node_is_published() -> None:
    """Its errors come back too."""
    async with two_nodes_and_a_door() as (_, b):
        kind = "Content-Type: application/json"
        answer = await post(b.address, "/api/clients/door/results", b'{"sequence": 2, "data": 1}', kind)
        assert answer.json == {"viewers": 0, "success": True}
        answer = await post(b.address, "/api/clients/door/results", b'{"sequence": 9}', kind)
        assert answer.status == 404


async def test_the_list_of_cameras_is_the_same_on_all_nodes() -> None:
    """What only the node of a camera knows is asked there: frames, bytes, size of the picture."""
    async with two_nodes_and_a_door() as (a, b):
        with b.camera("yard") as yard:
            await yard.send()
            await until(lambda: a.hub.camera("yard"))
            lists = [(await node.address.ask("/api/clients")).json for node in (a, b)]
            for one in lists:
                for camera in one["details"]:
                    camera["fps"] = 0
                one["details"].sort(key=lambda camera: camera["clientId"])
                one["clients"].sort()
            assert lists[0] == lists[1]
            assert [camera["frameCount"] for camera in lists[0]["details"]] == [3, 1]


@pytest.mark.usefixtures("impatient_nodes")
async def test_a_list_does_not_wait_for_a_node_that_is_away() -> None:
    """Its cameras are described as far as this node knows them, and the node is named."""
    async with two_nodes_and_a_door() as (a, b):
        a.relay.freeze()
        listed = (await b.address.ask("/api/clients")).json
        (camera,) = listed["details"]
        assert (camera["clientId"], camera["online"], camera["frameCount"]) == ("door", True, 0)
        assert listed["unreachable"] == ["a"]


async def test_passing_on_needs_one_connection() -> None:
    """That of the client stays open for its next request too."""
    async with two_nodes_and_a_door() as (a, b), b.address.connection() as client:
        before = a.relay.connections
        for route in ("latest.jpg", "latest", "stream", "clip", "nothing", "latest.jpg"):
            await client.send(request_head(f"/api/clients/door/{route}"))
            await client.answer()
        assert a.relay.connections == before + 1


async def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    """The end of the answer is the end of the connection."""
    async with two_nodes_and_a_door() as (_, b), b.address.connection() as client:
        await client.send(request_head("/api/clients/door/stream", version="1.0"))
        answer, _ = await client.receive_rest()
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["count"] == 3


async def test_a_client_that_leaves_ends_its_request_at_the_other_node() -> None:
    """So that nobody waits for a frame that nobody wants."""
    async with two_nodes_and_a_door() as (_, b):
        async with b.address.connection() as client:
            await client.send(request_head("/api/clients/door/latest.jpg?after=3&wait=30"))
            await until(lambda: b.node.requests.count("a"))
        await until(lambda: not b.node.requests.count("a"))


@pytest.mark.parametrize("target", ["latest.jpg?after=3&wait=30", "stream.mjpeg?burst=1"])
async def test_requests_that_last_long_leave_room_for_others(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Requests that wait for frames are counted apart from those that are answered at once."""
    monkeypatch.setattr("skysentry_trio.server.cluster.node_requests._AT_ONCE", 1)
    monkeypatch.setattr("skysentry_trio.server.cluster.node_requests._WAITING_AT_ONCE", 1)
    async with two_nodes_and_a_door() as (_, b), b.address.connection() as client:
        await client.send(request_head(f"/api/clients/door/{target}"))
        await until(lambda: b.node.requests.count("a"))
        assert (await b.address.ask("/api/clients/door/latest.jpg")).status == 200
        assert (await b.address.ask(f"/api/clients/door/{target}")).status == 503


async def test_a_client_may_leave_when_the_other_node_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two expected errors at the same moment are no crash."""
    failing = trio.Event()

    async def leave(_client: object) -> None:
        await failing.wait()
        raise trio.BrokenResourceError("the client has left")

    @asynccontextmanager
    async def fail(*_: object, **__: object) -> AsyncIterator[None]:
        await trio.testing.wait_all_tasks_blocked()
        failing.set()
        await trio.lowlevel.cancel_shielded_checkpoint()
        raise ProtocolViolation("node a does not answer", "node-unreachable")
        yield

    async with two_nodes_and_a_door() as (_, b):
        monkeypatch.setattr(proxy._Client, "raise_when_gone", leave)
        monkeypatch.setattr(NodeRequests, "begin", fail)
        assert (await b.address.ask("/api/clients/door/latest.jpg")).status == 502
    assert "crashed" not in caplog.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ftp://127.0.0.1"])
async def test_a_node_that_cannot_be_reached_is_named(url: str) -> None:
    """The client is told which server does not answer, with a status of gateways."""
    async with two_nodes_and_a_door() as (a, b):
        a.cluster.place("door", "a", node_url=url)
        answer = await b.address.ask("/api/clients/door/latest.jpg")
        assert answer.status == 502
        assert "node a does not answer" in answer.json["error"]


async def test_a_request_never_goes_in_circles() -> None:
    """Two nodes that each believe that the other has a camera answer, and ask to try again."""
    async with two_nodes_and_a_door() as (a, b):
        a.believe("door", "b")
        answer = await b.address.ask("/api/clients/door/latest.jpg")
        assert answer.status == 503
        assert "is moving to another server" in answer.json["error"]


async def test_pages_of_allowed_origins_read_the_answers_of_all_nodes() -> None:
    """Each node says this for itself."""
    async with two_nodes_and_a_door(cors_origins=("https://example.org",)) as (a, b):
        for node in (a, b):
            answer = await node.address.ask("/api/clients/door/latest.jpg", "Origin: https://example.org")
            assert answer.headers["access-control-allow-origin"] == "https://example.org"


# Rights


@asynccontextmanager
async def guarded_nodes(
    folders: Mapping[str, OpenFolder] = _NOTHING, /, **allow: list[str]
) -> AsyncIterator[tuple[TestNode, TestNode, str]]:
    """Run two nodes with one key that has these rights; only the second one knows the key."""
    key = make_key()
    record = KeyRecord("7", "porch", hash_key(key), allow, 0.0)
    setups = {}
    for node_id, keys in (("a", []), ("b", [record])):
        setup = open_to_everybody()
        setup.access.is_open = setup.access.stays_open = False
        setup.access.load(AccessRecords(keys=keys))
        setups[node_id] = setup
    async with running_nodes("a", "b", setups=setups, folders=folders) as (a, b):
        with a.camera("door") as camera:
            await camera.send()
            await until(lambda: b.hub.camera("door"))
            yield a, b, f"Authorization: Bearer {key}"


@pytest.mark.parametrize(
    ("allow", "route", "status"),
    [
        ({"view": ["door"]}, "/api/clients/door/latest.jpg", 200),
        ({"view": ["door"]}, "/api/clients/door/stream", 403),
        ({"history": ["door"]}, "/api/clients/door/stream", 200),
        ({"view": ["yard"]}, "/api/clients/door/latest.jpg", 404),
        ({"view": ["*"]}, "/api/clients/door/clip", 403),
        ({"admin": ["*"]}, "/api/clients/door/clip", 200),
    ],
)
async def test_the_rights_of_a_client_hold_for_cameras_of_other_nodes(
    allow: dict[str, list[str]], route: str, status: int
) -> None:
    """The node that the client has asked checks the key, and the other one decides by its rights."""
    async with guarded_nodes(**allow) as (_, b, authorization):
        assert (await b.address.ask(route, authorization)).status == status


async def test_a_node_that_is_away_does_not_betray_its_cameras() -> None:
    """A camera of it that the client may not know of is answered as one that does not exist."""
    async with guarded_nodes(view=["yard"]) as (a, b, authorization):
        a.cluster.place("door", "a", node_url="http://127.0.0.1:1")
        answers = [await b.address.ask(f"/api/clients/{name}/latest.jpg", authorization) for name in ("door", "none")]
        assert [answer.status for answer in answers] == [404, 404]
        assert answers[0].json["error"].replace("door", "none") == answers[1].json["error"]


async def test_without_a_key_nothing_is_passed_on() -> None:
    """The node that was asked refuses the request itself."""
    async with guarded_nodes(view=["*"]) as (a, b, _):
        assert (await b.address.ask("/api/clients/door/latest.jpg")).status == 401
        assert a.relay.connections == 0


async def test_a_forged_header_is_refused() -> None:
    """It does not fall back to what the client may do otherwise."""
    async with guarded_nodes(view=["*"]) as (_, b, authorization):
        answer = await b.address.ask("/api/clients/door/latest.jpg", authorization, "X-SkySentry-Node: e30.00")
        assert answer.status == 401
