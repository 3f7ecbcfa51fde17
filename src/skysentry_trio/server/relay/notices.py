"""What viewers are told besides frames: how a camera is now, and what was found in a frame."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen


# Not frozen: a frozen object takes nearly four times as long to make, and a viewer may subscribe to 10,000 cameras.
@define
class CameraNotice:
    """Tells a viewer that a camera has come online, gone offline, or been removed, or sends other pictures now."""

    camera_id: str
    name: str | None
    online: bool
    removed: bool = False
    stopped: bool = False
    reachable: bool = True
    condition: str | None = None
    """What is wrong with the pictures; None if nothing is."""
    _encoded: bytes | None = field(default=None, init=False, repr=False, eq=False)

    def encode(self, encoder: Callable[[CameraNotice], bytes]) -> bytes:
        """Return the notice as bytes; the first call encodes the notice, and all viewers share the result."""
        if self._encoded is None:
            self._encoded = encoder(self)
        return self._encoded


@frozen
class ResultNotice:
    """A detection result for one frame of a camera."""

    camera_id: str
    sequence: int
    message: bytes
    """The encoded message for viewers."""


Notice = CameraNotice | ResultNotice
NoticeEncoder = Callable[[Notice], bytes]
