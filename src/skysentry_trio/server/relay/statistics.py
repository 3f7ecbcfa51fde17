"""Totals over all cameras and viewers: those that are here now, and those that have left."""

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
    """The hub's totals at one moment."""

    cameras: int
    """Cameras that the hub knows, online or not."""
    online: int
    viewers: int
    ring_bytes: int
    """JPEG bytes in all rings."""
    frames_received: int
    bytes_received: int
    frames_sent: int
    bytes_sent: int
    frames_refused: dict[str, int]
    """Frames that the hub refused, by the code of the refusal."""
    times_ignored: int
    """Accepted frames whose time of capture was wrong and was ignored."""
    frames_superseded: int
    """Frames that a viewer missed because a newer frame came before the viewer was ready."""
    frames_rate_limited: int
    """Frames that a viewer missed because it wants fewer of them or none, or because the camera was forgotten."""
    frames_abandoned: int
    """Frames that still waited for a viewer when the viewer left."""
    notices_dropped: int
    """Notices that a viewer missed because too many notices waited for the viewer."""
    peers_refused: dict[tuple[Role, str], int]
    """Connections of cameras and viewers that the server ended, by cause."""
    messages_ignored: dict[Role, int]
    """Messages of cameras and viewers that the server did not understand."""


@define(eq=False)
class Totals:
    """Sums over some cameras and viewers."""

    frames_received: int = 0
    bytes_received: int = 0
    times_ignored: int = 0
    frames_sent: int = 0
    bytes_sent: int = 0
    frames_superseded: int = 0
    frames_rate_limited: int = 0
    frames_abandoned: int = 0
    notices_dropped: int = 0
    refused: Counter[str] = field(factory=Counter)

    def add_camera(self, camera: HubCamera) -> None:
        """Add the counters of a camera."""
        self.frames_received += camera.frame_count
        self.bytes_received += camera.byte_count
        self.times_ignored += camera.times_ignored
        if camera.refused:  # an update with an empty counter would be the most expensive line here
            self.refused.update(camera.refused)

    def add_outbox(self, outbox: Outbox) -> None:
        """Add the counters of a viewer."""
        self.frames_sent += outbox.sent
        self.bytes_sent += outbox.sent_bytes
        self.frames_superseded += outbox.superseded
        self.frames_rate_limited += outbox.rate_limited
        self.frames_abandoned += outbox.abandoned
        self.notices_dropped += outbox.notices_dropped


@define(eq=False)
class Counters:
    """Sums over cameras and viewers that have left, and the number of connections that the server ended."""

    departed: Totals = field(factory=Totals, init=False)
    peers_refused: Counter[tuple[Role, str]] = field(factory=Counter, init=False)
    messages_ignored: Counter[Role] = field(factory=Counter, init=False)

    def snapshot(
        self, cameras: Collection[HubCamera], outboxes: Collection[Outbox], *, ring_bytes: int
    ) -> HubStatistics:
        """Return the totals over these cameras and viewers, and over all cameras and viewers that have left."""
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
            times_ignored=totals.times_ignored,
            frames_superseded=totals.frames_superseded,
            frames_rate_limited=totals.frames_rate_limited,
            frames_abandoned=totals.frames_abandoned,
            notices_dropped=totals.notices_dropped,
            peers_refused=dict(self.peers_refused),
            messages_ignored=dict(self.messages_ignored),
        )
