"""Reduces quality, then width, then rate when the uplink cannot carry what is wanted, and raises them again later."""

from __future__ import annotations

import math

from attrs import define, field, frozen

PERIOD = 0.5
"""Seconds between two evaluations."""
_PERIODS_TO_FALL = 2
"""Consecutive bad periods after which the uplink counts as too slow; a single bad period may be chance."""
_MIN_FRAMES = 3
"""A period lasts until at least this many frames were offered."""
_BAD_SHARE = 0.1
"""A period is bad if more than this share of its frames was skipped."""
_LONGEST_USEFUL = 5.0
"""Seconds; in a longer period hardly anything is sent, so the period does not show what the link could carry."""
_HEADROOM = 0.9
_DEEPEST_FALL = 0.25
_STEP = 1.2
"""Factor by which one step up raises the share."""
_FIRST_PATIENCE = 4
"""Good periods in a row before a step up to a share that is below the share that failed last."""
_LAST_PATIENCE = 64
"""Maximum number of good periods in a row before the share that failed last is tried again."""
_LEAST_SHARE = 0.005
_PERIODS_TO_PROVE = 2
"""Good periods in a row that prove a share, and that end a stall: then the proven share is used again."""

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
        share: above 0, at most 1.
        encodes: whether the source can change the quality and width of its pictures.
    """
    if not encodes:
        return Reduction(rate=share)
    # Quality and width change in steps, so that a picture does not change its size every second.
    quality = _floor(max(share, _QUALITY_UNTIL), _QUALITY_STEPS)
    width = _floor(math.sqrt(min(1.0, max(share, _WIDTH_UNTIL) / _QUALITY_UNTIL)), _WIDTH_STEPS)
    return Reduction(quality, width, min(1.0, share / _WIDTH_UNTIL))


def _floor(value: float, steps: int) -> float:
    # The small addition corrects the rounding of binary fractions.
    return math.floor(value * steps + 1e-9) / steps


@define(eq=False)
class UplinkController:
    """Decides which share of the wanted bytes is tried: it falls to what the uplink carried, and climbs in steps.

    When a share fails again, twice as many good periods must pass before the controller tries this share the next
    time. A period in which nothing was carried is part of a stall. A stall does not show which share is too large, so
    it causes one fall only, and the share from before the stall is used again soon after the stall.

    ``frontend/src/core/capture/uplink-controller.ts`` is the same controller in TypeScript; both are tested with
    ``tests/golden/uplink.json``.
    """

    share: float = field(default=1.0, init=False)
    _offered: int = field(default=0, init=False)
    _skipped: int = field(default=0, init=False)
    """`_offered` and `_skipped` are the totals at the start of the period."""
    _evaluated_at: float = field(default=-math.inf, init=False)
    _bad: list[float] = field(factory=list, init=False)
    """For each of the last consecutive bad periods, the share of the frames that the uplink carried."""
    _is_settling: bool = field(default=False, init=False)
    """Whether this is the first period after a fall, while frames sent before the fall still fill the link. After a
    stall, this lasts until a period has carried a frame."""
    _good: int = field(default=0, init=False)
    _patience: int = field(default=_FIRST_PATIENCE, init=False)
    """Good periods in a row before the share that failed last is tried again."""
    _ceiling: float = field(default=math.inf, init=False)
    """The share that failed last."""
    _proven: float = field(default=0.0, init=False)
    """The last share that the uplink carried; a stall keeps it. 0 if there is none, or if it has failed since."""

    def begin(self, offered: int, skipped: int) -> None:
        """Begin the first period of a new connection with these totals; keep what is known about shares."""
        self._offered, self._skipped = offered, skipped
        self._bad.clear()
        self._good = 0

    def evaluate(self, offered: int, skipped: int, now: float, *, congested: bool) -> bool:
        """End a period, and return whether the share has changed; call this every ``PERIOD`` seconds.

        Args:
            offered: total of the frames that the source has offered.
            skipped: total of the frames that a newer frame has replaced.
            now: monotonic seconds.
            congested: whether frames queue for the link itself.
        """
        new, lost = offered - self._offered, skipped - self._skipped
        if new < _MIN_FRAMES:
            return False
        length = now - self._evaluated_at
        self._offered, self._skipped, self._evaluated_at = offered, skipped, now
        if self._is_settling:
            self._is_settling = self.share < self._proven and lost >= new
            return False
        if lost > _BAD_SHARE * new:
            self._good = 0
            if not congested:
                self._bad.clear()
                return False
            self._bad.append(1 - lost / new)
            return len(self._bad) >= _PERIODS_TO_FALL and self._fall()
        self._bad.clear()
        if length <= _LONGEST_USEFUL:
            self._good += 1
        if self.share < self._proven:
            return self._good >= _PERIODS_TO_PROVE and self._return()
        if self._good >= _PERIODS_TO_PROVE:
            self._proven = self.share
        patience = _FIRST_PATIENCE if self.share * _STEP < self._ceiling else self._patience
        return self.share < 1 and self._good >= patience and self._climb()

    def _fall(self) -> bool:
        carried, stalled = sum(self._bad) / len(self._bad), self._bad[-1] == 0
        self._bad.clear()
        self._is_settling = True
        if stalled and self._proven > 0:
            before, self.share = self.share, max(_LEAST_SHARE, self.share * _DEEPEST_FALL)
            return self.share != before
        self._proven = 0.0
        fails_again = self.share >= self._ceiling / _STEP
        self._patience = min(_LAST_PATIENCE, self._patience * 2) if fails_again else _FIRST_PATIENCE
        self._ceiling = self.share
        # If only the last step up was too much, the share before this step is known to work.
        factor = 1 / _STEP if carried * _STEP >= _HEADROOM else max(_DEEPEST_FALL, carried * _HEADROOM)
        self.share = max(_LEAST_SHARE, self.share * factor)
        return self.share != self._ceiling

    def _return(self) -> bool:
        """Use the share from before the stall again; only once, in case the link has become narrow."""
        self._good = 0
        self.share, self._proven = self._proven, 0.0
        return True

    def _climb(self) -> bool:
        self._good = 0
        if self.share >= self._ceiling:
            # The share that failed last works now.
            self._ceiling, self._patience = math.inf, _FIRST_PATIENCE
        self.share = min(1.0, self.share * _STEP)
        return True
