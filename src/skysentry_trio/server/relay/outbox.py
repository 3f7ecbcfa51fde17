"""What waits for one viewer: at most one frame of each camera, the newest, and what changed about cameras."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from enum import Enum, auto
from typing import Protocol, TypeVar

import trio
from attrs import define, field, frozen

from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.base.rate_limit import WriteResult
from skysentry_trio.server.relay.ack_window import AckWindow, SentFrame
from skysentry_trio.server.relay.fair_queue import FairQueue

K = TypeVar("K")
N = TypeVar("N")
Encoder = Callable[["Delivery"], bytes]


class FrameSink(Protocol):
    """Where a viewer's frames go out."""

    # A method instead of a function that is handed around: a bound method is one more object for each viewer, and what
    # a delivery costs is above all how many of those are touched.
    def try_send(self, rendering: bytes) -> WriteResult:
        """Send what an encoder made if that is possible without waiting; never waits."""
        ...


class _NoSink:
    def try_send(self, rendering: bytes) -> WriteResult:  # noqa: ARG002
        return WriteResult.NOTHING


NO_SINK: FrameSink = _NoSink()
"""Sends nothing at once: for viewers that wait for every frame."""


def encode_nothing(_delivery: Delivery) -> bytes:
    """Make no bytes of a frame: for viewers that take it as it is."""
    return b""


@define(eq=False)
class Delivery:
    """A frame on its way to viewers."""

    camera_id: str
    frame: JpegFrame
    stats: RingStatistics
    live: bool = True
    """False for a frame that one viewer looks back on."""
    fresh: bool = True
    """False for a frame that was there before the viewer asked for it: its age says nothing about its way."""
    rendered: dict[Encoder, bytes] = field(factory=dict, init=False, repr=False)
    """What encoders have made of it; `render` for those that were not asked yet."""

    def render(self, encode: Encoder) -> bytes:
        """Return the frame as bytes; each encoder is asked once, whatever the number of viewers."""
        rendering = self.rendered.get(encode)
        if rendering is None:
            rendering = self.rendered[encode] = encode(self)
        return rendering


@frozen
class CameraNotice:
    """Something about a camera that viewers want to know at once."""

    camera_id: str
    name: str | None
    online: bool
    removed: bool = False


@frozen
class ResultNotice:
    """What a program found in one frame of a camera."""

    camera_id: str
    sequence: int
    message: bytes
    """For viewers, as it goes out."""


Notice = CameraNotice | ResultNotice

_MAX_RESULTS = 64
"""That wait for one viewer: about two seconds of one camera's."""


class _Token(Enum):
    """What goes through the channel: there is something for the receiving side to do."""

    FRAME = auto()
    """Of all frames that wait, one may be sent."""
    NOTICES = auto()
    BEGUN = auto()
    """A frame was sent in part."""


# To name a member of an Enum takes a function call on Python 3.11, which counts where it is done for each viewer.
_ALL, _PART, _NOTHING = WriteResult


class PartialWrite:
    """A frame whose first part was sent at once, and whose rest has to be sent before anything else."""


