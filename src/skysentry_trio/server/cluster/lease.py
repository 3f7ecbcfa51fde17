"""The node's side of leases: which cameras this node has, and when it loses one; without I/O."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import define, field

from skysentry_trio.server.cluster.records import CameraRecord


@define(eq=False)
class EpochClock:
    """Makes epochs: milliseconds since 1970, but always above every epoch that this node has seen.

    So the camera that connects later has the higher epoch, even if no engine was there to ask.
    """

    read: Callable[[], float] = time.time
    """Returns seconds since 1970."""
    _latest: int = field(default=0, init=False)

    def next(self) -> int:
        """Return a new epoch."""
        self._latest = max(self._latest + 1, int(self.read() * 1000))
        return self._latest

    def observe(self, epoch: int) -> None:
        """Note an epoch that another node has chosen."""
        self._latest = max(self._latest, epoch)


@define(eq=False)
class Holdings:
    """The cameras of this node, and what the engine has not been told of them."""

    node_id: str
    epochs: EpochClock = field(factory=EpochClock)
    records: dict[str, CameraRecord] = field(factory=dict, init=False)
    unreported: dict[str, None] = field(factory=dict, init=False)
    """Cameras that have changed since the engine was told; a dictionary as an ordered set."""
    unreleased: dict[str, None] = field(factory=dict, init=False)
    """Cameras that this node has forgotten since the engine was told."""

    _claims: Counter[str] = field(factory=Counter, init=False)
    """Claims that are not decided. The engine may have granted them already, so their cameras are not released."""

    @contextmanager
    def claiming(self, camera_id: str) -> Iterator[None]:
        """Claim a camera for as long as the context lasts; without `take` in it, the camera is released."""
        self._claims[camera_id] += 1
        try:
            yield
        finally:
            self._claims -= Counter([camera_id])
            if camera_id not in self.records:
                self.unreleased[camera_id] = None

    def releasable(self) -> Iterator[str]:
        """Yield the cameras of which the engine can be told that this node does not have them."""
        return (camera_id for camera_id in self.unreleased if camera_id not in self._claims)

    def take(self, camera_id: str, record: CameraRecord) -> None:
        """Add a camera to those of this node; an older lease of the camera changes nothing."""
        self.epochs.observe(record.epoch)
        old = self.records.get(camera_id)
        # The change in the directory of the engine may have been here before the answer, and has the same epoch.
        if old is not None and old.epoch > record.epoch:
            return
        if old is not None:
            # A message about the earlier lease may reach the engine after the claim.
            self.unreported[camera_id] = None
            record.name = record.name or old.name
        self.records[camera_id] = record
        self.unreleased.pop(camera_id, None)

    def leave(self, camera_id: str, sequence: int, *, stopped: bool) -> None:
        """Note that a camera has left; this node still has its frames."""
        record = self.records.get(camera_id)
        if record is not None:
            record.online, record.stopped, record.sequence = False, stopped, max(record.sequence, sequence)
            self.unreported[camera_id] = None

    def forget(self, camera_id: str) -> bool:
        """Remove a camera from those of this node; return False if this node did not have it."""
        if self.records.pop(camera_id, None) is None:
            return False
        self.unreported.pop(camera_id, None)
        self.unreleased[camera_id] = None
        return True

    def observe(self, camera_id: str, other: CameraRecord) -> bool:
        """Compare with what the engine says of a camera; return whether this node has lost the camera."""
        self.epochs.observe(other.epoch)
        mine = self.records.get(camera_id)
        if other.node == self.node_id:
            if mine is None:
                self.unreleased[camera_id] = None
            else:
                mine.name = mine.name or other.name
                if other.epoch > mine.epoch:
                    # The answer to this claim is on its way, or was lost.
                    mine.epoch = other.epoch
                    self.unreported[camera_id] = None
            return False
        if mine is None:
            return False
        if other.is_stronger_than(mine):
            del self.records[camera_id]
            self.unreported.pop(camera_id, None)
            return True
        # The engine does not know yet that this node has the camera.
        self.unreported[camera_id] = None
        return False
