"""Nodes of a cluster inside the process that runs the tests, with real sockets between them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import trio
from attrs import define, field

from skysentry_trio.base.demand import NO_LIMITS, Limits
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.principal import ANYONE, Principal
from skysentry_trio.server.access.start import AccessSetup, open_to_everybody
from skysentry_trio.server.cluster.link import Link
from skysentry_trio.server.cluster.node import ClusterNode
from skysentry_trio.server.http.export_jobs import ExportJobs
from skysentry_trio.server.parts import Parts
from skysentry_trio.server.relay.camera import CameraSession, HubCamera
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.leases import Lease
from skysentry_trio.server.relay.notices import CameraNotice, ResultNotice
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.routing import create_router
from tests.hubs import make_hub
from tests.jpegs import draw_jpeg
from tests.raw_peer import PATIENCE, Address
from tests.server.cluster.memory_directory import MemoryCluster, MemoryDirectory
from tests.server.history.helpers import OpenFolder, history_of

SECRET = b"the secret of all nodes"
FRAMES = 12
"""That a camera has sent before a test of `two_nodes_with_frames` begins."""
_ALL_OPEN: Mapping[str, AccessSetup] = {}
_NOTHING_RECORDED: Mapping[str, OpenFolder] = {}


@define(eq=False)
class TestViewer:
    """What a viewer of a hub got, in order."""

    __test__ = False
    viewer: HubViewer
    got: list[Delivery | CameraNotice | ResultNotice] = field(factory=list)

    @property
    def frames(self) -> list[JpegFrame]:
        return [one.frame for one in self.got if isinstance(one, Delivery)]

    @property
    def sequences(self) -> list[int]:
        return [frame.sequence for frame in self.frames]

    async def run(self) -> None:
        while True:
            work = await self.viewer.outbox.receive()
            if isinstance(work, Delivery):
                self.got.append(work)
            elif isinstance(work, list):
                self.got += work


@define(eq=False)
class TestNode:
    """One server of a cluster."""

    __test__ = False
    hub: Hub
    node: ClusterNode
    address: Address
    cluster: MemoryCluster
    nursery: trio.Nursery
    relay: Relay

    @property
    def node_id(self) -> str:
        return self.node.directory.node_id

    def hub_camera(self, camera_id: str) -> HubCamera:
        """Return a camera that this node knows."""
        camera = self.hub.camera(camera_id)
        assert camera is not None
        return camera

    def believe(self, camera_id: str, node_id: str) -> None:
        """Let only this node believe that another node has a camera."""
        directory = self.node.directory
        assert isinstance(directory, MemoryDirectory)
        directory.cluster = MemoryCluster(
            self.cluster.nodes, dict(self.cluster.cameras), [directory], self.cluster.epoch
        )
        directory.cluster.place(camera_id, node_id)

    def trouble_with(self, other: TestNode) -> str:
        """Return why there is no link to another node; "" without a reason."""
        links = [link for link in self.node.mirrors.links if link.node_id == other.node_id]
        return "".join(link.trouble or "" for link in links)

    def link_to(self, other: TestNode) -> Link:
        return next(link for link in self.node.mirrors.links if link.node_id == other.node_id)

    @contextmanager
    def camera(self, camera_id: str, **facts: Any) -> Iterator[TestCamera]:
        """Connect a camera; it is offline in the end."""
        with ExitStack() as stack:
            camera = TestCamera(self)
            lease = Lease(self.cluster.place(camera_id, self.node_id, **facts).epoch)
            register = self.hub.register(
                camera_id, name=facts.get("name"), on_end=stack.close, on_demand=camera.note_demand, lease=lease
            )
            camera.session = stack.enter_context(register)
            yield camera

    @contextmanager
    def viewer(
        self, *camera_ids: str, limits: Limits = NO_LIMITS, notify_about: Any = (), principal: Principal = ANYONE
    ) -> Iterator[TestViewer]:
        with self.hub.watch(notify_about=notify_about, principal=principal) as viewer:
            watching, scope = TestViewer(viewer), trio.CancelScope()
            self.hub.subscribe(viewer, camera_ids or None, limits)
            self.nursery.start_soon(_run_in, scope, watching.run)
            try:
                yield watching
            finally:
                scope.cancel()


async def _run_in(scope: trio.CancelScope, work: Callable[[], Any]) -> None:
    with scope:
        await work()


@define(eq=False)
class TestCamera:
    """A camera at a node."""

    __test__ = False
    node: TestNode
    session: CameraSession = field(init=False)
    demands: list[Limits] = field(factory=list)

    def note_demand(self) -> None:
        demand = self.node.hub.demand(self.session.camera)
        self.demands.append(demand.limits)

    @property
    def viewers(self) -> int:
        return self.node.hub.connected_viewer_count(self.session.camera.id)

    async def send(self, shade: int = 0, captured_at: float | None = None) -> bytes:
        """Send one frame; return its JPEG."""
        jpeg = draw_jpeg(shade)
        await self.node.hub.publish(self.session, jpeg, width=32, height=24, captured_at=captured_at)
        return jpeg


@define(eq=False)
class Relay:
    """Lies between the other nodes and one node: counts bytes, and can hold them back."""

    listener: trio.SocketListener
    target: int
    """Port of the node."""
    sent: int = 0
    """Bytes from the node to the others."""
    connections: int = 0
    is_down: bool = False
    """Whether connections end at once."""
    open: trio.Event = field(factory=trio.Event)
    _scopes: set[trio.CancelScope] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.open.set()

    async def run(self) -> None:
        await trio.serve_listeners(self._pass_on, [self.listener])

    async def _pass_on(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        if self.is_down:
            await trio.aclose_forcefully(stream)
            return
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            async with await trio.open_tcp_stream("127.0.0.1", self.target) as other, trio.open_nursery() as nursery:
                nursery.start_soon(self._copy, stream, other, False)
                await self._copy(other, stream, True)
                nursery.cancel_scope.cancel()
        self._scopes.discard(scope)
        await trio.aclose_forcefully(stream)

    async def _copy(self, source: trio.SocketStream, sink: trio.SocketStream, counts: bool) -> None:
        try:
            async for data in source:
                await self.open.wait()
                self.sent += len(data) * counts
                await sink.send_all(data)
            await sink.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    def cut(self) -> None:
        """Break all connections."""
        for scope in self._scopes:
            scope.cancel()

    def freeze(self) -> None:
        """Let nothing through, without a sign that it is so."""
        self.open = trio.Event()


@asynccontextmanager
async def running_nodes(
    *node_ids: str,
    setups: Mapping[str, AccessSetup] = _ALL_OPEN,
    folders: Mapping[str, OpenFolder] = _NOTHING_RECORDED,
    **settings: Any,
) -> AsyncIterator[list[TestNode]]:
    """Run nodes that know each other; they are cancelled in the end.

    Args:
        node_ids: their ids.
        setups: the rules of access, by the id of the node; a node without an entry is open to everybody.
        folders: the recordings, by the id of the node; a node without an entry records nothing.
        settings: of all nodes.
    """
    cluster, nodes = MemoryCluster(), list[TestNode]()
    async with trio.open_nursery() as nursery:
        for node_id in node_ids:
            setup, folder = setups.get(node_id), folders.get(node_id)
            nodes.append(await _start(node_id, cluster, nursery, setup=setup, folder=folder, settings=settings))
        try:
            yield nodes
        finally:
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def two_nodes_with_frames(
    folders: Mapping[str, OpenFolder] = _NOTHING_RECORDED,
) -> AsyncIterator[tuple[TestNode, TestNode]]:
    """Run the nodes ``a`` and ``b``; the camera ``door`` is connected to ``a`` and has sent its frames."""
    async with running_nodes("a", "b", folders=folders, buffer_size=50) as (a, b):
        with a.camera("door") as camera:
            for shade in range(FRAMES):
                await camera.send(10 * shade)
                await trio.sleep(0.02)
            await until(lambda: b.hub.camera("door"))
            yield a, b


async def _start(
    node_id: str,
    cluster: MemoryCluster,
    nursery: trio.Nursery,
    *,
    setup: AccessSetup | None,
    folder: OpenFolder | None,
    settings: dict[str, Any],
) -> TestNode:
    hub = make_hub(**settings)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    (relayed,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    relay = Relay(relayed, port)
    setup = setup or open_to_everybody()
    url = f"http://127.0.0.1:{relayed.socket.getsockname()[1]}"
    node = ClusterNode(cluster.join(node_id, url), hub, SECRET)
    history = None if folder is None else history_of(hub, folder)
    exports = None if folder is None else ExportJobs(folder.reader, 10**9, 0, time.time)
    parts = Parts(hub, setup, history=history, exports=exports, cluster=node)
    router = create_router(parts)
    if exports is not None:
        nursery.start_soon(exports.run)
    nursery.start_soon(parts.websockets.run)
    nursery.start_soon(parts.push_sessions.run)
    nursery.start_soon(hub.report_demand)
    nursery.start_soon(hub.send_notices)
    nursery.start_soon(router.accept_from, listener, nursery)
    nursery.start_soon(relay.run)
    nursery.start_soon(node.mirrors.run)
    nursery.start_soon(node.requests.run)
    return TestNode(hub, node, Address.parse(f"http://127.0.0.1:{port}"), cluster, nursery, relay)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that comes over a real socket."""
    with trio.fail_after(3 * PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await trio.sleep(0.005)
