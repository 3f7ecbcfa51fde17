"""Requests to the engine. Each has a deadline on both sides: a late request does nothing, a late answer is ignored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from secrets import token_hex
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import trio
from attrs import define, field

from skysentry_trio.base.exceptions import SkySentryError
from skysentry_trio.server.cluster.records import CameraRecord, Change, NodeRecord, decode_change

PATIENCE: Final = 1.0
"""Seconds for the answer to a request."""
CLAIM_PATIENCE: Final = 0.5
"""Seconds for the answer to a claim, for which a camera waits."""
CHANGES_WAIT: Final = 4.0
"""Seconds for which the engine waits for a change before it answers that there is none. Each answer costs about 1 ms.
That the engine is gone shows in the beats, and so does a change that does not come."""


class EngineGone(SkySentryError):
    """The engine cannot be reached, answers too late, or has forgotten this node."""


class MustJoinAgain(EngineGone):
    """The engine answers, but this node was silent for so long that it has to join again."""


class InUse(SkySentryError):
    """Another principal's camera with this id is connected to another node."""


class Engine(Protocol):
    """Where the state of the cluster is: Redis or Valkey."""

    def open(self) -> AbstractAsyncContextManager[EngineConnection]:
        """Prepare a connection, which the first request makes, for as long as the context lasts."""
        ...


class EngineConnection(Protocol):
    """A connection to the engine; every method raises `EngineGone` if the connection is broken."""

    async def step(self, what: str, node_id: str, valid_until: float, request: bytes) -> Sequence[Any]:
        """Run one step of lease.lua and return its answer."""
        ...

    async def changes(self, after: int, wait: float) -> Sequence[tuple[int, bytes]]:
        """Return the changes after a version; wait for some seconds if there is none."""
        ...


class Snapshot(NamedTuple):
    """All that the engine knows."""

    era: str
    version: int
    nodes: dict[str, NodeRecord]
    cameras: dict[str, CameraRecord]


class Granted(NamedTuple):
    """The answer to a claim."""

    epoch: int
    sequence: int


class Correction(NamedTuple):
    """A camera that a node has reported as its own, and of which the engine knows a stronger lease."""

    camera_id: str
    epoch: int
    node: str


@define(eq=False)
class EngineRequests:
    """The requests of one node over one connection."""

    node_id: str
    _connection: EngineConnection
    era: str = field(default="", init=False)
    _clock: float = field(default=0.0, init=False)
    """The time of the engine minus that of the event loop in milliseconds, or slightly less."""

    def engine_time(self) -> float:
        """Return the time of the engine in milliseconds, or slightly less."""
        return trio.current_time() * 1000 + self._clock

    async def hello(self, record: NodeRecord, secret: bytes = b"") -> bytes:
        """Join the cluster, and return the secret that all nodes share.

        Args:
            record: of this node.
            secret: the secret to share, if the engine keeps none yet; empty for a secret that the engine must not know.
        """
        await self._ask("time", None)
        request = {"u": record.url, "v": record.version, "era": token_hex(8), "k": secret.decode()}
        answer = await self._ask("hello", request)
        self.era = _text(answer[2])
        return bytes(answer[3])

    async def beat(self, cameras: int, viewers: int, sequences: Sequence[tuple[str, int]]) -> int:
        """Renew the leases, report sequences, and return the version of the last change.

        Raises:
            EngineGone: the leases have ended already, or the engine was empty in the meantime.
        """
        request = {"era": self.era, "c": cameras, "w": viewers, "q": sequences}
        return int((await self._ask("beat", request))[2])

    async def claim(
        self, camera_id: str, record: CameraRecord, *, is_admin: bool, patience: float = CLAIM_PATIENCE
    ) -> Granted:
        """Get the lease of a camera.

        Raises:
            InUse: another principal's camera is connected to another node.
        """
        request = {
            "c": camera_id, "e": record.epoch, "h": record.holder, "a": is_admin,
            "s": record.since, "f": record.max_fps, **({"l": record.name} if record.name else {}),
        }  # fmt: skip
        answer = await self._ask("claim", request, patience)
        if _text(answer[0]) == "in-use":
            raise InUse
        return Granted(int(answer[2]), int(answer[3]))

    async def keep(self, records: Sequence[tuple[str, CameraRecord]]) -> list[Correction]:
        """Say which cameras this node has; return those for which the engine knows better."""
        answer = await self._ask("keep", records)
        # An empty table of Lua is an object in JSON.
        if answer[2] == b"{}":
            return []
        return [Correction(*one) for one in msgspec.json.decode(answer[2], type=list[tuple[str, int, str]])]

    async def release(self, camera_ids: Sequence[str]) -> None:
        """Say which cameras this node has forgotten."""
        await self._ask("release", camera_ids)

    async def bye(self) -> None:
        """Leave the cluster."""
        await self._ask("bye", None)

    async def snapshot(self) -> Snapshot:
        """Return all nodes and all cameras."""
        answer = await self._ask("snapshot", None)
        nodes, cameras = _pairs(answer[4]), _pairs(answer[5])
        decode_node, decode_camera = msgspec.json.Decoder(NodeRecord).decode, msgspec.json.Decoder(CameraRecord).decode
        return Snapshot(
            _text(answer[2]),
            int(answer[3]),
            {node_id: decode_node(text) for node_id, text in nodes},
            {camera_id: decode_camera(text) for camera_id, text in cameras},
        )

    async def changes(self, after: int) -> list[tuple[int, Change]]:
        """Return the changes after a version, if there are some soon."""
        with _deadline(CHANGES_WAIT + PATIENCE):
            found = await self._connection.changes(after, CHANGES_WAIT)
        return [(version, decode_change(text)) for version, text in found]

    async def _ask(self, what: str, request: object, patience: float = PATIENCE) -> Sequence[Any]:
        # Rather too early than too late: the last answer has arrived later than the time that it contained.
        valid_until = self.engine_time() + patience * 1000
        with _deadline(patience):
            answer = await self._connection.step(what, self.node_id, valid_until, msgspec.json.encode(request))
        self._clock = answer[1] - trio.current_time() * 1000
        match _text(answer[0]):
            case "late":
                raise MustJoinAgain("the engine did not answer in time")
            case "lapsed":
                raise MustJoinAgain("the engine does not know this node any more")
        return answer


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    try:
        with trio.fail_after(seconds):
            yield
    except trio.TooSlowError:
        raise EngineGone(f"the engine did not answer within {seconds:g} s") from None


def _text(value: bytes) -> str:
    return value.decode()


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    for i in range(0, len(flat), 2):
        yield flat[i].decode(), flat[i + 1]
