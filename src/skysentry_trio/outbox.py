"""What waits for one viewer: at most one frame of each camera, the newest, and what changed about cameras."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field, frozen

from skysentry_trio.frames import Frame, RingStatistics

Encoder = Callable[[str, Frame, RingStatistics], bytes | str]


@define(eq=False)
class Delivery:
    """A frame on its way to viewers, rendered once for each format whatever the number of viewers."""

    camera_id: str
    frame: Frame
    stats: RingStatistics
    _rendered: dict[Encoder, bytes | str] = field(factory=dict, init=False, repr=False)

    def rendered(self, encode: Encoder) -> bytes | str:
        """Return the WebSocket message that ``encode`` makes of this frame, made at the first call."""
        message = self._rendered.get(encode)
        if message is None:
            message = self._rendered[encode] = encode(self.camera_id, self.frame, self.stats)
        return message


@frozen
class CameraNotice:
    """Something about a camera that viewers want to know at once."""

    camera_id: str
    name: str | None
    online: bool
    removed: bool = False


@define(eq=False)
class Pacer:
    """Let through at most ``rate`` events a second on average; times are seconds of one monotonic clock.

    The generic cell rate algorithm (ITU-T I.371): one comparison an event, and no drift from the rate.
    """

    rate: float
    burst: float
    """Seconds by which an event may come before its time."""
    _due: float = field(default=float("-inf"), init=False)

    def admit(self, now: float) -> bool:
        """Say whether an event at this time is within the rate, and count it if so."""
        if now < self._due - self.burst:
            return False
        self._due = max(self._due, now) + 1 / self.rate
        return True


# Taken for no camera: it tells the receiving side to look at the notices.
_NOTICES = ""


@define(eq=False)
class Outbox:
    """The newest frame of each camera that one viewer has not been sent yet.

    A camera's id goes through a bounded memory channel once, when a frame of it begins to wait; frames that come
    before the viewer has taken that one replace it. So a viewer is never more than one frame per camera behind,
    cameras take turns whatever their rates, and putting something in never waits.
    """

    capacity: int
    """Cameras that can wait at the same time."""
    sent: int = field(default=0, init=False)
    """Frames taken by the viewer."""
    sent_bytes: int = field(default=0, init=False)
    """JPEG bytes in those."""
    replaced: int = field(default=0, init=False)
    """Frames dropped because a newer one of the same camera came before this viewer was ready."""
    thinned: int = field(default=0, init=False)
    """Frames left out because the viewer asked for fewer, or for none."""
    _waiting: dict[str, Delivery | None] = field(factory=dict, init=False, repr=False)
    _notices: dict[str, CameraNotice] = field(factory=dict, init=False, repr=False)
    _entrance: trio.MemorySendChannel[str] = field(init=False, repr=False)
    _exit: trio.MemoryReceiveChannel[str] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # One place more than cameras, for the notices.
        self._entrance, self._exit = trio.open_memory_channel[str](self.capacity + 1)

    def offer(self, delivery: Delivery) -> None:
        """Let this frame be the next that is sent of its camera."""
        camera_id = delivery.camera_id
        if camera_id in self._waiting:
            self.replaced += self._waiting[camera_id] is not None
        elif len(self._waiting) == self.capacity:
            self.replaced += 1
            return
        else:
            self._entrance.send_nowait(camera_id)
        self._waiting[camera_id] = delivery

    def notify(self, notice: CameraNotice) -> None:
        """Let the viewer know about a camera; of several notices about one camera the last counts."""
        if not self._notices:
            self._entrance.send_nowait(_NOTICES)
        self._notices[notice.camera_id] = notice

    def forget(self, camera_id: str) -> None:
        """Drop what waits of a camera."""
        if self._waiting.get(camera_id) is not None:
            # The id stays in the channel, so its place must stay taken.
            self._waiting[camera_id] = None
            self.thinned += 1

    def forget_all(self) -> None:
        """Drop all frames that wait."""
        for camera_id in self._waiting:
            self.forget(camera_id)

    async def receive(self) -> Delivery | list[CameraNotice]:
        """Wait for something to send: a frame, or news about cameras."""
        while True:
            camera_id = await self._exit.receive()
            if camera_id == _NOTICES:
                notices = list(self._notices.values())
                self._notices.clear()
                return notices
            delivery = self._waiting.pop(camera_id)
            if delivery is not None:
                self.sent += 1
                self.sent_bytes += len(delivery.frame.jpeg)
                return delivery
