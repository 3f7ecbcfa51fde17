"""Three servers as one, as processes behind HAProxy: what viewers and cameras of different servers notice of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import partial

import pytest
import trio
from attrs import define, field
from benchmarks.checked_frames import Load, Seen
from benchmarks.linked_servers import Cluster, running_cluster

from tests.e2e.processes import PATIENCE
from tests.raw_peer import TEXT, Address, client_frame

pytestmark = pytest.mark.e2e

CAMERAS, VIEWERS, FRAMES = 12, 60, 5
CONNECTING = 6
"""Clients that connect at the same time."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster(3) as running:
        yield running


@define(eq=False)
class Exchange:
    """Cameras that send the next frame when all of their viewers have the one before, so that no frame is skipped."""

    cluster: Cluster
    load: Load = field(factory=Load)
    watching: dict[str, list[Seen]] = field(factory=dict)
    """By camera id: what its viewers have got."""

    async def run(self) -> None:
        chosen = random.Random(1)
        ids = [f"exchanged-{number}" for number in range(CAMERAS)]
        self.watching = {camera_id: [] for camera_id in ids}
        with trio.fail_after(4 * PATIENCE):
            async with trio.open_nursery() as viewers:
                for number in range(VIEWERS):
                    wanted, seen = chosen.sample(ids, chosen.randint(1, 3)), Seen()
                    for camera_id in wanted:
                        self.watching[camera_id].append(seen)
                    watch = partial(self.load.watch, self.cluster.balancer, wanted, seen)
                    if number % CONNECTING:
                        viewers.start_soon(watch)
                    else:
                        await viewers.start(watch)
                async with trio.open_nursery() as cameras:
                    for camera_id in ids:
                        cameras.start_soon(self._send, camera_id)
                viewers.cancel_scope.cancel()

    async def _send(self, camera_id: str) -> None:
        await self.load.send(self.cluster.balancer, camera_id, frames=FRAMES, wait_for_turn=self._wait_for_all)

    async def _wait_for_all(self, camera_id: str, number: int) -> None:
        """Wait until all viewers of a camera have a frame."""
        while any(seen.numbers[camera_id][-1:] != [number] for seen in self.watching[camera_id]):  # noqa: ASYNC110
            await trio.sleep(0.005)


async def test_every_viewer_gets_every_frame_of_its_cameras_wherever_both_are_connected(cluster: Cluster) -> None:
    """Byte for byte, in order, and none twice."""
    exchange = Exchange(cluster)
    await exchange.run()
    assert exchange.load.problems == {}
    for camera_id, viewers in exchange.watching.items():
        for seen in viewers:
            assert seen.numbers[camera_id] == [*range(1, FRAMES + 1)]


async def test_a_camera_is_asked_for_what_a_viewer_of_another_server_needs(cluster: Cluster) -> None:
    """The demand reaches the camera: five frames a second, 320 pixels wide."""
    near, far = (Address("127.0.0.1", port) for port in cluster.nodes[:2])
    async with near.websocket("/ws") as camera:
        registration = {"type": "client-registration", "clientId": "demanded", "capabilities": ["demand"]}
        await camera.send(client_frame(TEXT, json.dumps(registration).encode()))
        async with far.viewer("?client=demanded&maxFps=5&maxWidth=320"):
            with trio.fail_after(PATIENCE):
                while (asked := await camera.message()).get("viewers") != 1:
                    pass
    assert (asked["type"], asked["maxFps"], asked["maxWidth"]) == ("demand", 5, 320)


async def test_every_server_answers_for_every_camera(cluster: Cluster) -> None:
    """The newest frame and the list of cameras are the same, and the links are counted."""
    nodes = [Address("127.0.0.1", port) for port in cluster.nodes]
    load = Load()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(load.send, cluster.nodes[0], "answered", frames=1, stays=True))
        with trio.fail_after(PATIENCE):
            while (await nodes[2].ask("/api/clients/answered/latest.jpg")).status != 200:  # noqa: ASYNC110
                await trio.sleep(0.05)
        pictures = [await node.ask("/api/clients/answered/latest.jpg") for node in nodes]
        lists = [(await node.ask("/api/clients")).json for node in nodes]
        metrics = (await nodes[2].ask("/metrics")).body.decode()
        nursery.cancel_scope.cancel()
    assert {(picture.status, picture.body, picture.headers["etag"]) for picture in pictures} == {
        (200, pictures[0].body, pictures[0].headers["etag"])
    }
    described = [next(one for one in each["details"] if one["clientId"] == "answered") for each in lists]
    assert [(one["online"], one["frameCount"], one["width"]) for one in described] == [
        (True, 1, described[0]["width"])
    ] * 3
    assert "skysentry_link_requests_total" in metrics
