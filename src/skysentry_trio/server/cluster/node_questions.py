"""Questions of this node to other nodes, for answers about the cameras of several nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import h11
import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.held_memory import HeldMemory
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.principal import Principal
from skysentry_trio.server.cluster.interfaces import Directory, Location, Node
from skysentry_trio.server.cluster.node_proof import HEADER, NodeProof, narrow
from skysentry_trio.server.cluster.node_requests import NodeExchange, NodeRequests, address_of, encode_head, unreachable
from skysentry_trio.server.transport.other_servers import Gathered

log = get_logger(__name__)

_MOST: Final = 64 * 1024 * 1024
"""Bytes of an answer."""
_NOTHING_TO_SAY: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@define(eq=False)
class NodeQuestions:
    """Asks other nodes; an answer is about the cameras of the node that gives it, so no question goes in circles."""

    _directory: Directory
    _proof: NodeProof = field(repr=False)
    _requests: NodeRequests = field(repr=False)
    _memory: HeldMemory = field(repr=False)
    """Bounds the answers that are read into memory."""

    @property
    def node_id(self) -> str:
        """The id of this node."""
        return self._directory.node_id

    def owner(self, camera_id: str) -> str | None:
        """Return the id of the other node that has a camera; None if no other node has it."""
        location = self._elsewhere(camera_id)
        return None if location is None else location.node_id

    async def gather(self, target: str, principal: Principal | None, seconds: float) -> Gathered:
        """Ask all other nodes; see `OtherServers.gather`."""
        bodies, silent = dict[str, bytes](), list[str]()
        nodes = [node for node in self._directory.nodes().values() if node.node_id != self._directory.node_id]

        async def ask(node: Node) -> None:
            try:
                body = await self._ask(node.node_id, node.url, target, principal, seconds)
            except ProtocolViolation as violation:
                log.debug("a node does not answer", node=node.node_id, target=target, error=str(violation))
                silent.append(node.node_id)
            else:
                if body is not None:
                    bodies[node.node_id] = body

        async with trio.open_nursery() as nursery:
            for node in nodes:
                nursery.start_soon(ask, node)
        return Gathered(dict(sorted(bodies.items())), sorted(silent))

    async def ask_owner(self, camera_id: str, resource: str, principal: Principal, seconds: float) -> bytes | None:
        """Ask the node that has a camera; see `OtherServers.ask_owner`."""
        location = self._elsewhere(camera_id)
        if location is None:
            return None
        target = f"/api/clients/{quote(camera_id)}/{resource}"
        return await self._ask(location.node_id, location.node_url, target, narrow(principal, camera_id), seconds)

    async def fetch_from_owner(
        self, camera_id: str, resource: str, principal: Principal, take: Callable[[bytes], Awaitable[None]]
    ) -> bool:
        """Fetch from the node that has a camera; see `OtherServers.fetch_from_owner`."""
        location = self._elsewhere(camera_id)
        if location is None:
            return False
        target = f"/api/clients/{quote(camera_id)}/{resource}"
        async with self._begin(location.node_id, location.node_url, target, narrow(principal, camera_id)) as exchange:
            found = _is_answer(location.node_id, await exchange.read_head())
            while data := await exchange.read_some():
                if found:
                    await take(data)
        return found

    async def _ask(
        self, node_id: str, url: str, resource: str, principal: Principal | None, seconds: float
    ) -> bytes | None:
        with trio.move_on_after(seconds):
            async with self._begin(node_id, url, resource, principal) as exchange:
                answer = await exchange.read_head()
                body = await exchange.read_body(_MOST, self._memory)
            return body if _is_answer(node_id, answer) else None
        raise unreachable(node_id, f"no answer within {seconds:g} s")

    def _begin(
        self, node_id: str, url: str, resource: str, principal: Principal | None
    ) -> AbstractAsyncContextManager[NodeExchange]:
        address = address_of(node_id, url)
        target = address.prefix + resource
        proof = self._proof.header_for(node_id, "GET", target, principal=principal)
        head = encode_head(f"GET {target} HTTP/1.1", [("Host", address.host_header), (HEADER, proof)])
        return self._requests.begin(node_id, address, head, method="GET")

    def _elsewhere(self, camera_id: str) -> Location | None:
        location = self._directory.locate(camera_id)
        return None if location is None or location.node_id == self._directory.node_id else location


def _is_answer(node_id: str, head: h11.Response) -> bool:
    """Return whether a node answers a question; False if it refuses to.

    Raises:
        ProtocolViolation: with code ``node-unreachable``, it fails to; or with code ``busy``.
    """
    if head.status_code in _NOTHING_TO_SAY:
        return False
    if head.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        raise ProtocolViolation(f"node {node_id} is busy; try again later", "busy")
    if head.status_code != HTTPStatus.OK:
        raise unreachable(node_id, f"status {head.status_code}")
    return True
