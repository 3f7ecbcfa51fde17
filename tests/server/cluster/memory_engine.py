"""An engine in memory with the faults of a real one: cut links, lost answers, late requests, pauses, empty restarts."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field

from skysentry_trio.server.cluster.engine import EngineConnection, EngineGone
from tests.server.cluster.lease_model import LeaseModel

YEAR_2026 = 1_767_225_600_000


@define(eq=False)
class MemoryEngine:
    """One engine; every node has a `Wire` to it."""

    model: LeaseModel = field(factory=LeaseModel)
    running: trio.Event = field(factory=trio.Event)
    """Unset while the engine is frozen: requests wait, and are served later."""
    told: trio.Event = field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self.running.set()

    def freeze(self) -> None:
        self.running = trio.Event()

    def thaw(self) -> None:
        self.running.set()

    def restart_empty(self) -> None:
        """Forget everything, and break all connections at their next request."""
        model = self.model
        self.model = LeaseModel(checks_lifetime=model.checks_lifetime, higher_epoch_wins=model.higher_epoch_wins)

    def now(self) -> int:
        return YEAR_2026 + int(trio.current_time() * 1000)

    async def serve(self, what: str, node: str, valid_until: float, request: bytes) -> list[Any]:
        while not self.running.is_set():
            await self.running.wait()
        answer = self.model.step(what, node, valid_until, request, self.now())
        self.tell()
        return answer

    def tell(self) -> None:
        """Tell all nodes what has changed."""
        told, self.told = self.told, trio.Event()
        told.set()


@define(eq=False)
class Wire:
    """The way between one node and the engine."""

    engine: MemoryEngine
    nursery: trio.Nursery
    random: random.Random = field(factory=lambda: random.Random(0))
    delay: float = 0.001
    """Seconds, at most, in each direction."""
    lost_answers: float = 0.0
    """Share of the answers that are lost, although the request was served."""
    released: trio.Event = field(factory=trio.Event)
    """Unset while what is on its way waits, to arrive later."""
    is_cut: bool = False
    """Nothing passes, and nobody is told, as with a firewall that drops packets."""

    def __attrs_post_init__(self) -> None:
        self.released.set()

    def hold(self) -> None:
        self.released = trio.Event()

    def release(self) -> None:
        self.released.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[EngineConnection]:
        yield WireConnection(self, self.engine.model)

    async def step(self, model: LeaseModel, what: str, node: str, valid_until: float, request: bytes) -> list[Any]:
        answers: list[list[Any]] = []
        served = trio.Event()

        async def serve() -> None:
            answers.append(await self.engine.serve(what, node, valid_until, request))
            served.set()

        await self._pass()
        if self.engine.model is not model:
            raise EngineGone("connection reset")
        # The node may stop waiting; the engine serves the request nevertheless.
        self.nursery.start_soon(serve)
        await served.wait()
        if self.random.random() < self.lost_answers:
            await trio.sleep_forever()
        await self._pass()
        return answers[0]

    async def _pass(self) -> None:
        await trio.sleep(self.random.random() * self.delay)
        await self.released.wait()
        if self.is_cut:
            await trio.sleep_forever()


@define(eq=False)
class WireConnection:
    wire: Wire
    model: LeaseModel

    async def step(self, what: str, node_id: str, valid_until: float, request: bytes) -> Sequence[Any]:
        return await self.wire.step(self.model, what, node_id, valid_until, request)

    async def changes(self, after: int, wait: float) -> Sequence[tuple[int, bytes]]:
        with trio.move_on_after(wait):
            while True:
                told = self.wire.engine.told
                if self.wire.engine.model is not self.model:
                    raise EngineGone("connection reset")
                found = [change for change in self.model.changes if change[0] > after]
                if found and self.wire.engine.running.is_set() and not self.wire.is_cut:
                    await trio.sleep(self.wire.random.random() * self.wire.delay)
                    return found
                await told.wait()
        if self.wire.is_cut or not self.wire.engine.running.is_set():
            await trio.sleep_forever()
        return []
