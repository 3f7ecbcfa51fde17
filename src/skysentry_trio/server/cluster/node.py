"""This server as a node of a cluster: what the daemon needs of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, evolve, field

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import NOBODY, Principal
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.connection import Connection, ConnectionLost, open_connection
from skysentry_trio.client.engine.viewer import PATH, limits_query
from skysentry_trio.server.cluster.interfaces import Directory, Node
from skysentry_trio.server.cluster.mirrors import Mirrors
from skysentry_trio.server.cluster.node_proof import HEADER, NodeProof, narrow
from skysentry_trio.server.cluster.node_questions import NodeQuestions
from skysentry_trio.server.cluster.node_requests import NodeRequests
from skysentry_trio.server.cluster.proxy import NodeProxy
from skysentry_trio.server.cluster.recorders import Recorders
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.transport.request import Identify, Request
from skysentry_trio.wire.viewer import SUBPROTOCOL

_HEADER = HEADER.lower()


@define(eq=False)
class ClusterNode:
    """Knows the other nodes, shows their cameras, and recognizes their requests."""

    directory: Directory
    _hub: Hub = field(repr=False)
    _secret: bytes = field(repr=False)
    proof: NodeProof = field(init=False, repr=False)
    mirrors: Mirrors = field(init=False, repr=False)
    proxy: NodeProxy = field(init=False, repr=False)
    requests: NodeRequests = field(init=False, repr=False)
    questions: NodeQuestions = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.proof = NodeProof(self.directory.node_id, self._secret)
        self.mirrors = Mirrors(self._hub, self.directory, self.proof)
        self.requests = NodeRequests(self.directory)
        self.questions = NodeQuestions(self.directory, self.proof, self.requests, self._hub.memory)
        recorders = Recorders(self.questions)
        self.proxy = NodeProxy(
            self.directory, self._hub, self.proof, self.mirrors.note_request, self.requests, recorders
        )

    async def has(self, camera_id: str) -> bool:
        """Return whether another node has a camera, or the recordings of one that no node knows any more."""
        return await self._find_node(camera_id) is not None

    @asynccontextmanager
    async def open_viewer(self, camera_id: str, limits: Limits, principal: Principal) -> AsyncIterator[Connection]:
        """Connect to the node that has a camera or its recordings, as a viewer of this camera for a principal.

        Raises:
            ConnectionLost: the node cannot be reached, or there is none any more.
        """
        node = await self._find_node(camera_id)
        if node is None:
            raise ConnectionLost(f"no other server has camera {camera_id} now")
        address = parse_server_address(node.url)
        query = [("client", camera_id), *limits_query(limits)]
        target = address.resource(PATH, query)
        asker = narrow(principal, camera_id)
        proof = self.proof.header_for(node.node_id, "GET", target, principal=asker)
        async with open_connection(
            address, PATH, query=query, subprotocols=(SUBPROTOCOL,), further_headers={HEADER: proof}
        ) as connection:
            yield connection

    async def _find_node(self, camera_id: str) -> Node | None:
        """Return the other node that can play a camera back; None if there is none, or this node can."""
        location = self.directory.locate(camera_id)
        if location is not None:
            is_here = location.node_id == self.directory.node_id
            return None if is_here else Node(location.node_id, location.node_url)
        return self.directory.nodes().get(await self.proxy.recorders.find(camera_id) or "")

    def recognizing(self, identify: Identify) -> Identify:
        """Return a function that also recognizes other nodes; a client is identified as before."""

        async def recognize(request: Request) -> Request:
            head = request.head
            if (header := head.headers.get(_HEADER)) is None:
                return await identify(request)
            target = f"{head.path}?{head.query}" if head.query else head.path
            try:
                visitor = self.proof.verify(header, head.method, target)
            except ProtocolViolation as violation:
                return evolve(request, principal=NOBODY, denial=violation)
            return evolve(request, principal=visitor.principal, via=visitor.via)

        return recognize
