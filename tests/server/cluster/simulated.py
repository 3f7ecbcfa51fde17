"""A cluster in one process and in virtual time: nodes with cameras, an engine in memory, and everything that breaks."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Iterator

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE
from skysentry_trio.server.cluster.directory import ClusterDirectory
from skysentry_trio.server.cluster.interfaces import Location
from skysentry_trio.server.cluster.session import EngineSession
from skysentry_trio.server.health import Health
from skysentry_trio.server.relay.leases import Lease
from tests.server.cluster.memory_engine import YEAR_2026, MemoryEngine, Wire

CAMERAS = ("door", "yard")
NODES = 3


@define(eq=False)
class Live:
    """A camera that is connected to a node, as far as the node knows."""

    node: SimulatedNode
    lease: Lease
    begun: float
    registered: float


@define(eq=False)
class SimulatedNode:
    directory: ClusterDirectory
    session: EngineSession
    wire: Wire
    last_claims: dict[str, float]
    """When a camera has last connected to any node; all nodes of a cluster share this."""
    health: Health = field(factory=Health)
    live: dict[str, Live] = field(factory=dict)
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    wrong: list[str] = field(factory=list)
    """Sentences about older frames that a viewer of this node would have been shown."""

    async def run(self, watch: Callable[[SimulatedNode], Awaitable[None]]) -> None:
        with self.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch, self)
                await self.session.run(self.health)

    def lose(self, camera_id: str, epoch: int) -> None:
        if camera_id in self.live and self.live[camera_id].lease.epoch < epoch:
            del self.live[camera_id]

    async def connect(self, camera_id: str) -> bool:
        """Connect a camera to this node; return False if the node refuses it."""
        begun = trio.current_time()
        try:
            lease = await self.directory.claim(camera_id, None, ANYONE)
        except ProtocolViolation:
            return False
        self.live[camera_id] = Live(self, lease, begun, trio.current_time())
        self.last_claims[camera_id] = trio.current_time()
        return True

    def disconnect(self, camera_id: str) -> None:
        live = self.live.pop(camera_id, None)
        if live is not None:
            self.directory.leave(camera_id, live.lease, 0, stopped=False)


@define(eq=False)
class SimulatedCluster:
    nursery: trio.Nursery
    random: random.Random
    engine: MemoryEngine = field(factory=MemoryEngine)
    nodes: list[SimulatedNode] = field(factory=list)
    dead: set[str] = field(factory=set)
    started: int = 0
    log: list[str] = field(factory=list)
    last_claims: dict[str, float] = field(factory=dict)

    def start_node(self) -> SimulatedNode:
        self.started += 1
        name = f"node{self.started}"
        wire = Wire(self.engine, self.nursery, random.Random(self.random.random()))
        directory = ClusterDirectory(name, f"http://{name}.example", 30.0)
        directory.holdings.epochs.read = lambda: YEAR_2026 / 1000 + trio.current_time()
        node = SimulatedNode(directory, EngineSession(directory, wire, "memory", lambda: 0), wire, self.last_claims)
        directory.on_lost = node.lose
        self.nodes.append(node)
        self.nursery.start_soon(node.run, self.watch)
        return node

    def kill(self, node: SimulatedNode) -> None:
        node.scope.cancel()
        node.live.clear()
        self.nodes.remove(node)
        self.dead.add(node.directory.node_id)

    async def watch(self, node: SimulatedNode) -> None:
        """Look that no viewer of a node goes back to an owner that has lost the camera, while the newer one lives.

        A node that has heard nothing of the newer owner for seconds, also not from the engine, cannot know better.
        """
        seen: dict[str, Location] = {}
        while True:
            changed = node.directory.changed
            for camera_id, where in node.directory.cameras().items():
                before = seen.get(camera_id)
                if before is not None and self.is_older(camera_id, where, before):
                    node.wrong.append(f"{camera_id}: {before} and then {where}")
            seen = dict(node.directory.cameras())
            await changed.wait()

    def is_older(self, camera_id: str, where: Location, before: Location) -> bool:
        is_weaker = (before.epoch, before.node_id) > (where.epoch, where.node_id)
        owners = [node for node in self.nodes if node.directory.node_id == before.node_id]
        return is_weaker and any(camera_id in owner.live for owner in owners)

    # Faults

    def steps(self) -> list[Callable[[], object]]:
        node, camera_id = self.random.choice(self.nodes), self.random.choice(CAMERAS)

        def replace() -> None:
            self.kill(node)
            self.start_node()

        def set_wire(**what: object) -> Callable[[], None]:
            def change() -> None:
                for name, value in what.items():
                    setattr(node.wire, name, value)

            return change

        connect = lambda: self.nursery.start_soon(node.connect, camera_id)  # noqa: E731
        return [
            *[connect] * 6,
            lambda: node.disconnect(camera_id),
            lambda: node.directory.release(camera_id) if camera_id not in node.live else None,
            set_wire(is_cut=True),
            set_wire(is_cut=False),
            node.wire.hold,
            node.wire.release,
            set_wire(delay=self.random.choice([0.001, 0.3, 2.0])),
            set_wire(lost_answers=self.random.choice([0.0, 0.5])),
            self.engine.freeze,
            self.engine.thaw,
            self.engine.restart_empty,
            replace,
        ]

    async def break_things(self, count: int) -> None:
        for _ in range(count):
            step = self.random.choice(self.steps())
            self.log.append(f"{trio.current_time():.2f} {getattr(step, '__name__', step)}")
            step()
            await trio.sleep(self.random.choice([0.01, 0.1, 0.7, 1.5, 6.0]))

    def heal(self) -> None:
        self.engine.thaw()
        for node in self.nodes:
            node.wire.is_cut = False
            node.wire.release()
            node.wire.delay, node.wire.lost_answers = 0.001, 0.0

    # What must be true

    def problems(self, before: dict[str, list[Live]]) -> Iterator[str]:
        """Yield what is wrong after everything was healed; ``before`` is what was connected then."""
        for node in self.nodes:
            yield from node.wrong
            if not node.session.is_connected:
                yield f"{node.directory.node_id} is not connected: {node.health.degraded}"
        for camera_id in CAMERAS:
            live = [node.live[camera_id] for node in self.nodes if camera_id in node.live]
            if len(live) > 1:
                yield f"{camera_id} is live on {[one.node.directory.node_id for one in live]}"
            newest = max(before[camera_id], key=lambda one: one.registered, default=None)
            others = [one for one in before[camera_id] if one is not newest]
            is_clear = newest is not None and all(newest.begun > one.registered for one in others)
            if newest is not None and is_clear and self.is_last(camera_id, newest) and live != [newest]:
                yield f"{camera_id} should be live on {newest.node.directory.node_id} only"
            places = {node.directory.locate(camera_id) for node in self.nodes}
            if len(places) > 1:
                yield f"the nodes do not agree where {camera_id} is: {places}"
            (where, *_rest) = places
            if where is not None and where.node_id not in {node.directory.node_id for node in self.nodes}:
                yield f"{camera_id} is said to be on a dead node"
            if live and (where is None or not where.online or where.node_id != live[0].node.directory.node_id):
                yield f"{camera_id} is live on {live[0].node.directory.node_id}, but said to be at {where}"

    def is_last(self, camera_id: str, live: Live) -> bool:
        """Return whether no camera with this id has connected later and left again."""
        return self.last_claims.get(camera_id, -math.inf) <= live.registered


async def simulate(
    seed: int, steps: int = 40, prepare: Callable[[SimulatedCluster], None] = lambda _: None
) -> list[str]:
    """Break a cluster for a while, heal it, and return what is wrong then."""
    async with trio.open_nursery() as nursery:
        cluster = SimulatedCluster(nursery, random.Random(seed))
        prepare(cluster)
        for _ in range(NODES):
            cluster.start_node()
        await trio.sleep(1)
        await cluster.break_things(steps)
        await trio.sleep(1)
        before = {
            camera_id: [node.live[camera_id] for node in cluster.nodes if camera_id in node.live]
            for camera_id in CAMERAS
        }
        cluster.heal()
        await trio.sleep(15)
        found = list(cluster.problems(before))
        nursery.cancel_scope.cancel()
    return found
