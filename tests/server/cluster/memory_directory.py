"""A directory in memory, which all nodes of a test share: it never fails, and everybody knows everything at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import trio
from attrs import define, evolve, field

from skysentry_trio.base.principal import Principal
from skysentry_trio.server.cluster.interfaces import Location, Node
from skysentry_trio.server.relay.leases import Lease


@define(eq=False)
class MemoryCluster:
    """What all nodes know."""

    nodes: dict[str, Node] = field(factory=dict)
    cameras: dict[str, Location] = field(factory=dict)
    directories: list[MemoryDirectory] = field(factory=list)
    epoch: int = 0

    def join(self, node_id: str, url: str) -> MemoryDirectory:
        self.nodes[node_id] = Node(node_id, url)
        directory = MemoryDirectory(node_id, self)
        self.directories.append(directory)
        self.tell()
        return directory

    def place(self, camera_id: str, node_id: str, **facts: object) -> Location:
        """Say that a node has a camera from now on, with a higher epoch than any before."""
        self.epoch += 1
        before = self.cameras.get(camera_id)
        location = Location(node_id, self.nodes[node_id].url, self.epoch, since=1.0)
        self.cameras[camera_id] = evolve(location, **facts)  # type: ignore[arg-type] # by name
        if before is not None and before.node_id != node_id:
            for directory in self.directories:
                if directory.node_id == before.node_id:
                    directory.on_lost(camera_id, self.epoch)
        self.tell()
        return self.cameras[camera_id]

    def tell(self) -> None:
        for directory in self.directories:
            directory.changed.set()
            directory.changed = trio.Event()


def _ignore(_camera_id: str, _epoch: int) -> None:
    pass


@define(eq=False)
class MemoryDirectory:
    """What one node knows: everything."""

    node_id: str
    cluster: MemoryCluster = field(repr=False)
    changed: trio.Event = field(factory=trio.Event)
    on_lost: Callable[[str, int], None] = _ignore
    hears: Callable[[str], bool] = lambda _node_id: False

    def locate(self, camera_id: str) -> Location | None:
        return self.cluster.cameras.get(camera_id)

    def cameras(self) -> Mapping[str, Location]:
        return self.cluster.cameras

    def nodes(self) -> Mapping[str, Node]:
        return self.cluster.nodes

    async def claim(self, camera_id: str, name: str | None, principal: Principal) -> Lease:
        await trio.lowlevel.checkpoint()
        return Lease(self.cluster.place(camera_id, self.node_id, name=name).epoch)

    def leave(self, camera_id: str, lease: Lease, sequence: int, *, stopped: bool) -> None:
        location = self.cluster.cameras.get(camera_id)
        if location is not None and location.epoch == lease.epoch:
            self.cluster.cameras[camera_id] = evolve(location, online=False)
            self.cluster.tell()

    def release(self, camera_id: str) -> None:
        if self.cluster.cameras.pop(camera_id, None) is not None:
            self.cluster.tell()
