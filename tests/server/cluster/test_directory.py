from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.cluster.directory import ClusterDirectory
from skysentry_trio.server.cluster.engine import Snapshot
from skysentry_trio.server.cluster.records import CameraChange, CameraRecord, NodeRecord
from skysentry_trio.server.relay.leases import Lease
from tests.principals import make_guest
from tests.server.cluster.simulated import SimulatedCluster, SimulatedNode


@asynccontextmanager
async def cluster_of(count: int) -> AsyncIterator[SimulatedCluster]:
    """Run nodes that have all joined."""
    async with trio.open_nursery() as nursery:
        cluster = SimulatedCluster(nursery, random.Random(0))
        for _ in range(count):
            cluster.start_node()
        await trio.sleep(0.5)
        yield cluster
        nursery.cancel_scope.cancel()


async def test_every_node_knows_where_a_camera_is(autojump_clock: trio.testing.MockClock) -> None:
    """As soon as it has connected anywhere, and until the node that has it forgets it."""
    async with cluster_of(3) as cluster:
        first, *_others = cluster.nodes
        await first.connect("door")
        await trio.sleep(0.1)
        for node in cluster.nodes:
            where = node.directory.locate("door")
            assert where is not None
            assert (where.node_id, where.node_url, where.online) == ("node1", "http://node1.example", True)
        first.disconnect("door")
        await trio.sleep(0.1)
        assert [node.directory.locate("door").online for node in cluster.nodes] == [False] * 3  # type: ignore[union-attr]
        first.directory.release("door")
        await trio.sleep(0.1)
        assert [node.directory.locate("door") for node in cluster.nodes] == [None] * 3


async def test_the_old_owner_learns_at_once_that_a_camera_has_moved(autojump_clock: trio.testing.MockClock) -> None:
    """The camera has connected elsewhere, so the session that it has left is over."""
    async with cluster_of(2) as cluster:
        first, second = cluster.nodes
        await first.connect("door")
        await second.connect("door")
        await trio.sleep(0.1)
        assert (list(first.live), list(second.live)) == ([], ["door"])
        assert first.directory.lost == 1


async def test_a_camera_of_somebody_else_is_not_taken_over(autojump_clock: trio.testing.MockClock) -> None:
    """On another node the same holds as on one server, also while there is no engine to ask."""
    owner, thief = make_guest(name="owner"), make_guest(name="thief")
    async with cluster_of(2) as cluster:
        first, second = cluster.nodes
        lease = await first.directory.claim("door", None, owner)
        await trio.sleep(0.1)
        with pytest.raises(ProtocolViolation) as refused:
            await second.directory.claim("door", None, thief)
        assert refused.value.code == "in-use"
        cluster.engine.freeze()
        await trio.sleep(5)
        with pytest.raises(ProtocolViolation) as refused:
            await second.directory.claim("door", None, thief)
        assert refused.value.code == "in-use"
        cluster.engine.thaw()
        first.directory.leave("door", lease, 5, stopped=False)
        await trio.sleep(5)
        assert (await second.directory.claim("door", None, thief)).sequence == 5


async def test_cameras_connect_without_the_engine(autojump_clock: trio.testing.MockClock) -> None:
    """The first one waits half a second for an answer, the next ones do not wait; health says what is wrong."""
    async with cluster_of(1) as cluster:
        (node,) = cluster.nodes
        cluster.engine.freeze()
        begun = trio.current_time()
        await node.connect("door")
        assert trio.current_time() - begun == pytest.approx(0.5, abs=0.1)
        begun = trio.current_time()
        await node.connect("yard")
        assert trio.current_time() == begun
        await trio.sleep(0.1)
        assert list(node.health.degraded) == ["cluster"]
        assert node.health.status == "degraded"
        assert node.directory.claims_alone == 2


