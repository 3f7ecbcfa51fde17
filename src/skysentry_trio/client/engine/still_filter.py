"""What a camera measures in its pictures, and which still pictures it leaves out."""

from __future__ import annotations

import math
from collections.abc import Collection
from enum import Enum, auto
from functools import partial
from typing import Final

import trio
from attrs import define, field
from PIL import Image

from skysentry_trio.client.engine.change_meter import ChangeMeter, looks_same
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.thumbnail import make_thumbnail
from skysentry_trio.wire.capture import PictureMeasure

_OFTEN: Final = 0.1
"""Seconds between two measurements, if the server wants to know the change with each frame."""
_RARELY: Final = 2.0
"""Seconds between two measurements otherwise: whether the camera is dark or covered."""
_SAME_EVERY: Final = 0.2
"""Seconds between two messages that the picture is still the same."""
_WHOLE_EVERY: Final = 10.0
"""Seconds after which a frame is sent even if the picture is still the same."""
_TOLERANCE: Final = 0.5
"""Of an interval: frames never come exactly on time."""


class FrameChoice(Enum):
    """What to send of a frame."""

    WHOLE = auto()
    SAME = auto()
    """Only the message that the picture is still the same."""
    NOTHING = auto()


@define(eq=False)
class StillFilter:
    """Looks at the frames of one connection; times are in seconds of the monotonic clock."""

    capabilities: Collection[str] = ()
    """Of the server."""
    leaves_out: bool = False
    """Whether still pictures are left out, if the server knows this."""
    _meter: ChangeMeter = field(factory=ChangeMeter, init=False, repr=False)
    _limiter: trio.CapacityLimiter = field(factory=partial(trio.CapacityLimiter, 1), init=False, repr=False)
    _measured_at: float = field(default=-math.inf, init=False)
    _sent: Image.Image | None = field(default=None, init=False, repr=False)
    """The last picture that was sent whole."""
    _target: EncoderTarget | None = field(default=None, init=False)
    """With which it was made."""
    _whole_at: float = field(default=-math.inf, init=False)
    _said_at: float = field(default=-math.inf, init=False)

    async def look(self, jpeg: bytes, target: EncoderTarget, now: float) -> tuple[FrameChoice, PictureMeasure | None]:
        """Return what to send of a frame, and what is measured in it; None if it is not time for a measurement.

        Args:
            jpeg: of the frame.
            target: with which the frame was made.
            now: the time.
        """
        skips = self.leaves_out and "same" in self.capabilities
        is_due = "change" in self.capabilities and now - self._measured_at >= self._interval * (1 - _TOLERANCE)
        if not skips and not is_due:
            return FrameChoice.WHOLE, None
        # Decoding takes a few milliseconds, for which other tasks should not wait.
        picture = await trio.to_thread.run_sync(make_thumbnail, jpeg, limiter=self._limiter)
        if picture is None:
            return FrameChoice.WHOLE, None
        sending = self._choose(picture, target, now) if skips else FrameChoice.WHOLE
        if sending is FrameChoice.NOTHING:
            # What is measured in it would be lost.
            return sending, None
        self._said_at, measure = now, None
        if is_due:
            self._measured_at = now
            measure = self._meter.measure(picture, now)
        if sending is FrameChoice.WHOLE:
            self._sent, self._target, self._whole_at = picture, target, now
        return sending, measure

    @property
    def _interval(self) -> float:
        return _OFTEN if "motion" in self.capabilities else _RARELY

    def _choose(self, picture: Image.Image, target: EncoderTarget, now: float) -> FrameChoice:
        if (
            self._sent is None
            or target != self._target
            or now - self._whole_at >= _WHOLE_EVERY
            or not looks_same(self._sent, picture)
        ):
            return FrameChoice.WHOLE
        return FrameChoice.SAME if now - self._said_at >= _SAME_EVERY * (1 - _TOLERANCE) else FrameChoice.NOTHING
