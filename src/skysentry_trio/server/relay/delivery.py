"""A frame on its way to viewers, which share its bytes."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from skysentry_trio.base.frames import JpegFrame, RingStatistics

Encoder = Callable[["Delivery"], bytes]


@define(eq=False)
class Delivery:
    """A frame on its way to viewers."""

    camera_id: str
    frame: JpegFrame
    stats: RingStatistics
    live: bool = True
    """False for a frame of a playback."""
    fresh: bool = True
    """False for a frame that comes from the ring and may be old: the age of such a frame is not a latency."""
    encoded: dict[Encoder, bytes] = field(factory=dict, init=False, repr=False)
    """The frame as bytes, by the encoder that made these bytes."""

    def encode(self, encoder: Encoder) -> bytes:
        """Return the frame as bytes; each encoder encodes the frame once, and all viewers share the result."""
        encoded = self.encoded.get(encoder)
        if encoded is None:
            encoded = self.encoded[encoder] = encoder(self)
        return encoded


def encode_nothing(_delivery: Delivery) -> bytes:
    """Return no bytes: for viewers that need the `Delivery` itself and not its bytes."""
    return b""
