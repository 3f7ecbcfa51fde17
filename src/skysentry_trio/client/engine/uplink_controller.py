"""Reduces quality, then width, then rate when the uplink cannot carry what is wanted, and takes them back."""

from __future__ import annotations

import math

from attrs import define, field, frozen

PERIOD = 0.5
"""Seconds between two evaluations."""
_PERIODS_TO_FALL = 2
"""Consecutive bad periods after which the uplink counts as too slow; a single one may be a hiccup."""
_MIN_FRAMES = 3
"""A period lasts until at least this many frames were offered."""
_BAD_SHARE = 0.1
"""Share of the frames skipped that makes a period a bad one."""
_HEADROOM = 0.9
_DEEPEST_FALL = 0.25
_CLIMB = 1.2
_FIRST_PATIENCE = 4
"""Good periods in a row before a step up is tried."""
_LAST_PATIENCE = 64
_LEAST = 0.005

# The bytes of a JPEG are about proportional to its quality, and to the square of its width.
_QUALITY_UNTIL = 0.5
_WIDTH_UNTIL = 0.125
_QUALITY_STEPS = 20
_WIDTH_STEPS = 8


@frozen
class Reduction:
    """Factors for the wanted quality, width and rate."""

    quality: float = 1.0
    width: float = 1.0
    rate: float = 1.0


NO_REDUCTION = Reduction()


def reduction_for(share: float, *, encodes: bool) -> Reduction:
    """Return the reduction that leaves about this share of the bytes.

    Args:
        share: above 0 to 1.
        encodes: whether the source can change the quality and width of its pictures.
    """
    if not encodes:
        return Reduction(rate=share)
    # In steps, so that a picture does not change its size every second.
    quality = _floor(max(share, _QUALITY_UNTIL), _QUALITY_STEPS)
    width = _floor(math.sqrt(min(1.0, max(share, _WIDTH_UNTIL) / _QUALITY_UNTIL)), _WIDTH_STEPS)
    return Reduction(quality, width, min(1.0, share / _WIDTH_UNTIL))


def _floor(value: float, steps: int) -> float:
    # The small addition corrects the rounding of binary fractions.
    return math.floor(value * steps + 1e-9) / steps


@define(eq=False)
class UplinkController:
    """The share of the wanted bytes that is tried: falls to what was carried, climbs back a step at a time.

    A step that turns out to be too much is taken back, and the next one is tried twice as late.
    """

    share: float = field(default=1.0, init=False)
    _offered: int = field(default=0, init=False)
    _skipped: int = field(default=0, init=False)
    """Totals when the period began."""
    _bad: list[float] = field(factory=list, init=False)
    """Shares that bad periods in a row have carried."""
    _good: int = field(default=0, init=False)
    _patience: int = field(default=_FIRST_PATIENCE, init=False)
    _fresh_climbs: int = field(default=0, init=False)
    """Steps climbed since the last fall."""

    def begin(self, offered: int, skipped: int) -> None:
        """Begin a period with these totals; what is known of the share stays."""
        self._offered, self._skipped = offered, skipped
        self._bad.clear()
        self._good = 0

    def evaluate(self, offered: int, skipped: int, *, congested: bool) -> bool:
        """End a period, and say whether the share has changed.

        Args:
            offered: frames there have been for sending, in all.
            skipped: those of them that a newer one has replaced, in all.
            congested: whether they waited for the link itself.
        """
        new, lost = offered - self._offered, skipped - self._skipped
        if new < _MIN_FRAMES:
            return False
        self._offered, self._skipped = offered, skipped
        if congested and lost > _BAD_SHARE * new:
            self._good = 0
            self._bad.append(1 - lost / new)
            return len(self._bad) >= _PERIODS_TO_FALL and self._fall()
        self._bad.clear()
        self._good += 1
        return self.share < 1 and not congested and self._good >= self._patience and self._climb()

    def _fall(self) -> bool:
        carried = sum(self._bad) / len(self._bad)
        self._bad.clear()
        if self._fresh_climbs == 1:
            self._patience = min(_LAST_PATIENCE, self._patience * 2)
        elif self._fresh_climbs > 1:
            self._patience = _FIRST_PATIENCE
        self._fresh_climbs = 0
        factor = min(_HEADROOM, max(_DEEPEST_FALL, carried * _HEADROOM))
        self.share = max(_LEAST, self.share * factor)
        return True

    def _climb(self) -> bool:
        self._good = 0
        self._fresh_climbs += 1
        if self._fresh_climbs > 1:
            self._patience = _FIRST_PATIENCE
        self.share = min(1.0, self.share * _CLIMB)
        return True
