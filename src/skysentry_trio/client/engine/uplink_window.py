"""How many frames may be on the way to the server: about as many as the link carries without queueing."""

from __future__ import annotations

import math
from collections import deque

from attrs import define, field

from skysentry_trio.base.ledbat import TARGET, BaseDelay, off_target

FIRST = 2
"""The size at first: the server can receive one frame while we send the next."""
LARGEST = 60
"""The largest size: the frames of one second at 60 fps."""
_BASE_PERIOD = 30.0
_BASE_PERIODS = 6
"""The quickest receipt counts for 3 minutes; then a route that has become longer is noticed (RFC 6817: minutes)."""
_FILTERED = 2
"""The quickest of this many receipts counts: the scheduler may delay a single one (CURRENT_FILTER in RFC 6817)."""
_NOTHING_QUEUED = 0.75
"""While more than this share of the target delay is unused, the window may double in a round trip."""


@define(eq=False)
class UplinkWindow:
    """Limits the frames that were sent and have no receipt, as LEDBAT (RFC 6817) does, in frames instead of bytes.

    If a receipt takes longer than the quickest of the last minutes, the difference is time in queues on the way. The
    window grows while this time is below a target, and shrinks while this time is above the target. All times are
    seconds of one monotonic clock. ``frontend/src/core/capture/uplink-window.ts`` is the same window in TypeScript;
    both are tested with ``tests/golden/uplink.json``.
    """

    _size: float = field(default=float(FIRST), init=False)
    _unanswered: deque[tuple[float, float]] = field(factory=deque, init=False, repr=False)
    """For each frame that has no receipt, its key and when it was sent; the oldest frame first."""
    _filled_at: float = field(default=-math.inf, init=False)
    """When the newest frame that filled the window was sent. Receipts of frames up to this one show what a full window
    does."""
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
        """Note that a frame is sent; the frame's receipt will have the same ``key``."""
        self._unanswered.append((key, now))
        if not self.is_open:
            self._filled_at = now

    def queueing(self, now: float) -> float:
        """Return the seconds that frames spend in queues now."""
        base = self._base.least
        if base == math.inf:
            return 0.0
        # A receipt that is overdue shows queueing just as a receipt that came late does.
        overdue = now - self._unanswered[0][1] - base if self._unanswered else 0.0
        return max(0.0, overdue, min(self._recent, default=base) - base)

    def is_congested(self, now: float) -> bool:
        """Return whether frames wait for the link itself, so that a larger window would not help."""
        return self.queueing(now) >= TARGET / 2

    def note_round_trip(self, seconds: float, now: float) -> None:
        """Note the round trip of a small message; a value below 0 is ignored.

        The least round trip is taken as that of an empty link.
        """
        if seconds >= 0:
            self._base.note(seconds, now)

    def take_answer(self, key: float, now: float) -> None:
        """Note an answer; if the answer is a frame's receipt, this frame and all frames before it have arrived."""
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
            # A window that was not full does not show what a larger window would do. While nothing queues, the window
            # doubles in a round trip, as the window of TCP does at first.
            self._size = min(LARGEST, self._size + (1 if off > _NOTHING_QUEUED else off / self._size))

    def _shrink(self, share: float, sent_at: float, now: float) -> None:
        """Shrink by at most half, and once in a round trip: frames already on the way left before the window shrank."""
        if sent_at <= self._shrunk_at:
            return
        self._size = max(1.0, self._size * (1 - min(0.5, share)))
        self._shrunk_at = now
