"""Estimate the server's clock from the server's answers: the answer whose possible error is smallest counts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field, frozen

from skysentry_trio.wire.messages import Clock, ClockReply, encode_message

_DRIFT = 50e-6
"""Seconds by which two clocks may drift apart in one second; ordinary crystals drift half as much."""
_SLACK = 0.001
"""Seconds by which answers may contradict each other although the server's clock was not set."""
_MAX_UNANSWERED = 256
_MAX_CAMERAS = 10_000
"""Maximum number of cameras whose last age is kept."""
_FIRST_QUESTIONS = 4
_FIRST_PAUSE = 0.2
_PAUSE = 15.0
"""Seconds between two requests, after the first few."""
_SHORTEST_PAUSE = 1.0
"""Seconds between two requests if frames show that one of the clocks was set."""
LATEST = 1e11
"""Seconds since the epoch; no clock shows more. Programs could not count with what a server may send."""
_JUMP = 1.0
"""Seconds by which the age of a camera's frames may change from one frame to the next one."""


@frozen
class _Exchange:
    offset: float
    """Seconds since the epoch by the server's clock, minus our monotonic clock."""
    round_trip: float
    at: float

    def uncertainty(self, now: float) -> float:
        return self.round_trip / 2 + _DRIFT * (now - self.at)


@define(eq=False)
class ServerClock:
    """The server's clock; local times are seconds of one monotonic clock."""

    _asked: deque[tuple[float, float]] = field(factory=lambda: deque(maxlen=_MAX_UNANSWERED), init=False, repr=False)
    _best: _Exchange | None = field(default=None, init=False)
    doubted: trio.Event = field(factory=trio.Event, init=False, repr=False)
    """Set when the server should be asked again soon."""
    _ages: dict[str, float] = field(factory=dict, init=False, repr=False)

    @property
    def is_known(self) -> bool:
        """Whether the server has answered."""
        return self._best is not None

    def ask(self, now: float, wall_clock: float) -> Clock:
        """Return the request to be sent now; ``wall_clock`` is in seconds since the epoch."""
        question = Clock(round(wall_clock * 1000, 3))
        self._asked.append((question.sent_at, now))
        return question

    def take_answer(self, reply: ClockReply, now: float) -> float | None:
        """Take an answer; return the seconds of the round trip, None for an answer without a request.

        Answers come in the order of the requests. So a request before the answered one will get no answer any more.
        """
        if all(sent_at != reply.sent_at for sent_at, _ in self._asked):
            return None
        while True:
            sent_at, asked = self._asked.popleft()
            if sent_at == reply.sent_at:
                break
        if not 0 <= reply.server_at <= LATEST * 1000:
            return now - asked
        exchange = _Exchange(reply.server_at / 1000 - (asked + now) / 2, now - asked, now)
        if self._best is None or self._replaces(self._best, exchange, now):
            self._best = exchange
        return exchange.round_trip

    def epoch(self, now: float) -> float | None:
        """Return seconds since the epoch by the server's clock; None while unknown."""
        return None if self._best is None else now + self._best.offset

    def uncertainty(self, now: float) -> float:
        """Return the largest possible error of the estimate in seconds; 0 while the clock is unknown."""
        return 0.0 if self._best is None else self._best.uncertainty(now)

    def check(self, camera_id: str, received_at: float, now: float) -> None:
        """Compare the estimate with a frame; `doubted` is set if one of the clocks seems to have been set.

        Args:
            camera_id: of the frame.
            received_at: when the server received the frame, in seconds since the epoch.
            now: when the frame arrived here.
        """
        if (epoch := self.epoch(now)) is None:
            return
        age = epoch - received_at
        previous = self._ages.get(camera_id, max(age, 0.0))
        # A frame cannot arrive before the server has it. Ages grow when the network is slow, but rarely at once.
        if age < -_JUMP or abs(age - previous) > _JUMP:
            self.doubted.set()
        if len(self._ages) >= _MAX_CAMERAS:
            self._ages.clear()
        self._ages[camera_id] = age

    @staticmethod
    def _replaces(best: _Exchange, newer: _Exchange, now: float) -> bool:
        allowed = best.uncertainty(now) + newer.uncertainty(now) + _SLACK
        # Offsets that differ by more cannot both be right, so the server's clock was set.
        was_set = abs(newer.offset - best.offset) > allowed
        return was_set or newer.uncertainty(now) <= best.uncertainty(now)


async def keep_asking(
    clock: ServerClock,
    send: Callable[[str], Awaitable[None]],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Send clock requests until cancelled.

    The first few requests are 0.2 s apart, because the link is likely to be idle then. The later ones are 15 s apart,
    or 1 s if `ServerClock.check` doubts the estimate.

    Args:
        clock: makes the requests; the caller passes the server's answers to `ServerClock.take_answer`.
        send: sends a text message.
        task_status: ``started()`` is called when the first request has been sent.
    """
    asked = 0
    while True:
        await send(encode_message(clock.ask(trio.current_time(), time.time())))
        asked += 1
        if asked == 1:
            task_status.started()
        if asked <= _FIRST_QUESTIONS:
            await trio.sleep(_FIRST_PAUSE)
            continue
        await trio.sleep(_SHORTEST_PAUSE)
        with trio.move_on_after(_PAUSE - _SHORTEST_PAUSE):
            await clock.doubted.wait()
        clock.doubted = trio.Event()
