"""Says what is wrong with the pictures of a camera: always the same, dark, or covered."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from attrs import define, field

from skysentry_trio.wire.capture import PictureMeasure

_FROZEN_AFTER: Final = 10.0
"""Seconds of pictures that are the same, byte for byte. A lens never sees the same twice; a program that hangs does."""
_DARK: Final = 20.0
"""A picture is dark if the mean of its points, from 0 to 255, is below this."""
_FLAT: Final = 4.0
"""Nothing can be seen in a picture if the standard deviation of its points is below this."""
_LASTS: Final = 3.0
"""Seconds for which the pictures are dark or covered before the camera counts as dark or covered."""


class Condition(StrEnum):
    """What is wrong with the pictures of a camera."""

    FROZEN = "frozen"
    """Every picture is the same, byte for byte."""
    DARK = "dark"
    COVERED = "covered"
    """The picture is bright, but nothing can be seen in it."""


@define(eq=False)
class PictureCondition:
    """The condition of one camera; all times are in seconds of the monotonic clock."""

    _jpeg: bytes = field(default=b"", init=False, repr=False)
    _same_since: float = field(default=0.0, init=False)
    _same: int = field(default=0, init=False)
    """Number of pictures that were the same as the one before."""
    _bad: Condition | None = field(default=None, init=False)
    """The condition of the last picture that was measured; None if nothing was wrong with it."""
    _bad_since: float = field(default=0.0, init=False)
    _last_at: float = field(default=0.0, init=False)
    """When the last frame came."""

    def note_frame(self, jpeg: bytes, now: float) -> bool:
        """Compare a frame with the one before; different sizes, which most frames have, cost nothing.

        Returns:
            Whether something may be wrong; if not, `current` is None.
        """
        before, self._jpeg, self._last_at = self._jpeg, jpeg, now
        # The same object is a picture that the camera has left out because the scene is still.
        if jpeg is not before and jpeg == before:
            self._same += 1
        else:
            self._same, self._same_since = 0, now
        return self._same > 1 or self._bad is not None

    def note_measure(self, measure: PictureMeasure, now: float) -> None:
        """Take what the camera has measured."""
        bad = None
        if measure.brightness is not None and measure.contrast is not None:
            if measure.brightness < _DARK:
                bad = Condition.DARK
            elif measure.contrast < _FLAT:
                bad = Condition.COVERED
        if bad is not self._bad:
            self._bad, self._bad_since = bad, now

    def forget_measure(self) -> None:
        """Forget what the camera has measured: it has connected again, and may measure no more."""
        self._bad = None

    @property
    def current(self) -> Condition | None:
        """The condition at the time of the last frame; None if nothing is wrong."""
        if self._same > 1 and self._last_at - self._same_since >= _FROZEN_AFTER:
            return Condition.FROZEN
        return self._bad if self._last_at - self._bad_since >= _LASTS else None
