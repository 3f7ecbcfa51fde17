"""What this node knows of the cluster: where every camera is. A node goes on with that when the engine is gone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.principal import Principal
from skysentry_trio.server.cluster.engine import Correction, EngineGone, EngineRequests, InUse, MustJoinAgain, Snapshot
from skysentry_trio.server.cluster.interfaces import Location, Node
from skysentry_trio.server.cluster.lease import Holdings
from skysentry_trio.server.cluster.records import (
    CameraChange,
    CameraRecord,
    CameraReleased,
    Change,
    NodeGone,
    NodeJoined,
    NodeRecord,
)
from skysentry_trio.server.relay.leases import Lease

log = get_logger(__name__)

_SLICE: Final = 200
"""Most cameras of which the engine is told at once."""
_RETURN: Final = 5.0
"""Seconds that other nodes have to join again after the engine was empty."""
_REJOIN: Final = 1.0
"""Seconds for which cameras wait while this node, which was frozen, joins again."""
_REPORTED: Final = 20
"""Most cameras whose sequence is reported with one beat, so that the traffic does not grow with their number."""


def _ignore_loss(_camera_id: str, _epoch: int) -> None:
    pass


@define(eq=False)
class ClusterDirectory:
    """The directory of one node. `EngineSession` fills it and tells the engine what has changed here."""

    node_id: str
    url: str
    _max_fps: float
    sequence_of: Callable[[str], int] = field(default=lambda _camera_id: 0, repr=False)
    """Returns the sequence of the newest frame of a camera of this node."""
    on_lost: Callable[[str, int], None] = field(default=_ignore_loss, repr=False)
    hears: Callable[[str], bool] = field(default=lambda _node_id: False, repr=False)
    """Returns whether frames come from a node, so that it lives even if it cannot reach the engine."""
    requests: EngineRequests | None = field(default=None, init=False, repr=False)
    """The engine; None while it cannot be asked."""
    give_up: Callable[[str], None] = field(default=lambda _reason: None, init=False, repr=False)
    """Ends the connection to the engine, after an answer that did not come."""
    version: int = field(default=0, init=False)
    """Version of the last change of the engine that this directory has."""
    claims_alone: int = field(default=0, init=False)
    """Cameras that were taken without asking the engine."""
    lost: int = field(default=0, init=False)
    """Cameras that this node had when they connected to another node."""
    holdings: Holdings = field(init=False, repr=False)
    has_news: trio.Event = field(factory=trio.Event, init=False, repr=False)
    """Set when there is something to tell the engine."""
    _changed: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _cameras: dict[str, Location] = field(factory=dict, init=False, repr=False)
    _holders: dict[str, str] = field(factory=dict, init=False, repr=False)
    """Identity of the principal that sends, for each camera of another node."""
    _nodes: dict[str, Node] = field(factory=dict, init=False, repr=False)
    _absent: dict[str, float] = field(factory=dict, init=False, repr=False)
    """Nodes that the engine does not know, with the time until which they may come back."""
    _unconfirmed: dict[str, float] = field(factory=dict, init=False, repr=False)
    """Cameras whose newest lease an engine that was empty does not know yet, with the time until which their nodes may
    tell it."""
    _reported: int = field(default=0, init=False, repr=False)
    _joining_until: float = field(default=-math.inf, init=False, repr=False)
    """Until when cameras wait while this node joins again."""

    def __attrs_post_init__(self) -> None:
        self.holdings = Holdings(self.node_id)
        self._nodes[self.node_id] = Node(self.node_id, self.url)

    # What this node knows

    @property
    def changed(self) -> trio.Event:
        """Set at the next change of a camera or a node; each change makes a new event."""
        return self._changed

    def locate(self, camera_id: str) -> Location | None:
        """Return where a camera is, here or on another node; None for a camera that no node has."""
        return self._cameras.get(camera_id)

    def cameras(self) -> Mapping[str, Location]:
        """Return where each camera is, by its id: the cameras of this node too."""
        return self._cameras

    def nodes(self) -> Mapping[str, Node]:
        """Return all nodes by their ids, this node too."""
        return self._nodes

    # What happens at this node

    async def claim(self, camera_id: str, name: str | None, principal: Principal) -> Lease:
        """Return the lease of a camera that connects here; without the engine, this node decides alone.

        Raises:
            ProtocolViolation: with code ``in-use``, or ``replaced`` if the camera connected elsewhere in the meantime.
        """
        now, epoch = round(time.time(), 3), self.holdings.epochs.next()
        record = CameraRecord(self.node_id, epoch, principal.identity, name, now, online=True, max_fps=self._max_fps)
        with self._telling_news(), self.holdings.claiming(camera_id):
            if not await self._ask(camera_id, record, is_admin=principal.rights.is_admin):
                self._decide_alone(camera_id, record, is_admin=principal.rights.is_admin)
            where = self._elsewhere(camera_id)
            if where is not None and (where.epoch, where.node_id) > (record.epoch, self.node_id):
                raise ProtocolViolation(f"camera {camera_id} has connected again", "replaced")
            self.holdings.take(camera_id, record)
        self._show_own(camera_id)
        return Lease(record.epoch, int(record.sequence))

    async def _ask(self, camera_id: str, record: CameraRecord, *, is_admin: bool) -> bool:
        """Ask the engine for the lease of a camera; return False if the engine does not answer.

        Raises:
            ProtocolViolation: with code ``in-use``.
        """
        for _ in range(2):
            requests = await self._wait_for_engine()
            if requests is None:
                return False
            try:
                record.epoch, record.sequence = await requests.claim(camera_id, record, is_admin=is_admin)
            except InUse:
                raise _in_use(camera_id) from None
            except EngineGone as gone:
                # Another task may have joined again meanwhile.
                if self.requests is requests:
                    self.lose_engine(gone)
                    self.give_up(str(gone))
            else:
                return True
        return False

    async def _wait_for_engine(self) -> EngineRequests | None:
        """Return the engine; None if it cannot be asked, and this node is not about to join again."""
        with trio.move_on_at(self._joining_until):
            while self.requests is None:
                await self._changed.wait()
        return self.requests

    def lose_engine(self, gone: EngineGone | None = None) -> None:
        """Note that the engine cannot be asked any more, and perhaps why."""
        if self.requests is not None:
            self.requests = None
            self._joining_until = trio.current_time() + _REJOIN if isinstance(gone, MustJoinAgain) else -math.inf

    def _decide_alone(self, camera_id: str, record: CameraRecord, *, is_admin: bool) -> None:
        """Take a camera by what this node knows.

        Raises:
            ProtocolViolation: with code ``in-use``.
        """
        where, holder = self._elsewhere(camera_id), self._holders.get(camera_id)
        if where is not None and where.online and holder != record.holder and not is_admin:
            raise _in_use(camera_id)
        # Time has passed, and others may have claimed meanwhile.
        record.epoch = self.holdings.epochs.next()
        self.claims_alone += 1
        self._note_unreported(camera_id)

    def leave(self, camera_id: str, lease: Lease, sequence: int, *, stopped: bool) -> None:
        """Note that a camera has left; this node keeps its frames, and any principal may claim it."""
        if lease.epoch and camera_id in self.holdings.records:
            self.holdings.leave(camera_id, sequence, stopped=stopped)
            self._note_unreported(camera_id)
            self._show_own(camera_id)

    def release(self, camera_id: str) -> None:
        """Note that this server has forgotten a camera."""
        if self.holdings.forget(camera_id):
            self._cameras.pop(camera_id, None)
            self.has_news.set()
            self._notify()

    # What the engine says

    def adopt(self, snapshot: Snapshot, *, is_complete: bool = True) -> None:
        """Take all that the engine knows, in place of what was known of other nodes.

        Args:
            snapshot: what the engine knows.
            is_complete: False if the engine was empty a moment ago, so that other nodes may not have joined again, or
                not told what they have. Then it stays known for some seconds.
        """
        self.version = snapshot.version
        nodes = {node_id: _node(node_id, record) for node_id, record in snapshot.nodes.items()}
        nodes.setdefault(self.node_id, Node(self.node_id, self.url))
        until = trio.current_time() + (0.0 if is_complete else _RETURN)
        self._absent = {node_id: self._absent.get(node_id, until) for node_id in self._nodes if node_id not in nodes}
        self._nodes |= nodes
        self._forget_absent()
        missing = [camera_id for camera_id, where in self._cameras.items() if not _has(snapshot, camera_id, where)]
        self._unconfirmed = {camera_id: self._unconfirmed.get(camera_id, until) for camera_id in missing}
        self._forget_unconfirmed()
        for camera_id, record in snapshot.cameras.items():
            self._hear(camera_id, record)
        self._notify()

    def apply(self, version: int, change: Change) -> None:
        """Take one change from the engine.

        Raises:
            EngineGone: changes before this one are missing, or the engine has ended this node.
        """
        if version <= self.version:
            return
        if version != self.version + 1:
            raise EngineGone(f"expected change {self.version + 1} from the engine, got {version}")
        self.version = version
        match change:
            case CameraChange(camera_id, record):
                self._hear(camera_id, record)
            case CameraReleased(camera_id, node_id):
                self._drop([camera_id], node_id)
            case NodeJoined(node_id, record):
                self._nodes[node_id] = _node(node_id, record)
                self._absent.pop(node_id, None)
            case NodeGone(node_id):
                if node_id == self.node_id:
                    raise MustJoinAgain("the engine has ended this node: it was silent, or another has its node_url")
                self._absent[node_id] = trio.current_time()
                self._forget_absent()
        self._notify()

    def forget_absent(self) -> bool:
        """Forget nodes that have not come back after the engine has ended them, and cameras that no node has reported.

        Returns:
            Whether something was forgotten, so that what the engine knows of these cameras is news.
        """
        is_node_forgotten = self._forget_absent()
        is_forgotten = self._forget_unconfirmed() or is_node_forgotten
        if is_forgotten:
            self._notify()
        return is_forgotten

    def _forget_unconfirmed(self) -> bool:
        now = trio.current_time()
        over = [camera_id for camera_id, until in self._unconfirmed.items() if now >= until]
        for camera_id in over:
            del self._unconfirmed[camera_id]
            if (where := self._cameras.get(camera_id)) is not None and where.node_id not in self._absent:
                self._drop([camera_id], where.node_id)
        return bool(over)

    def _forget_absent(self) -> bool:
        now = trio.current_time()
        over = [node_id for node_id, until in self._absent.items() if now >= until and not self.hears(node_id)]
        for node_id in over:
            del self._absent[node_id]
            self._nodes.pop(node_id, None)
            self._drop(list(self._cameras), node_id)
        return bool(over)

    def correct(self, corrections: list[Correction]) -> None:
        """Take the corrections of the engine: other leases of cameras that this node has reported as its own."""
        for camera_id, epoch, node_id in corrections:
            record = CameraRecord(node_id, epoch)
            if self.holdings.observe(camera_id, record):
                self._lose(camera_id, record)
            elif camera_id in self.holdings.records:
                self._show_own(camera_id)

    # What the engine is told

    def records_to_keep(self) -> list[tuple[str, CameraRecord]]:
        """Return some cameras that have changed here, and count them as told."""
        told = list(islice(self.holdings.unreported, _SLICE))
        for camera_id in told:
            del self.holdings.unreported[camera_id]
        held = self.holdings.records
        for camera_id in told:
            if (record := held.get(camera_id)) is not None:
                record.sequence = max(record.sequence, self.sequence_of(camera_id))
        return [(camera_id, held[camera_id]) for camera_id in told if camera_id in held]

    def cameras_to_release(self) -> list[str]:
        """Return some cameras that this node does not have any more, and count them as told."""
        told = list(islice(self.holdings.releasable(), _SLICE))
        for camera_id in told:
            del self.holdings.unreleased[camera_id]
        return told

    def sequences_to_report(self) -> list[tuple[str, int]]:
        """Return the sequences of some cameras; each camera is among them from time to time."""
        online = [camera_id for camera_id, record in self.holdings.records.items() if record.online]
        if self._reported >= len(online):
            self._reported = 0
        chosen = online[self._reported : self._reported + _REPORTED]
        self._reported += _REPORTED
        return [(camera_id, self.sequence_of(camera_id)) for camera_id in chosen]

    def _hear(self, camera_id: str, record: CameraRecord) -> None:
        is_kept = self._is_kept_from(camera_id, record)
        if not is_kept:
            self._unconfirmed.pop(camera_id, None)
        if self.holdings.observe(camera_id, record):
            self._lose(camera_id, record)
        self._wake_if_news()
        if camera_id in self.holdings.records:
            self._show_own(camera_id)
        elif record.node != self.node_id and not is_kept:
            self._cameras[camera_id] = self._location(record)
            self._holders[camera_id] = record.holder

    def _is_kept_from(self, camera_id: str, record: CameraRecord) -> bool:
        """Return whether a node has a newer lease, and may still join again or tell the engine of it."""
        where = self._cameras.get(camera_id)
        if where is None or not (where.node_id in self._absent or camera_id in self._unconfirmed):
            return False
        return (where.epoch, where.node_id) > (record.epoch, record.node)

    def _lose(self, camera_id: str, record: CameraRecord) -> None:
        self.lost += 1
        log.info("camera connected to another node", camera=camera_id, node=record.node)
        self.on_lost(camera_id, record.epoch)

    def _drop(self, camera_ids: list[str], node_id: str) -> None:
        for camera_id in camera_ids:
            where = self._cameras.get(camera_id)
            if where is not None and where.node_id == node_id and camera_id not in self.holdings.records:
                del self._cameras[camera_id]
                self._holders.pop(camera_id, None)

    def _elsewhere(self, camera_id: str) -> Location | None:
        where = self._cameras.get(camera_id)
        return None if where is None or where.node_id == self.node_id else where

    @contextmanager
    def _telling_news(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._wake_if_news()

    def _wake_if_news(self) -> None:
        if self.holdings.unreported or self.holdings.unreleased:
            self.has_news.set()

    def _note_unreported(self, camera_id: str) -> None:
        self.holdings.unreported[camera_id] = None
        self.has_news.set()

    def _show_own(self, camera_id: str) -> None:
        self._cameras[camera_id] = self._location(self.holdings.records[camera_id])
        self._holders.pop(camera_id, None)
        self._notify()

    def _location(self, record: CameraRecord) -> Location:
        node = self._nodes.get(record.node)
        url = "" if node is None else node.url
        return Location(record.node, url, record.epoch, record.name, record.since, record.online, record.stopped)

    def _notify(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()


def _node(node_id: str, record: NodeRecord) -> Node:
    return Node(node_id, record.url, record.version)


def _has(snapshot: Snapshot, camera_id: str, where: Location) -> bool:
    """Return whether the engine knows this lease of a camera, or a newer one."""
    record = snapshot.cameras.get(camera_id)
    return record is not None and (record.epoch, record.node) >= (where.epoch, where.node_id)


def _in_use(camera_id: str) -> ProtocolViolation:
    return ProtocolViolation(f"camera {camera_id} is connected, and belongs to somebody else", "in-use")
