"""All that is counted of cameras and viewers, of those who are here and of those who were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Literal

from attrs import define, evolve, field, frozen

from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.outbox import Outbox

Role = Literal["camera", "viewer"]


@frozen
class HubStatistics:
    """All the hub has counted, at one moment."""

    cameras: int
    """Known, live or not."""
    online: int
    viewers: int
    ring_bytes: int
    """JPEG bytes in all rings."""
    frames_received: int
    bytes_received: int
    frames_sent: int
    bytes_sent: int
    frames_refused: dict[str, int]
    """Frames from cameras that were not taken, by cause."""
    frames_superseded: int
    """Frames a viewer did not get because a newer one came before it was ready."""
    frames_rate_limited: int
    """Frames a viewer did not get because it had asked for fewer."""
    frames_abandoned: int
    """Frames that still waited for a viewer when it left."""
    notices_dropped: int
    """News about cameras that a viewer did not get because too much of it waited."""
    peers_refused: dict[tuple[Role, str], int]
    """Cameras and viewers whose connection this side ended, by cause."""


@define(eq=False)
class Totals:
    """What some cameras and viewers have counted."""

    frames_received: int = 0
    bytes_received: int = 0
    frames_sent: int = 0
    bytes_sent: int = 0
    frames_superseded: int = 0
    frames_rate_limited: int = 0
    frames_abandoned: int = 0
    notices_dropped: int = 0
    refused: Counter[str] = field(factory=Counter)

    def add_camera(self, camera: HubCamera) -> None:
        """Add a camera's frames."""
        self.frames_received += camera.frame_count
        self.bytes_received += camera.byte_count
        if camera.refused:  # an update with nothing is the dearest line here
            self.refused.update(camera.refused)

    def add_outbox(self, outbox: Outbox) -> None:
        """Add a viewer's."""
        self.frames_sent += outbox.sent
        self.bytes_sent += outbox.sent_bytes
        self.frames_superseded += outbox.superseded
        self.frames_rate_limited += outbox.rate_limited
        self.frames_abandoned += outbox.abandoned
        self.notices_dropped += outbox.notices_dropped


@define(eq=False)
class Counters:
    """What does not go with those who leave."""

    departed: Totals = field(factory=Totals, init=False)
    peers_refused: Counter[tuple[Role, str]] = field(factory=Counter, init=False)

    def snapshot(
        self, cameras: Collection[HubCamera], outboxes: Collection[Outbox], *, ring_bytes: int
    ) -> HubStatistics:
        """Return all counts, of those who are here, which are given, and of those who were."""
        totals = evolve(self.departed, refused=self.departed.refused.copy())
        for camera in cameras:
            totals.add_camera(camera)
        for outbox in outboxes:
            totals.add_outbox(outbox)
        return HubStatistics(
            cameras=len(cameras),
            online=sum(camera.online for camera in cameras),
            viewers=len(outboxes),
            ring_bytes=ring_bytes,
            frames_received=totals.frames_received,
            bytes_received=totals.bytes_received,
            frames_sent=totals.frames_sent,
            bytes_sent=totals.bytes_sent,
            frames_refused=dict(totals.refused),
            frames_superseded=totals.frames_superseded,
            frames_rate_limited=totals.frames_rate_limited,
            frames_abandoned=totals.frames_abandoned,
            notices_dropped=totals.notices_dropped,
            peers_refused=dict(self.peers_refused),
        )
