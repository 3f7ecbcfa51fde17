from __future__ import annotations

from skysentry_trio.cli.cluster import describe
from skysentry_trio.server.cluster.engine import Snapshot
from skysentry_trio.server.cluster.records import CameraRecord, NodeRecord


def test_the_status_lists_servers_and_cameras() -> None:
    """One line each, by address and by id, so that other programs can read it."""
    nodes = {"n2": NodeRecord("http://b", "0.1.0", 9000.0, 0, 3), "n1": NodeRecord("http://a", "0.1.0", 8500.0, 1, 0)}
    cameras = {"yard": CameraRecord("n2", 8, stopped=True), "door": CameraRecord("n1", 7, online=True)}

    assert list(describe(Snapshot("era", 4, nodes, cameras), 10000.0, "redis://engine", with_cameras=True)) == [
        "redis://engine: 2 servers, 1 of 2 cameras online",
        "http://a\tn1\t0.1.0\t1 camera\t0 viewers\theard 1.5s ago",
        "http://b\tn2\t0.1.0\t0 cameras\t3 viewers\theard 1s ago",
        "door\thttp://a\tonline\tepoch 7",
        "yard\thttp://b\tstopped\tepoch 8",
    ]
