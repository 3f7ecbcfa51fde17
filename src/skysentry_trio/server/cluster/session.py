"""Keep the directory and the engine in step: join, compare, then beat, follow the changes, and tell what changes here.

Any error ends the connection, and the next connection begins with the complete state. So the node recovers from every
failure in the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import trio
from attrs import define, field

from skysentry_trio._version import __version__
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.server.cluster.directory import ClusterDirectory
from skysentry_trio.server.cluster.engine import Engine, EngineGone, EngineRequests
from skysentry_trio.server.cluster.node_proof import NodeProof
from skysentry_trio.server.cluster.records import NodeRecord
from skysentry_trio.server.health import Health

log = get_logger(__name__)

_BEAT_EVERY: Final = 1.0
"""Seconds. The engine ends the leases of a node after five seconds of silence, see lease.lua."""
_RETRY_EVERY: Final = 0.3
"""Seconds between two attempts to reach the engine: a packet each, and cameras do not wait for it."""
_BEATS_BEHIND: Final = 3
"""Changes must be in the directory before this many beats later."""
_GOODBYE: Final = 0.5
"""Seconds to leave the cluster when the server stops."""
SERVICE: Final = "cluster"


@define(eq=False)
class EngineSession:
    """The connection of a node to the engine, made again whenever it ends."""

    directory: ClusterDirectory
    _engine: Engine
    _engine_address: str
    """The address of the engine, for people."""
    _count_viewers: Callable[[], int]
    """Returns how many viewers are connected to this node."""
    _shared: NodeProof | None = None
    """Gets the secret that the engine keeps for all nodes; None if this node has the secret from a file."""
    sessions: int = field(default=0, init=False)
    """Connections to the engine so far."""
    settled: trio.Event = field(factory=trio.Event, init=False)
    """Set after the first attempt, whether it succeeded or not."""
    _trouble: str | None = field(default=None, init=False)
    _era: str = field(default="", init=False)
    _is_leaving: bool = field(default=False, init=False)

    @property
    def is_connected(self) -> bool:
        """Whether the engine answers."""
        return self.directory.requests is not None

    async def run(self, health: Health) -> None:
        """Stay connected for ever; health says so while the engine cannot be used."""
        while True:
            try:
                await self._connect(health)
            except EngineGone as gone:
                self.directory.lose_engine(gone)
                self._note_trouble(health, str(gone))
            finally:
                self.directory.lose_engine()
            self.settled.set()
            await trio.sleep(_RETRY_EVERY)

    async def leave(self) -> None:
        """Leave the cluster, so that no node takes this one for alive when it has stopped."""
        requests, self._is_leaving = self.directory.requests, True
        if requests is not None:
            with trio.move_on_after(_GOODBYE):
                try:
                    await requests.bye()
                except EngineGone as gone:
                    log.info("the cluster was not told that this node stops", error=str(gone))

    async def _connect(self, health: Health) -> None:
        """Join the cluster and keep in step.

        Raises:
            EngineGone: always, when something goes wrong.
        """
        reason = ""

        def give_up(why: str) -> None:
            nonlocal reason
            reason = why
            scope.cancel()

        with trio.CancelScope() as scope:
            self.directory.give_up = give_up
            async with self._engine.open() as connection:
                await self._keep_in_step(EngineRequests(self.directory.node_id, connection), health)
        raise EngineGone(reason)

    async def _keep_in_step(self, requests: EngineRequests, health: Health) -> None:
        record = NodeRecord(self.directory.url, __version__)
        if self._shared is None:
            await requests.hello(record)
        else:
            self._shared.use_secret(await requests.hello(record, self._shared.secret))
        holdings = self.directory.holdings
        holdings.unreported.update(dict.fromkeys(holdings.records))
        await self._send_news(requests)
        is_new_era, self._era = requests.era != self._era, requests.era
        self.directory.adopt(await requests.snapshot(), is_complete=not is_new_era)
        self.directory.requests = requests
        self.sessions += 1
        self._note_recovery(health)
        with single_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._beat, requests)
                nursery.start_soon(self._follow, requests)
                nursery.start_soon(self._keep_sending_news, requests)

    async def _beat(self, requests: EngineRequests) -> None:
        versions = deque[int](maxlen=_BEATS_BEHIND)
        while True:
            known = self.directory.version
            online = sum(record.online for record in self.directory.holdings.records.values())
            version = await requests.beat(online, self._count_viewers(), self.directory.sequences_to_report())
            is_behind = len(versions) == _BEATS_BEHIND and self.directory.version < versions[0]
            if is_behind or version < known:
                raise EngineGone(f"the engine is at change {version}, this node at {self.directory.version}")
            versions.append(version)
            if self.directory.forget_absent():
                await self._compare(requests)
            await trio.sleep(_BEAT_EVERY)

    async def _compare(self, requests: EngineRequests) -> None:
        snapshot = await requests.snapshot()
        while snapshot.version < self.directory.version:
            snapshot = await requests.snapshot()
        self.directory.adopt(snapshot)

    async def _follow(self, requests: EngineRequests) -> None:
        while True:
            for version, change in await requests.changes(self.directory.version):
                self.directory.apply(version, change)
            await trio.lowlevel.checkpoint()

    async def _keep_sending_news(self, requests: EngineRequests) -> None:
        while True:
            self.directory.has_news = trio.Event()
            await self._send_news(requests)
            await self.directory.has_news.wait()

    async def _send_news(self, requests: EngineRequests) -> None:
        while records := self.directory.records_to_keep():
            self.directory.correct(await requests.keep(records))
        while camera_ids := self.directory.cameras_to_release():
            await requests.release(camera_ids)

    def _note_trouble(self, health: Health, reason: str) -> None:
        sentence = f"the engine at {self._engine_address} cannot be used: {reason}"
        health.degraded[SERVICE] = sentence
        if self._trouble is None and not self._is_leaving:
            log.warning("cluster engine gone", engine=self._engine_address, error=reason)
        self._trouble = reason

    def _note_recovery(self, health: Health) -> None:
        health.degraded.pop(SERVICE, None)
        log.info("cluster joined", engine=self._engine_address, nodes=len(self.directory.nodes()))
        self._trouble = None
        self.settled.set()
