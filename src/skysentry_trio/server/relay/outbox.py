"""What waits for one viewer: at most one frame of each camera, the newest, and notices."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import TypeVar

import trio
from attrs import define, field

from skysentry_trio.base.sink import NO_SINK, NOTHING, PART, FrameSink
from skysentry_trio.server.relay.ack_window import AckWindow, SentFrame
from skysentry_trio.server.relay.delivery import Delivery, Encoder, encode_nothing
from skysentry_trio.server.relay.fair_queue import FairQueue
from skysentry_trio.server.relay.notices import CameraNotice, Notice, NoticeEncoder, ResultNotice

K = TypeVar("K")
N = TypeVar("N")

_POSTPONED_AT_ONCE = 64
"""Most cameras whose newest frame is offered before the viewer's task sends something or yields to the scheduler."""
_MAX_RESULTS = 64
"""Most detection results that wait for one viewer: those of one camera for about two seconds."""


def _offer_nothing(_camera_id: str) -> None:
    pass


class PartialWrite:
    """Says that the sink has sent only the first part of a frame: the rest must be sent before anything else."""


@define(eq=False)
class Outbox:
    """What waits for one viewer: at most one frame of each camera, the newest, and notices.

    If the previous frame of a camera still waits, a new frame of the same camera replaces it. The cameras share the
    connection fairly, whatever their rates are, and `offer` never waits.

    One task of the viewer calls `receive`, which sleeps while nothing may be sent. Every method after which something
    may be sent wakes this task, except those for notices, because one notice may be for thousands of viewers. If the
    task sleeps and nothing waits, `offer` sends a frame to the sink itself, and so does `send_notice` a notice.

    From the viewer's first acknowledgement on, a window limits the number of unacknowledged frames.
    """

    capacity: int
    """Most cameras whose frames can wait at the same time."""
    encode: Encoder = encode_nothing
    """Encodes a frame for the sink."""
    sink: FrameSink = NO_SINK
    """Sends an encoded frame or notice if that is possible without waiting."""
    make_window: Callable[[], AckWindow] = AckWindow
    """Makes the window with the first acknowledgement."""
    encode_notice: NoticeEncoder | None = None
    """Encodes a notice for the sink; None if only the viewer's task may send notices."""
    sent: int = field(default=0, init=False)
    """Frames that were sent to the viewer."""
    sent_bytes: int = field(default=0, init=False)
    """JPEG bytes in the sent frames."""
    superseded: int = field(default=0, init=False)
    """Frames dropped because a newer one of the same camera came before the viewer was ready."""
    rate_limited: int = field(default=0, init=False)
    """Frames dropped because the viewer wants fewer of them or none, or because the camera was forgotten."""
    abandoned: int = field(default=0, init=False)
    """Frames that still waited when the viewer left."""
    notices_dropped: int = field(default=0, init=False)
    """Notices dropped, the oldest first, because too many waited."""
    window: AckWindow | None = field(default=None, init=False)
    """The unacknowledged frames; None before the first acknowledgement, when only the socket limits the sending."""
    _asleep: bool = field(default=False, init=False)
    """Whether the viewer's task sleeps in `receive`, and was not woken."""
    _idle: bool = field(default=False, init=False)
    """Whether the viewer's task sleeps in `receive` and nothing waits for the viewer."""
    _partial: bool = field(default=False, init=False)
    """Whether the rest of a frame must be sent before anything else."""
    _waiting: dict[str, Delivery] = field(factory=dict, init=False, repr=False)
    _queue: FairQueue = field(factory=FairQueue, init=False, repr=False)
    """The order in which the cameras of `_waiting` are served."""
    _notices: dict[str, CameraNotice] = field(factory=dict, init=False, repr=False)
    _results: dict[tuple[str, int], ResultNotice] = field(factory=dict, init=False, repr=False)
    _frames_first: int = field(default=0, init=False)
    """Number of frames to send before the notices, because these frames waited first: so neither kind waits long."""
    _postponed: dict[str, None] = field(factory=dict, init=False, repr=False)
    """Ids of cameras whose newest frame is still to be offered, because the viewer has subscribed to many at once."""
    _offer_postponed: Callable[[str], None] = field(default=_offer_nothing, init=False, repr=False)
    """Offers the newest frame of a camera from `_postponed`."""
    _sleeper: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False, repr=False)
    _sleep: trio.CancelScope = field(factory=trio.CancelScope, init=False, repr=False)
    """The scope in which the viewer's task sleeps; the deadline is the time when the window gives up a frame."""

    def offer(self, delivery: Delivery, now: float) -> None:
        """Send a frame now, or let it wait as its camera's newest; ``now`` is in seconds of the monotonic clock."""
        window = self.window
        if self._idle and (window is None or window.admits(now)):
            encoder = self.encode
            result = self.sink.try_send(delivery.encoded.get(encoder) or delivery.encode(encoder))
            if result is not NOTHING:
                self.sent += 1
                self.sent_bytes += len(delivery.frame.jpeg)
                if window is not None:
                    # `now` is the time when the frame came. Encoding and sending have taken time since.
                    window.sent(delivery.camera_id, delivery.frame, trio.current_time(), fresh=delivery.fresh)
                if result is PART:
                    self._partial = True
                    self.wake()
                return
        camera_id = delivery.camera_id
        if self._postponed:
            self._postponed.pop(camera_id, None)
        if camera_id in self._waiting:
            self.superseded += 1
            self._waiting[camera_id] = delivery
        elif len(self._waiting) == self.capacity:
            self.superseded += 1
        else:
            self._queue.join(camera_id)
            self._waiting[camera_id] = delivery
            self._reconsider(now)

    def postpone(self, camera_ids: Iterable[str], offer: Callable[[str], None]) -> None:
        """Let the viewer's task offer the newest frames of cameras, a few at a time, while it sends what waits.

        Args:
            camera_ids: ids of the cameras.
            offer: offers the newest frame of a camera to this outbox, if there is a frame.
        """
        self._postponed.update(dict.fromkeys(camera_ids))
        self._offer_postponed = offer
        self.wake()

    def acknowledge(self, camera_id: str, sequence: int, now: float) -> SentFrame | None:
        """Take an acknowledgement of a frame, and of all frames of its camera that were sent before.

        Returns:
            The frame as it was sent; None if it was sent before the first acknowledgement, or too long ago.
        """
        if self.window is None:
            self.window = self.make_window()
        acknowledged = self.window.acknowledge(camera_id, sequence, now)
        self._reconsider(now)
        return acknowledged

    def notify(self, notice: CameraNotice) -> None:
        """Queue a notice about a camera, which replaces an earlier one about the camera; then call `send_notice`."""
        # Notices may be about more cameras than exist: cameras may come and leave faster than this viewer reads.
        self._put(self._notices, notice.camera_id, notice, self.capacity)

    def notify_many(self, notices: Mapping[str, CameraNotice]) -> None:
        """Queue notices by camera id as `notify` does; then call `wake`."""
        waiting = self._notices
        self._begin_notices()
        waiting.update(notices)
        if (excess := len(waiting) - self.capacity) > 0:
            for camera_id in list(islice(waiting, excess)):
                del waiting[camera_id]
            self.notices_dropped += excess

    def notify_result(self, notice: ResultNotice) -> None:
        """Queue a detection result, which replaces an earlier one for the same frame; then call `send_notice`."""
        self._put(self._results, (notice.camera_id, notice.sequence), notice, _MAX_RESULTS)

    def _put(self, waiting: dict[K, N], key: K, notice: N, capacity: int) -> None:
        self._begin_notices()
        if len(waiting) == capacity and key not in waiting:
            del waiting[next(iter(waiting))]
            self.notices_dropped += 1
        waiting[key] = notice

    def send_notice(self) -> None:
        """Send a queued notice if nothing else waits and the viewer's task sleeps; otherwise wake the task."""
        notices: list[Notice] = [*self._notices.values(), *self._results.values()]
        if len(notices) == 1 and not self._waiting and self._asleep and self.encode_notice is not None:
            result = self.sink.try_send(self.encode_notice(notices[0]))
            if result is not NOTHING:
                self._notices.clear()
                self._results.clear()
                self._partial = result is PART
                self._idle = True
                if not self._partial:
                    return
        self.wake()

    def _begin_notices(self) -> None:
        """Prepare for notices: frames that come from now on wait behind them."""
        if not self._notices and not self._results:
            self._frames_first = len(self._waiting)
        self._idle = False

    def forget(self, camera_id: str) -> None:
        """Drop the waiting frame of a camera, and expect no acknowledgements of the camera's frames."""
        self.forget_many({camera_id})

    def forget_many(self, camera_ids: AbstractSet[str]) -> None:
        """Forget cameras, as `forget` does."""
        self._queue.forget_many(camera_ids)
        dropped = self._waiting.keys() & camera_ids
        for camera_id in dropped:
            del self._waiting[camera_id]
        for camera_id in self._postponed.keys() & camera_ids:
            del self._postponed[camera_id]
        self.rate_limited += len(dropped)
        self._frames_first = min(self._frames_first, len(self._waiting))
        if self.window is not None:
            self.window.forget_many(camera_ids)
            self._reconsider(trio.current_time())

    def forget_all(self, *, except_of: Collection[str] = ()) -> None:
        """Forget all cameras except the given cameras, as `forget` does."""
        kept = frozenset(except_of)
        self.forget_many((self._waiting.keys() | self._postponed.keys()) - kept)
        if self.window is not None:
            self.window.forget_all(except_of=kept)
            self._reconsider(trio.current_time())

    @property
    def waiting(self) -> Mapping[str, Delivery]:
        """The frames that wait for the viewer, by camera id."""
        return self._waiting

    @property
    def unacked(self) -> int:
        """Number of frames that were not acknowledged in time; 0 if the viewer has never acknowledged a frame."""
        return 0 if self.window is None else self.window.unacked

    def abandon(self) -> None:
        """Count and drop the frames that still wait, because the viewer has left."""
        self.abandoned = len(self._waiting)
        self._waiting.clear()
        self._queue = FairQueue()
        self._postponed.clear()
        self._offer_postponed = _offer_nothing

    async def receive(self) -> Delivery | PartialWrite | list[Notice]:
        """Wait for something to send: a frame, the rest of a frame, or notices. Cancelling this loses nothing."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while (work := self._next()) is None:
            if self._postponed:
                # None of the cameras that were looked at has a frame for this viewer.
                await trio.lowlevel.checkpoint()
                continue
            self._asleep, self._idle = True, not self._waiting
            try:
                with trio.CancelScope(deadline=self._gives_up_at) as self._sleep:
                    await self._sleeper.park()
            finally:
                self._asleep = self._idle = False
        return work

    def _next(self) -> Delivery | PartialWrite | list[Notice] | None:
        """Remove from the outbox what is to be sent next, and return it; return None if nothing may be sent now."""
        if self._partial:
            self._partial = False
            return PartialWrite()
        if self._postponed:
            self._look_at_postponed()
        has_notices = bool(self._notices or self._results)
        if (self._frames_first or not has_notices) and self._waiting and self._may_send(now := trio.current_time()):
            self._frames_first = max(0, self._frames_first - 1)
            return self._take(self._queue.take(), now)
        if not has_notices:
            return None
        notices: list[Notice] = [*self._notices.values(), *self._results.values()]
        self._notices.clear()
        self._results.clear()
        return notices

    def _look_at_postponed(self) -> None:
        for camera_id in list(islice(self._postponed, _POSTPONED_AT_ONCE)):
            # At least one, so that cameras that always have new frames do not keep the postponed ones back.
            del self._postponed[camera_id]
            self._offer_postponed(camera_id)
            if len(self._waiting) >= _POSTPONED_AT_ONCE:
                break

    def _take(self, camera_id: str, now: float) -> Delivery:
        delivery = self._waiting.pop(camera_id)
        self.sent += 1
        self.sent_bytes += len(delivery.frame.jpeg)
        if self.window is not None:
            self.window.sent(camera_id, delivery.frame, now, fresh=delivery.fresh)
        return delivery

    def _may_send(self, now: float) -> bool:
        return self.window is None or self.window.admits(now)

    @property
    def _gives_up_at(self) -> float:
        """Until when waiting frames wait for acknowledgements; infinite if no frame waits or there is no window."""
        return self.window.gives_up_at if self.window is not None and self._waiting else math.inf

    def _reconsider(self, now: float) -> None:
        """Wake the viewer's task if a waiting frame may be sent now; otherwise adjust how long the task sleeps."""
        self._idle = self._idle and not self._waiting
        if self._waiting and self._may_send(now):
            self.wake()
        elif (deadline := self._gives_up_at) != self._sleep.deadline:
            self._sleep.deadline = deadline

    def wake(self) -> None:
        """Let the viewer's task look for something to send."""
        self._asleep = self._idle = False
        self._sleeper.unpark_all()
