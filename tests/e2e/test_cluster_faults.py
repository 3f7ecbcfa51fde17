from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import trio

from tests.e2e.cluster import (
    Cluster,
    LoadCamera,
    LoadViewer,
    all_get_new_frames,
    running_cluster,
    running_load,
    until,
)
from tests.raw_peer import Address

pytestmark = pytest.mark.e2e

STILL = 10.0
"""Seconds that a viewer may be without a new frame here; ``python -m benchmarks.cluster`` measures how long it is."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def spread(cluster: Cluster, cameras: int = 3) -> tuple[list[LoadCamera], list[LoadViewer]]:
    """Return cameras and viewers that connect through the balancer; a camera has a viewer at each node too."""
    ids = [f"{next(_numbers)}" for _ in range(cameras)]
    through = [LoadViewer(camera_id, cluster.balancer) for camera_id in ids]
    direct = [LoadViewer(ids[0], node.address) for node in cluster.nodes]
    return [LoadCamera(camera_id, cluster.balancer) for camera_id in ids], through + direct


_numbers = iter(range(100_000))


async def test_cameras_and_viewers_of_a_killed_node_come_back_through_others(cluster: Cluster) -> None:
    """By their own reconnecting; sequences go on, and no viewer sees an older frame."""
    cluster.start_all()
    cameras, viewers = spread(cluster)
    through = viewers[: len(cameras)]
    async with running_load(cameras, viewers):
        cluster.nodes[0].kill()
        begun = trio.current_time()
        await all_get_new_frames([*through, *viewers[len(cameras) + 1 :]])
        assert max(viewer.longest_gap(begun - 1) for viewer in through) < STILL
        cluster.nodes[0].start()
        await all_get_new_frames(viewers)
        assert [viewer.wrong for viewer in viewers] == [[] for _ in viewers]


async def test_a_node_that_was_frozen_has_lost_its_cameras(cluster: Cluster) -> None:
    """What it still has in its sockets is shown to nobody who has seen newer frames; its sessions are ended."""
    cluster.start_all()
    frozen, *others = cluster.nodes
    old = LoadCamera("moving", frozen.address)
    viewers = [LoadViewer("moving", node.address, patience=60.0) for node in cluster.nodes]
    async with running_load([], viewers, once=[old]) as nursery:
        frozen.send(signal.SIGSTOP)
        # Its lease ends after five seconds. The old connection goes on sending into the socket.
        for node in others:
            await node.address.wait_until_healthy(lambda health: health["onlineClients"] == 0)
        new = LoadCamera("moving", others[0].address, sent=old.sent + 10_000)
        nursery.start_soon(new.run)
        await until(lambda: all(viewer.last > 10_000 for viewer in viewers[1:]))
        frozen.send(signal.SIGCONT)
        await until(lambda: old.replaced == 1 and viewers[0].last > 10_000)
    assert [viewer.wrong for viewer in viewers] == [[] for _ in viewers]


async def test_streams_go_on_without_the_engine(cluster: Cluster) -> None:
    """Frozen, killed several times, and restarted empty: viewers here and on other nodes miss next to nothing."""
    cluster.start_all()
    redis, nodes = cluster.redis, cluster.nodes
    camera = LoadCamera("steady", nodes[0].address)
    viewers = [LoadViewer("steady", node.address) for node in nodes]
    async with running_load([camera], viewers) as nursery:
        redis.freeze()
        for node in nodes:
            await node.address.wait_until_healthy(lambda health: health["status"] == "degraded")
        alone = LoadCamera("alone", nodes[1].address)
        nursery.start_soon(alone.run)
        await until(lambda: alone.connections == 1)
        redis.thaw()
        for node in nodes:
            await node.address.wait_until_healthy(lambda health: health["status"] == "healthy")
        late = LoadViewer("alone", nodes[2].address)
        nursery.start_soon(late.run)
        await until(lambda: late.got)
        for _ in range(3):
            redis.kill()
            redis.start()
            await trio.sleep(0.3)
        for node in nodes:
            await node.address.wait_until_healthy(lambda health: health["status"] == "healthy")
        await all_get_new_frames(viewers)
    assert [viewer.wrong for viewer in viewers] == [[] for _ in viewers]
    assert [viewer.connections for viewer in viewers] == [1, 1, 1]
    assert max(viewer.missing() / len(viewer.got) for viewer in viewers) < 0.05


async def test_nodes_can_be_restarted_one_after_the_other(cluster: Cluster) -> None:
    """Nobody needs to do anything: who is told to come back comes back elsewhere."""
    cluster.start_all()
    cameras, viewers = spread(cluster)
    through = viewers[: len(cameras)]
    async with running_load(cameras, through):
        begun = trio.current_time()
        for node in cluster.nodes:
            await trio.to_thread.run_sync(node.end)
            node.start()
            await trio.to_thread.run_sync(node.wait)
            await all_get_new_frames(through)
        assert max(viewer.longest_gap(begun) for viewer in through) < STILL
        assert [viewer.wrong for viewer in through] == [[] for _ in through]


async def test_of_two_cameras_with_one_id_one_is_live(cluster: Cluster) -> None:
    """Whatever the order in which they connect, at two nodes and at the same time."""
    cluster.start_all()
    first, second, third = (node.address for node in cluster.nodes)
    for number in range(10):
        rivals = [LoadCamera(f"rival-{number}", address) for address in (first, second)]
        await compete(rivals, [first, second, third])


async def compete(rivals: list[LoadCamera], addresses: list[Address]) -> None:
    """Let two cameras connect at the same time, and check that one of them wins."""
    async with trio.open_nursery() as nursery:
        for rival in rivals:
            nursery.start_soon(rival.compete)
        await until(lambda: sum(rival.replaced for rival in rivals) == 1)
        (winner,) = [rival for rival in rivals if not rival.replaced]
        before = winner.sent
        await until(lambda: winner.sent > before + 2)
        for address in addresses:
            await address.wait_until_healthy(lambda health: health["onlineClients"] == 1)
        assert sum(rival.replaced for rival in rivals) == 1
        nursery.cancel_scope.cancel()
    for address in addresses:
        await address.wait_until_healthy(lambda health: health["onlineClients"] == 0)
