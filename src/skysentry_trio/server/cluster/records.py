"""What the engine stores, and the changes that it passes on; lease.lua reads and writes the same JSON."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct


class CameraRecord(Struct, omit_defaults=True, rename={
    "node": "n", "epoch": "e", "holder": "h", "name": "l", "since": "s", "online": "o", "stopped": "x",
    "sequence": "q", "reported": "t", "max_fps": "f",
}):  # fmt: skip
    """Which node has a camera. The names are short, because every change of a camera goes to every node."""

    node: str
    epoch: int
    holder: str = ""
    """Identity of the principal that sends."""
    name: str | None = None
    since: float = 0.0
    online: bool = False
    stopped: bool = False
    sequence: float = 0
    """Sequence of a recent frame. The engine counts in floating point."""
    reported: float = 0
    """When `sequence` was reported, in milliseconds by the clock of the engine."""
    max_fps: float = 0
    """Most frames a second, so that the engine knows a sequence that no frame exceeds."""

    def __post_init__(self) -> None:
        self.sequence = int(self.sequence)

    def is_stronger_than(self, other: CameraRecord) -> bool:
        """Return whether this lease wins: by its epoch, and with the same epoch by the id of its node."""
        return (self.epoch, self.node) > (other.epoch, other.node)


class NodeRecord(Struct, omit_defaults=True, rename={"url": "u", "version": "v", "cameras": "c", "viewers": "w"}):
    """One node."""

    url: str
    version: str = ""
    seen: float = 0
    """When the node last renewed its leases, in milliseconds by the clock of the engine."""
    cameras: int = 0
    """Cameras that are connected to the node."""
    viewers: int = 0
    """Viewers that are connected to the node."""


class CameraChange(Struct, tag="camera", tag_field="k", rename={"camera_id": "c", "record": "r"}):
    """A camera connected, left, or got another name."""

    camera_id: str
    record: CameraRecord


class CameraReleased(Struct, tag="released", tag_field="k", rename={"camera_id": "c", "node": "n"}):
    """A node has forgotten a camera."""

    camera_id: str
    node: str


class NodeJoined(Struct, tag="node", tag_field="k", rename={"node": "n", "record": "r"}):
    """A node has started, or is back."""

    node: str
    record: NodeRecord


class NodeGone(Struct, tag="gone", tag_field="k", rename={"node": "n"}):
    """A node has stopped or does not renew its leases; nobody has its cameras."""

    node: str


Change = CameraChange | CameraReleased | NodeJoined | NodeGone
_decoder: Final = msgspec.json.Decoder(Change)


def decode_change(text: bytes) -> Change:
    """Decode one change.

    Raises:
        msgspec.DecodeError: the text is not a change.
    """
    return _decoder.decode(text)
