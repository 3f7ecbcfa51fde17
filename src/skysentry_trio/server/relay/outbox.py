"""What waits for one viewer: at most one frame of each camera, the newest, and notices."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import trio
from attrs import define, field, frozen

from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.base.sink import NO_SINK, NOTHING, PART, FrameSink
from skysentry_trio.server.relay.ack_window import AckWindow, SentFrame
from skysentry_trio.server.relay.fair_queue import FairQueue

K = TypeVar("K")
N = TypeVar("N")
Encoder = Callable[["Delivery"], bytes]

_MAX_RESULTS = 64
"""Detection results that wait for one viewer: about two seconds of one camera's."""


def encode_nothing(_delivery: Delivery) -> bytes:
    """Return no bytes: for viewers that take a delivery as it is."""
    return b""


@define(eq=False)
class Delivery:
    """A frame on its way to viewers."""

    camera_id: str
    frame: JpegFrame
    stats: RingStatistics
    live: bool = True
    """False for a frame of a playback."""
    fresh: bool = True
    """False for a frame that is older than the viewer's wish to see it: its age is no latency."""
    encoded: dict[Encoder, bytes] = field(factory=dict, init=False, repr=False)
    """The frame as bytes, by the encoder that made them."""

    def encode(self, encoder: Encoder) -> bytes:
        """Return the frame as bytes; each encoder runs once, however many viewers share it."""
        encoded = self.encoded.get(encoder)
        if encoded is None:
            encoded = self.encoded[encoder] = encoder(self)
        return encoded


@frozen
class CameraNotice:
    """Tells a viewer that a camera has come online, gone offline, or been removed."""

    camera_id: str
    name: str | None
    online: bool
    removed: bool = False


@frozen
class ResultNotice:
    """A detection result for one frame of a camera."""

    camera_id: str
    sequence: int
    message: bytes
    """The encoded message for viewers."""


Notice = CameraNotice | ResultNotice


class PartialWrite:
    """A frame whose first part was sent at once, and whose rest must be sent before anything else."""


