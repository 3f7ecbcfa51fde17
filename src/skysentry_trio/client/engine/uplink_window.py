"""How many frames may be under way at once, so that no queue builds up on the way to the server."""

from __future__ import annotations

from collections import deque

from attrs import define, field

from skysentry_trio.base.ledbat import TARGET, BaseDelay, off_target

SMALLEST = 2
"""One frame being received while the next is being sent keeps a link busy."""
LARGEST = 32
_BASE_PERIOD = 60.0
_BASE_PERIODS = 10
"""The least delay of ten minutes counts as that of an empty link, as RFC 6817 recommends in section 2.5."""


@define(eq=False)
class UplinkWindow:
    """Frames that were sent and not answered, after LEDBAT (RFC 6817) counted in frames.

    The window grows by one a round trip while it is what limits us and the delay is below the target, so that a long
    and wide link is filled; it shrinks as soon as the delay says that frames wait in a queue.
    """

    _size: float = field(default=float(SMALLEST), init=False)
    _unanswered: deque[tuple[float, float]] = field(factory=deque, init=False, repr=False)
    _base: BaseDelay = field(factory=lambda: BaseDelay(_BASE_PERIOD, _BASE_PERIODS), init=False, repr=False)
    delay: float | None = field(default=None, init=False)
    """Seconds that the frame answered last took longer than the fastest message."""

    @property
    def size(self) -> int:
        """Frames that may be under way."""
        return int(self._size)

    @property
    def is_open(self) -> bool:
        """Whether one more frame may be sent."""
        return len(self._unanswered) < self.size

    def send(self, key: float, now: float) -> None:
        """Say that a frame goes out now; ``key`` is what its answer will name."""
        self._unanswered.append((key, now))

    def is_congested(self, now: float) -> bool:
        """Say whether the link itself is what is too slow, so that a larger window would not help."""
        if self.delay is None:
            return False
        waiting = now - self._unanswered[0][1] - self._base.least if self._unanswered else 0.0
        return max(self.delay, waiting) >= TARGET / 2

    def note_round_trip(self, seconds: float, now: float) -> None:
        """Take any round trip into account for what an empty link takes."""
        self._base.note(seconds, now)

    def take_answer(self, key: float, now: float) -> None:
        """Say that an answer came; if it is one to a frame, that one and all before it have arrived."""
        if all(sent != key for sent, _ in self._unanswered):
            return
        was_full = not self.is_open
        sent_at = now
        while self._unanswered:
            sent, sent_at = self._unanswered.popleft()
            if sent == key:
                break
        self.note_round_trip(now - sent_at, now)
        self.delay = now - sent_at - self._base.least
        change = off_target(self.delay)
        if change < 0 or was_full:
            self._size = min(LARGEST, max(SMALLEST, self._size + change / self._size))
