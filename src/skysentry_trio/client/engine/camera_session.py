"""One connection of a registered camera: sends frames, and receives the receipts of the frames and the demand."""

from __future__ import annotations

import math
import time

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.base.wall_clock import WallClock
from skysentry_trio.client.engine.access import TokenHolder
from skysentry_trio.client.engine.connection import Connection, ConnectionLost
from skysentry_trio.client.engine.rate_controller import RateController
from skysentry_trio.client.engine.server_clock import ServerClock, keep_asking
from skysentry_trio.client.engine.still_filter import FrameChoice, StillFilter
from skysentry_trio.client.engine.throughput import Throughput
from skysentry_trio.client.engine.uplink_controller import PERIOD
from skysentry_trio.client.engine.uplink_window import UplinkWindow
from skysentry_trio.sources.frames import SourceFrame
from skysentry_trio.wire.capture import (
    Demand,
    PictureMeasure,
    ServerMessage,
    decode_server_message,
    encode_captured_jpeg,
    encode_same,
)
from skysentry_trio.wire.messages import Authenticate, Authenticated, ClockReply, ErrorNotice, encode_message

REFUSAL_SHOWN = 5.0
"""Seconds for which the reason of a refused frame is shown; the server reports a refusal at most once a second."""
RECEIPT_TIMEOUT = 60.0
"""Seconds that a frame's receipt may take: as many as sending the frame may take."""


@define(eq=False)
class CameraConnection:
    """The connection of one live camera to its server.

    The server handles frames and clock messages in the order in which they were sent. So the answer to a clock message
    that was sent right after a frame confirms that the frame has arrived, however much is buffered on the way. This
    answer is the frame's receipt.
    """

    connection: Connection
    rate_controller: RateController
    sent: Throughput
    access: TokenHolder
    adapts: bool = True
    """Whether frames wait for receipts, and become smaller or fewer when receipts are slow."""
    still: StillFilter = field(factory=StillFilter)
    """What is measured in the pictures, and which are left out."""
    largest: int = field(default=0, init=False)
    """Bytes of the largest frame that was sent; 0 if none was sent."""
    refusal: str | None = field(default=None, init=False)
    """Why the last frame was not sent or not accepted, for people; None if it was sent."""
    clock: ServerClock = field(factory=ServerClock, init=False)
    window: UplinkWindow = field(factory=UplinkWindow, init=False)
    _answered: trio.Event = field(factory=trio.Event, init=False)
    _wall_clock: WallClock = field(factory=lambda: WallClock(trio.current_time), init=False)
    _shift: float = field(default=0.0, init=False)
    """`WallClock.shift` when the last frame was sent."""
    _refused_at: float = field(default=-math.inf, init=False)

    async def run(self) -> None:
        """Send until the source has ended.

        Raises:
            ConnectionLost: the connection broke, or the server sends no receipts any more.
        """
        self.rate_controller.begin()
        self._wall_clock.now()
        with single_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen)
                await nursery.start(keep_asking, self.clock, self.connection.send)
                nursery.start_soon(self._adapt)
                nursery.start_soon(self._renew_access)
                await self._send_frames()
                nursery.cancel_scope.cancel()

    async def _listen(self) -> None:
        """Receive messages until the connection ends."""
        while True:
            message = decode(await self.connection.receive())
            if isinstance(message, Demand):
                self.rate_controller.take_demand(message)
            elif isinstance(message, ClockReply):
                self._take_answer(message)
            elif isinstance(message, Authenticated):
                self.access.take_answer(message)
            elif isinstance(message, ErrorNotice):
                self.refusal = f"the server refused a frame: {message.error}"
                self._refused_at = trio.current_time()

    def _take_answer(self, reply: ClockReply) -> None:
        now = trio.current_time()
        round_trip = self.clock.take_answer(reply, now)
        if round_trip is not None:
            self.window.note_round_trip(round_trip, now)
            self.window.take_answer(reply.sent_at, now)
            self._answered.set()

    async def _renew_access(self) -> None:
        token = await self.access.token()
        if token is None or not self.access.is_renewable:
            return
        # The answer to the registration does not say when the token expires; the answer to this message does.
        await self.connection.send(encode_message(Authenticate(token)))
        await self.access.keep_renewed(self.connection.send, self._server_time)

    def _server_time(self) -> float:
        return self.clock.epoch(trio.current_time()) or time.time()

    async def _adapt(self) -> None:
        while self.adapts:
            await trio.sleep(PERIOD)
            now = trio.current_time()
            self.rate_controller.evaluate(now, congested=self.window.is_congested(now))

    async def _send_frames(self) -> None:
        slot = self.rate_controller.slot
        while True:
            await self._wait_for_room()
            try:
                frame = await slot.receive()
            except trio.EndOfChannel:
                return
            size = len(frame.jpeg)
            started = trio.current_time()
            if not self.rate_controller.admits_size(size, started):
                slot.drop("too-large")
                self.refusal = (
                    f"the server takes frames of at most {self.rate_controller.size_limit} bytes, got {size}"
                    + ("" if slot.encodes else ": use --width or --quality")
                )
                self._refused_at = started
                continue
            sending, measure = await self.still.look(frame.jpeg, slot.target, started)
            if sending is not FrameChoice.WHOLE:
                slot.drop("still")
                if sending is FrameChoice.SAME:
                    captured_at = self._server_time_of(frame, started)
                    await self.connection.send(encode_same(captured_at, measure))
                continue
            self.largest = max(self.largest, size)
            if started - self._refused_at >= REFUSAL_SHOWN:
                self.refusal = None
            await self._send_frame(frame, started, measure)
            self.sent.add(size, trio.current_time())
            # A server that has not yet answered a clock message may never answer one: do not ask with every frame.
            if self.adapts and self.clock.is_known:
                await self._ask_for_receipt(started)

    async def _wait_for_room(self) -> None:
        """Wait until the window is open; the caller takes the newest frame from the source only after that."""
        while not self.window.is_open:
            self._answered = trio.Event()
            with trio.move_on_after(RECEIPT_TIMEOUT) as patience:
                await self._answered.wait()
            if patience.cancelled_caught:
                raise ConnectionLost(f"the server confirmed no frame for {RECEIPT_TIMEOUT:g} s")

    def _server_time_of(self, frame: SourceFrame, now: float) -> float | None:
        """Return when a frame was captured by the server's clock; None if nobody knows."""
        server_time = self.clock.epoch(now)
        age = self._wall_clock.now(now) - frame.captured_at
        # If this machine's clock was set in the meantime, nobody knows how old the frame is.
        was_set, self._shift = self._wall_clock.shift != self._shift, self._wall_clock.shift
        return None if server_time is None or was_set else server_time - age

    async def _send_frame(self, frame: SourceFrame, now: float, measure: PictureMeasure | None) -> None:
        captured_at = self._server_time_of(frame, now)
        message = frame.jpeg if captured_at is None else encode_captured_jpeg(frame.jpeg, captured_at, measure)
        sent = False
        try:
            await self.connection.send(message)
            sent = True
        finally:
            if not sent:
                self.rate_controller.slot.drop("lost")

    async def _ask_for_receipt(self, started: float) -> None:
        question = self.clock.ask(trio.current_time(), time.time())
        self.window.send(question.sent_at, started)
        await self.connection.send(encode_message(question))


def decode(message: str | bytes) -> ServerMessage | None:
    """Decode a message of the server; return None if that is impossible, as a camera may ignore such messages."""
    if isinstance(message, bytes):
        return None
    try:
        return decode_server_message(message)
    except ProtocolViolation:
        return None