@define(eq=False)
class Outbox:
    """The newest frame of each camera that one viewer has not been sent yet, and its notices.

    A frame that comes before the viewer has taken the previous one replaces it. So a viewer is never more than one
    frame per camera behind, cameras share the connection fairly whatever their rates, and `offer` never waits.

    The state is the queue: `receive` looks at it, and sleeps while nothing may be sent. Every method that may change
    the answer wakes it. If the viewer sleeps and its queue is empty, `offer` sends the frame itself.

    From the viewer's first acknowledgement on, its window limits the frames that are unacknowledged.
    """

    capacity: int
    """Cameras that can wait at the same time."""
    encode: Encoder = encode_nothing
    """Encodes a frame for the sink."""
    sink: FrameSink = NO_SINK
    """Sends an encoded frame at once if that is possible."""
    sent: int = field(default=0, init=False)
    """Frames that the viewer was sent."""
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
    """The unacknowledged frames; None for a viewer that acknowledges nothing and is paced by its socket."""
    _idle: bool = field(default=False, init=False)
    """Whether the viewer sleeps in `receive` and nothing waits for it."""
    _partial: bool = field(default=False, init=False)
    """Whether the rest of a frame must be sent before anything else."""
    _waiting: dict[str, Delivery] = field(factory=dict, init=False, repr=False)
    _queue: FairQueue = field(factory=FairQueue, init=False, repr=False)
    """The order in which the cameras of `_waiting` are served."""
    _notices: dict[str, CameraNotice] = field(factory=dict, init=False, repr=False)
    _results: dict[tuple[str, int], ResultNotice] = field(factory=dict, init=False, repr=False)
    _frames_first: int = field(default=0, init=False)
    """Frames that go before the notices, because they waited first; so neither keeps the other waiting for long."""
    _sleeper: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False, repr=False)
    _sleep: trio.CancelScope = field(factory=trio.CancelScope, init=False, repr=False)
    """The scope in which the viewer sleeps; its deadline is when the window gives up."""

    def offer(self, delivery: Delivery, now: float) -> None:
        """Make a frame the next of its camera to be sent; ``now`` is in seconds of the monotonic clock."""
        window = self.window
        if self._idle and (window is None or window.admits(now)):
            encoder = self.encode
            result = self.sink.try_send(delivery.encoded.get(encoder) or delivery.encode(encoder))
            if result is not NOTHING:
                self.sent += 1
                self.sent_bytes += len(delivery.frame.jpeg)
                if window is not None:
                    # Not `now`, when the frame came: encoding and sending take time too.
                    window.sent(delivery.camera_id, delivery.frame, trio.current_time(), fresh=delivery.fresh)
                if result is PART:
                    self._partial = True
                    self._wake()
                return
        camera_id = delivery.camera_id
        if camera_id in self._waiting:
            self.superseded += 1
            self._waiting[camera_id] = delivery
        elif len(self._waiting) == self.capacity:
            self.superseded += 1
        else:
            self._queue.join(camera_id)
            self._waiting[camera_id] = delivery
            self._reconsider(now)

    def acknowledge(self, camera_id: str, sequence: int, now: float) -> SentFrame | None:
        """Take an acknowledgement of a frame, and of all frames of its camera that were sent before.

        Returns:
            The frame; None if it was sent before the first acknowledgement, or too long ago.
        """
        if self.window is None:
            self.window = AckWindow()
        acknowledged = self.window.acknowledge(camera_id, sequence, now)
        self._reconsider(now)
        return acknowledged

    def notify(self, notice: CameraNotice) -> None:
        """Queue a notice about a camera; it replaces an earlier one about the same camera."""
        # There may be more notices than cameras: ids can come and go faster than this viewer reads.
        self._put(self._notices, notice.camera_id, notice, self.capacity)

    def notify_result(self, notice: ResultNotice) -> None:
        """Queue a detection result; it replaces an earlier one for the same frame."""
        self._put(self._results, (notice.camera_id, notice.sequence), notice, _MAX_RESULTS)

    def _put(self, waiting: dict[K, N], key: K, notice: N, capacity: int) -> None:
        if not self._notices and not self._results:
            self._frames_first = len(self._waiting)
        if len(waiting) == capacity and key not in waiting:
            del waiting[next(iter(waiting))]
            self.notices_dropped += 1
        waiting[key] = notice
        self._wake()

    def forget(self, camera_id: str) -> None:
        """Drop the waiting frame of a camera, and expect no acknowledgement of its frames."""
        self._queue.forget(camera_id)
        self.rate_limited += self._waiting.pop(camera_id, None) is not None
        self._frames_first = min(self._frames_first, len(self._waiting))
        if self.window is not None:
            self.window.forget(camera_id)
            self._reconsider(trio.current_time())

    def forget_all(self, *, except_of: Collection[str] = ()) -> None:
        """Drop all waiting frames except those of some cameras."""
        for camera_id in list(self._waiting):
            if camera_id not in except_of:
                self.forget(camera_id)
        if self.window is not None:
            self.window.forget_all(except_of=except_of)
            self._reconsider(trio.current_time())

    @property
    def waiting(self) -> Mapping[str, Delivery]:
        """The frames that wait for the viewer, by camera id."""
        return self._waiting

    @property
    def unacked(self) -> int:
        """Frames that were not acknowledged in time, by a viewer that acknowledges others."""
        return 0 if self.window is None else self.window.unacked

    def abandon(self) -> None:
        """Count the waiting frames: the viewer has left."""
        self.abandoned = len(self._waiting)

    async def receive(self) -> Delivery | PartialWrite | list[Notice]:
        """Wait for something to send: a frame, the rest of one, or notices. Cancelling this loses nothing."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while (work := self._next()) is None:
            self._idle = not self._waiting
            try:
                with trio.CancelScope(deadline=self._gives_up_at) as self._sleep:
                    await self._sleeper.park()
            finally:
                self._idle = False
        return work

    def _next(self) -> Delivery | PartialWrite | list[Notice] | None:
        """Take what is to be sent now out of the queue; None if nothing may be sent."""
        if self._partial:
            self._partial = False
            return PartialWrite()
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
        """When the waiting frames need not wait for acknowledgements any longer; infinite if no frame waits."""
        return self.window.gives_up_at if self.window is not None and self._waiting else math.inf

    def _reconsider(self, now: float) -> None:
        """Wake the viewer if a waiting frame may be sent now; otherwise adjust how long it sleeps."""
        self._idle = self._idle and not self._waiting
        if self._waiting and self._may_send(now):
            self._wake()
        elif (deadline := self._gives_up_at) != self._sleep.deadline:
            self._sleep.deadline = deadline

    def _wake(self) -> None:
        self._idle = False
        self._sleeper.unpark_all()