@define(eq=False)
class Outbox:
    """The newest frame of each camera that one viewer has not been sent yet.

    A token goes through a bounded memory channel for each camera that waits; frames that come before the viewer has
    taken that one replace it. So a viewer is never more than one frame per camera behind, cameras take turns whatever
    their rates, and putting something in never waits.

    A viewer that is waiting for something to send has the frame sent at once, without being woken.

    From its first acknowledgement on, a viewer gets no more tokens than its window admits frames.
    """

    capacity: int
    """Cameras that can wait at the same time."""
    encode: Encoder = encode_nothing
    """Makes of a frame what the sink sends."""
    sink: FrameSink = NO_SINK
    """Sends a frame at once, if that is possible."""
    sent: int = field(default=0, init=False)
    """Frames taken by the viewer."""
    sent_bytes: int = field(default=0, init=False)
    """JPEG bytes in those."""
    superseded: int = field(default=0, init=False)
    """Frames dropped because a newer one of the same camera came before this viewer was ready."""
    rate_limited: int = field(default=0, init=False)
    """Frames left out because the viewer asked for fewer, or for none, or because the camera was forgotten."""
    abandoned: int = field(default=0, init=False)
    """Frames that still waited when the viewer left."""
    notices_dropped: int = field(default=0, init=False)
    """Notices dropped because too many waited, the oldest first."""
    _idle: bool = field(default=False, init=False)
    """Whether the viewer waits in `receive`, and nothing waits for it."""
    window: AckWindow | None = field(default=None, init=False)
    """What is under way; None for a viewer that acknowledges nothing, whose pace is its socket's."""
    _waiting: dict[str, Delivery] = field(factory=dict, init=False, repr=False)
    _tokens: int = field(default=0, init=False)
    """For frames, in the channel."""
    _turns: FairQueue = field(factory=FairQueue, init=False, repr=False)
    _notices: dict[str, CameraNotice] = field(factory=dict, init=False, repr=False)
    _results: dict[tuple[str, int], ResultNotice] = field(factory=dict, init=False, repr=False)
    _entrance: trio.MemorySendChannel[_Token] = field(init=False, repr=False)
    _exit: trio.MemoryReceiveChannel[_Token] = field(init=False, repr=False)
    _wait: trio.CancelScope = field(factory=trio.CancelScope, init=False, repr=False)
    """In which the viewer waits: not longer than for acknowledgements that never come."""

    def __attrs_post_init__(self) -> None:
        # Two places more than cameras, for notices and for what was begun.
        self._entrance, self._exit = trio.open_memory_channel[_Token](self.capacity + 2)

    def offer(self, delivery: Delivery, now: float) -> None:
        """Let this frame be the next that is sent of its camera; ``now`` is of the monotonic clock."""
        window = self.window
        if self._idle and (window is None or window.admits(now)):
            encode = self.encode
            sent = self.sink.try_send(delivery.rendered.get(encode) or delivery.render(encode))
            if sent is not _NOTHING:
                self.sent += 1
                self.sent_bytes += len(delivery.frame.jpeg)
                if window is not None:
                    # Not `now`, which is when the frame came: to make and to send it takes time too.
                    window.sent(delivery.camera_id, delivery.frame, trio.current_time(), fresh=delivery.fresh)
                if sent is _PART:
                    # Nothing more is sent at once until the viewer has finished this, so it is begun only once.
                    self._wake(_Token.BEGUN)
                return
        camera_id = delivery.camera_id
        if camera_id in self._waiting:
            self.superseded += 1
        elif len(self._waiting) == self.capacity:
            self.superseded += 1
            return
        else:
            self._turns.join(camera_id)
        self._waiting[camera_id] = delivery
        self._idle = False
        self._let_out(now)

    def _let_out(self, now: float) -> None:
        while self._tokens < len(self._waiting) and (self.window is None or self.window.admits(now)):
            self._tokens += 1
            if self.window is not None:
                self.window.reserve()
            self._wake(_Token.FRAME)
        if (deadline := self._gives_up_at) != self._wait.deadline:
            self._wait.deadline = deadline

    @property
    def _gives_up_at(self) -> float:
        """When a frame that waits for the window need wait no longer; infinite if none does."""
        return math.inf if self.window is None or self._tokens >= len(self._waiting) else self.window.gives_up_at

    def _wake(self, token: _Token) -> None:
        self._idle = False
        self._entrance.send_nowait(token)

    def acknowledge(self, camera_id: str, sequence: int, now: float) -> SentFrame | None:
        """Take the viewer's word that it has done with a frame and all of its camera that were sent before it.

        Returns:
            The frame; None if it was sent before the first acknowledgement, or so long ago that it is forgotten.
        """
        if self.window is None:
            self.window = AckWindow()
            for _ in range(self._tokens):
                self.window.reserve()
        acknowledged = self.window.acknowledge(camera_id, sequence, now)
        self._let_out(now)
        return acknowledged

    def notify(self, notice: CameraNotice) -> None:
        """Let the viewer know about a camera; of several notices about one camera the last counts."""
        # There may be more than cameras: ids can come and go faster than this viewer reads.
        self._put(self._notices, notice.camera_id, notice, self.capacity)

    def notify_result(self, notice: ResultNotice) -> None:
        """Let the viewer know what was found in a frame."""
        self._put(self._results, (notice.camera_id, notice.sequence), notice, _MAX_RESULTS)

    def _put(self, waiting: dict[K, N], key: K, notice: N, capacity: int) -> None:
        if not self._notices and not self._results:
            self._wake(_Token.NOTICES)
        if len(waiting) == capacity and key not in waiting:
            del waiting[next(iter(waiting))]
            self.notices_dropped += 1
        waiting[key] = notice

    def forget(self, camera_id: str) -> None:
        """Drop what waits of a camera, and expect no acknowledgement of it."""
        self._turns.forget(camera_id)
        # Its token stays in the channel, for another camera or for none.
        self.rate_limited += self._waiting.pop(camera_id, None) is not None
        if self.window is not None:
            self.window.forget(camera_id)
            self._let_out(trio.current_time())

    def forget_all(self, *, except_of: Collection[str] = ()) -> None:
        """Drop all frames that wait, but for those of some cameras."""
        for camera_id in list(self._waiting):
            if camera_id not in except_of:
                self.forget(camera_id)
        if self.window is not None:
            self.window.forget_all(except_of=except_of)
            self._let_out(trio.current_time())

    @property
    def unacked(self) -> int:
        """Frames that were sent and not acknowledged in time, by a viewer that acknowledges others."""
        return 0 if self.window is None else self.window.unacked

    def abandon(self) -> None:
        """Count what still waits: the viewer has left, and nothing will be received any more."""
        self.abandoned = len(self._waiting)

    async def receive(self) -> Delivery | PartialWrite | list[Notice]:
        """Wait for something to send: a frame, the rest of one, or news about cameras."""
        while True:
            self._idle, token = not self._waiting and not self._notices and not self._results, None
            try:
                with trio.CancelScope(deadline=self._gives_up_at) as self._wait:
                    token = await self._exit.receive()
            finally:
                self._idle = False
            if token is None:
                # No newer frame may ever come, and then this is the one to be seen.
                self._let_out(trio.current_time())
                continue
            if token is _Token.BEGUN:
                return PartialWrite()
            if token is _Token.NOTICES:
                notices: list[Notice] = [*self._notices.values(), *self._results.values()]
                self._notices.clear()
                self._results.clear()
                return notices
            self._tokens -= 1
            if self.window is not None:
                self.window.release()
            if self._waiting:
                return self._take(self._turns.take())

    def _take(self, camera_id: str) -> Delivery:
        delivery = self._waiting.pop(camera_id)
        self.sent += 1
        self.sent_bytes += len(delivery.frame.jpeg)
        if self.window is not None:
            self.window.sent(camera_id, delivery.frame, trio.current_time(), fresh=delivery.fresh)
        return delivery
