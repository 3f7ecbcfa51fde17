"""What services may ask the other servers of a cluster, of which they know nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

import msgspec
from attrs import field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Principal

T = TypeVar("T")


@frozen
class Gathered:
    """The answers of the other servers to one question."""

    bodies: Mapping[str, bytes] = field(factory=dict)
    """Of the answers with status 200, by the id of the node. A node that refuses to answer has nothing to say."""
    unreachable: Sequence[str] = ()
    """Ids of the nodes that have not answered in time, in order."""

    def read(self, decode: Callable[[bytes], T]) -> tuple[dict[str, T], list[str]]:
        """Decode the answers.

        Args:
            decode: returns what an answer says, or raises `msgspec.DecodeError`.

        Returns:
            The answers by the id of the node, and the ids of the nodes whose answers are missing, in order. An answer
            that cannot be read is missing too: the server may be of another version.
        """
        answers, missing = dict[str, T](), list(self.unreachable)
        for node_id, body in self.bodies.items():
            try:
                answers[node_id] = decode(body)
            except msgspec.DecodeError:
                missing.append(node_id)
        return answers, sorted(missing)


class OtherServers(Protocol):
    """Asks other servers of the cluster, which answer for their own cameras only."""

    @property
    def node_id(self) -> str | None:
        """The id of this server in the cluster; None for a server alone."""
        ...

    async def gather(self, target: str, principal: Principal | None, seconds: float) -> Gathered:
        """Ask all other servers at the same time.

        Args:
            target: path and query of a GET request.
            principal: for whom; None for this server itself, which may do everything.
            seconds: that each server has to answer.
        """
        ...

    async def ask_owner(self, camera_id: str, resource: str, principal: Principal, seconds: float) -> bytes | None:
        """Ask the server that has a camera; return the body of its answer, or None if it refuses to answer.

        Args:
            camera_id: id of the camera.
            resource: what follows the camera in the path of a GET request, such as ``stream``.
            principal: for whom.
            seconds: that the server has to answer.

        Raises:
            ProtocolViolation: with code ``node-unreachable``, ``busy`` or ``server-full``.
        """
        ...

    async def fetch_from_owner(
        self, camera_id: str, resource: str, principal: Principal, take: Callable[[bytes], Awaitable[None]]
    ) -> bool:
        """Do as `ask_owner`, for a body of any size: call ``take`` with each piece of it.

        Returns:
            False if the server refuses to answer.

        Raises:
            ProtocolViolation: with code ``node-unreachable``, pieces may have been taken; or with code ``busy``.
        """
        ...

    def owner(self, camera_id: str) -> str | None:
        """Return the id of the node that has a camera; None for a camera of this server, or of none."""
        ...


class _NoOtherServers:
    """A server that belongs to no cluster."""

    node_id: None = None

    async def gather(self, _target: str, _principal: Principal | None, _seconds: float) -> Gathered:
        return Gathered()

    async def ask_owner(self, camera_id: str, _resource: str, _principal: Principal, _seconds: float) -> bytes | None:
        raise ProtocolViolation(f"no other server has camera {camera_id}", "node-unreachable")

    async def fetch_from_owner(
        self, camera_id: str, _resource: str, _principal: Principal, _take: Callable[[bytes], Awaitable[None]]
    ) -> bool:
        raise ProtocolViolation(f"no other server has camera {camera_id}", "node-unreachable")

    def owner(self, _camera_id: str) -> str | None:
        return None


NO_OTHER_SERVERS: Final[OtherServers] = _NoOtherServers()
