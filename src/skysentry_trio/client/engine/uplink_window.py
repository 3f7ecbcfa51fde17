"""How many frames may be on the way to the server: as many as the link carries without queueing, and hardly more."""

from __future__ import annotations

import math
from collections import deque

from attrs import define, field

from skysentry_trio.base.ledbat import TARGET, BaseDelay, off_target

FIRST = 2
"""One frame can be received while the next is being sent."""
LARGEST = 60
"""A second of 60 fps."""
_BASE_PERIOD = 30.0
_BASE_PERIODS = 6
"""The quickest receipt is believed for 3 minutes, so that a longer way is noticed (RFC 6817: some minutes)."""
_FILTERED = 2
"""One slow receipt alone may be the scheduler's doing (CURRENT_FILTER in RFC 6817)."""
_NOTHING_QUEUED = 0.75
"""Share of the target that remains when a window may still double in a round trip."""


@define(eq=False)
class UplinkWindow:
    """Frames that were sent and have no receipt, limited after LEDBAT (RFC 6817), counted in frames instead of bytes.

    What a receipt takes beyond the quickest ever seen is time spent in queues, wherever they are. The window grows
    while that stays below a target and shrinks above it. All times are seconds of one monotonic clock. The same window
    as ``frontend/src/core/capture/uplink-window.ts``; both are tested with ``tests/golden/uplink.json``.
    """

    _size: float = field(default=float(FIRST), init=False)
    _unanswered: deque[tuple[float, float]] = field(factory=deque, init=False, repr=False)
    """Keys of the frames that have no receipt, and when they were sent, oldest first."""
    _filled_at: float = field(default=-math.inf, init=False)
    """When the newest frame that filled the window was sent: receipts up to it tell what a full window does."""
    _shrunk_at: float = field(default=-math.inf, init=False)
    _base: BaseDelay = field(factory=lambda: BaseDelay(_BASE_PERIOD, _BASE_PERIODS), init=False, repr=False)
    _recent: deque[float] = field(factory=lambda: deque(maxlen=_FILTERED), init=False, repr=False)
    """Seconds that the last receipts took."""

    @property
    def size(self) -> int:
        """Frames that may be on the way."""
        return int(self._size)

    @property
    def is_open(self) -> bool:
        """Whether one more frame may be sent."""
        return len(self._unanswered) < self.size

    def send(self, key: float, now: float) -> None:
        """Note that a frame is sent; ``key`` is what its receipt will name."""
        self._unanswered.append((key, now))
        if not self.is_open:
            self._filled_at = now

    def queueing(self, now: float) -> float:
        """Return the seconds that frames spend in queues now."""
        base = self._base.least
        if base == math.inf:
            return 0.0
        # A receipt that is overdue tells as much as one that came late.
        overdue = now - self._unanswered[0][1] - base if self._unanswered else 0.0
        return max(0.0, overdue, min(self._recent, default=base) - base)

    def is_congested(self, now: float) -> bool:
        """Return whether frames wait for the link itself, so that a larger window would not help."""
        return self.queueing(now) >= TARGET / 2

    def note_round_trip(self, seconds: float, now: float) -> None:
        """Note a round trip of a small message: the least is what an empty link takes; less than 0 is ignored."""
        if seconds >= 0:
            self._base.note(seconds, now)

    def take_answer(self, key: float, now: float) -> None:
        """Note an answer; if it is a frame's receipt, that frame and all before it have arrived."""
        if all(sent != key for sent, _ in self._unanswered):
            return
        sent_at = now
        while self._unanswered:
            sent, sent_at = self._unanswered.popleft()
            if sent == key:
                break
        self._base.note(now - sent_at, now)
        self._recent.append(now - sent_at)
        off = off_target(min(self._recent) - self._base.least)
        if off < 0:
            self._shrink(-off, sent_at, now)
        elif sent_at <= self._filled_at:
            # A window that is not used up tells nothing of what a larger one would do. With nothing in the queues it
            # doubles in a round trip, as TCP's does at first.
            self._size = min(LARGEST, self._size + (1 if off > _NOTHING_QUEUED else off / self._size))

    def _shrink(self, share: float, sent_at: float, now: float) -> None:
        """Shrink at most by half, and once in a round trip: the frames already on the way do not know of it."""
        if sent_at <= self._shrunk_at:
            return
        self._size = max(1.0, self._size * (1 - min(0.5, share)))
        self._shrunk_at = now