@pytest.mark.parametrize("is_empty", [False, True])
async def test_all_is_well_again_soon_after_the_engine_is_back(
    is_empty: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """Within two seconds, also if the engine has forgotten everything; no camera was lost meanwhile."""
    async with cluster_of(3) as cluster:
        first, second, third = cluster.nodes
        await first.connect("door")
        await trio.sleep(0.1)
        cluster.engine.freeze()
        await trio.sleep(3)
        assert [node.health.status for node in cluster.nodes] == ["degraded"] * 3
        await second.connect("yard")
        await trio.sleep(7)
        if is_empty:
            cluster.engine.restart_empty()
        places = set[str | None]()

        async def watch() -> None:
            while True:
                where = third.directory.locate("door")
                places.add(None if where is None else where.node_id)
                await third.directory.changed.wait()

        cluster.nursery.start_soon(watch)
        cluster.engine.thaw()
        await trio.sleep(2)
        assert [node.health.status for node in cluster.nodes] == ["healthy"] * 3
        for node in cluster.nodes:
            found = {camera_id: where.node_id for camera_id, where in node.directory.cameras().items()}
            assert found == {"door": "node1", "yard": "node2"}
        await trio.sleep(10)
        assert places == {"node1"}, "who watched this camera went on watching"


async def test_the_newer_connection_wins_when_the_engine_is_back(autojump_clock: trio.testing.MockClock) -> None:
    """Two nodes have taken the camera alone; the camera has connected to the second one last."""
    async with cluster_of(2) as cluster:
        first, second = cluster.nodes
        cluster.engine.freeze()
        await trio.sleep(3)
        await first.connect("door")
        await trio.sleep(0.1)
        await second.connect("door")
        cluster.engine.thaw()
        await trio.sleep(2)
        assert (list(first.live), list(second.live)) == ([], ["door"])


async def test_the_cameras_of_a_dead_node_are_gone_and_can_connect(autojump_clock: trio.testing.MockClock) -> None:
    """Soon after its leases have ended; a camera that connects before is taken at once."""
    async with cluster_of(3) as cluster:
        first, second, third = cluster.nodes
        await first.connect("door")
        await first.connect("yard")
        await trio.sleep(0.1)
        cluster.kill(first)
        await second.connect("door")
        assert list(second.live) == ["door"]
        await trio.sleep(7)
        assert third.directory.locate("yard") is None
        assert set(third.directory.nodes()) == {"node2", "node3"}


@pytest.mark.parametrize("knows", [False, True])
async def test_a_camera_that_connects_to_a_node_that_the_engine_has_ended_goes_on(
    autojump_clock: trio.testing.MockClock, *, knows: bool
) -> None:
    """The node was frozen. It joins again for the camera, so others find the camera and the sequence goes on."""
    async with cluster_of(2) as cluster:
        first, second = cluster.nodes
        before = await second.directory.claim("door", None, make_guest(name="owner"))
        second.directory.leave("door", before, 2000, stopped=False)
        await trio.sleep(0.1)
        cluster.engine.model.end_node("node1")
        if knows:
            cluster.engine.tell()
            await trio.sleep(0.1)
            assert first.directory.requests is None
        lease = await first.directory.claim("door", None, make_guest(name="owner"))
        await trio.sleep(4)
        where = second.directory.locate("door")
        assert where is not None
        assert (where.node_url, where.online, lease.sequence) == ("http://node1.example", True, 2000)
        assert first.directory.claims_alone == 0


async def test_the_next_owner_counts_on_from_the_last_sequence(autojump_clock: trio.testing.MockClock) -> None:
    """From the one that was reported last, and as many as may have come since; exactly, if the camera has left."""
    async with cluster_of(2) as cluster:
        first, second = cluster.nodes
        first.directory.sequence_of = lambda _: 1000
        lease = await first.directory.claim("door", None, make_guest(name="owner"))
        await trio.sleep(2)
        taken = await second.directory.claim("door", None, make_guest(name="owner"))
        assert 1000 <= taken.sequence <= 1000 + 30 * 1.5
        assert taken.epoch > lease.epoch
        second.directory.leave("door", taken, 2000, stopped=False)
        await trio.sleep(0.1)
        assert (await first.directory.claim("door", None, make_guest(name="owner"))).sequence == 2000


async def test_a_node_that_was_cut_off_ends_what_it_has_lost(autojump_clock: trio.testing.MockClock) -> None:
    """Its camera has connected elsewhere, which it hears when it can."""
    async with cluster_of(2) as cluster:
        first, second = cluster.nodes
        await first.connect("door")
        await first.connect("yard")
        first.wire.is_cut = True
        await trio.sleep(8)
        await second.connect("door")
        assert list(first.live) == ["door", "yard"], "it goes on, because it cannot know"
        first.wire.is_cut = False
        await trio.sleep(2.5)
        assert list(first.live) == ["yard"]
        assert second.directory.locate("yard") == first.directory.locate("yard")


async def test_an_old_session_of_the_same_node_changes_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """A link that feeds a camera of another node has no lease, so its end is no news."""
    async with cluster_of(2) as cluster:
        first, second = cluster.nodes
        await first.connect("door")
        await trio.sleep(0.1)
        second.directory.leave("door", Lease(), 7, stopped=False)
        second.directory.release("door")
        await trio.sleep(1)
        assert is_online(first, "door")
        assert is_online(second, "door")


async def test_cameras_stay_known_until_their_node_has_told_an_empty_engine_of_them(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Frames go on over the links meanwhile. What the engine does not know later either is forgotten."""
    directory = ClusterDirectory("here", "http://here.example", 30.0)
    nodes = {"there": NodeRecord("http://there.example")}
    record = CameraRecord("there", 1, "", None, 0.0, online=True)
    directory.adopt(Snapshot("first", 1, nodes, {"door": record, "yard": record}))
    directory.adopt(Snapshot("second", 1, nodes, {}), is_complete=False)
    assert {"door", "yard"} <= set(directory.cameras())
    directory.apply(2, CameraChange("door", record))
    await trio.sleep(6)
    directory.forget_absent()
    assert set(directory.cameras()) == {"door"}
    directory.adopt(Snapshot("second", 3, nodes, {}))
    assert set(directory.cameras()) == set()


async def test_an_empty_engine_that_hears_of_an_older_lease_first_changes_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Viewers keep the newer camera, because its node tells the engine of it soon. Otherwise the older one is left."""
    directory = ClusterDirectory("here", "http://here.example", 30.0)
    nodes = {name: NodeRecord(f"http://{name}.example") for name in ("there", "before")}
    older, newer = (
        CameraRecord(name, epoch, "", None, 0.0, online=True) for name, epoch in (("before", 1), ("there", 2))
    )
    directory.adopt(Snapshot("first", 1, nodes, {"door": newer, "yard": newer, "gate": newer}))
    directory.adopt(Snapshot("second", 1, nodes, {"gate": older}), is_complete=False)
    for number, camera_id in enumerate(("door", "yard"), 2):
        directory.apply(number, CameraChange(camera_id, older))
    assert {where.node_id for where in directory.cameras().values()} == {"there"}
    directory.apply(4, CameraChange("yard", newer))
    await trio.sleep(6)
    assert directory.forget_absent()
    assert set(directory.cameras()) == {"yard"}
    directory.adopt(Snapshot("second", 4, nodes, {"door": older, "yard": newer, "gate": older}))
    found = {name: where.node_id for name, where in directory.cameras().items()}
    assert found == {"door": "before", "yard": "there", "gate": "before"}


def is_online(node: SimulatedNode, camera_id: str) -> bool:
    where = node.directory.locate(camera_id)
    return where is not None and where.online
