"""A viewer that speaks nothing but HTTP: one camera's newest frames as multipart, for as long as both sides like."""

from __future__ import annotations

import time

import trio
from attrs import define, field, frozen

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import CONNECTION_LOST, cancel_when, single_error
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.http.exchange import ByteStream, Exchange
from skysentry_trio.server.http.lookup import choose_id, draw_absence, find_camera
from skysentry_trio.server.relay.outbox import Delivery, PartialWrite
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.relay.viewer import HubViewer
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.wire.multipart import CONTENT_TYPE, OPENING, encode_offline_part, encode_part
from skysentry_trio.wire.query import Query

log = get_logger(__name__)

_METHODS = "GET, HEAD, OPTIONS"
_NEVER_KEPT = {
    "Cache-Control": "no-store, no-cache, must-revalidate, private, max-age=0",
    "Pragma": "no-cache",
    "Expires": "0",
    # nginx collects what it passes on unless it is told not to.
    "X-Accel-Buffering": "no",
}
_REPEAT_AFTER = 5.0
"""Seconds without a new frame; Home Assistant gives up after ten without a byte."""
_MAX_BURST = 1000
_MAX_SAID = 64 * 1024
"""Bytes a client may send behind its request, where nothing is expected."""
_GOODBYE = 1.0
"""Seconds for a client to notice that the server stops."""


@frozen
class _Wish:
    camera_id: str
    limits: Limits
    burst: int
    """Frames of the ring that come first."""


async def serve_mjpeg(exchange: Exchange, hub: ScopedHub, camera_id: str | None, shutdown: Shutdown) -> None:
    """Serve one client until it leaves, stops reading, or the server stops.

    Args:
        exchange: the request; its query may have ``fps``, ``burst`` and ``placeholder``.
        hub: where the cameras are.
        camera_id: of the camera; None for the only one there is.
        shutdown: ends the exchange once it is requested.
    """
    stream = exchange.stream
    stream.take_back()
    if not await exchange.is_allowed(_METHODS):
        return
    try:
        wish = _read_wish(hub, camera_id, exchange.query)
    except ProtocolViolation as violation:
        log.info("viewer refused", code=violation.code, error=str(violation))
        hub.count_refusal("viewer", violation.code)
        await exchange.refuse(violation)
        return
    camera = hub.camera(wish.camera_id)
    online = "true" if camera is not None and camera.online else "false"
    beginning = exchange.encode_head(200, {"Content-Type": CONTENT_TYPE, "X-SkySentry-Online": online, **_NEVER_KEPT})
    only_head = exchange.head.method == "HEAD"
    try:
        await stream.send_all(beginning if only_head else beginning + OPENING)
        if not only_head:
            await _show(stream, hub, wish, shutdown)
        await stream.linger(_GOODBYE)
    except CONNECTION_LOST:
        pass


def _read_wish(hub: ScopedHub, camera_id: str | None, query: Query) -> _Wish:
    limits = Limits(max_fps=query.number("fps", 1e-6, 1e6))
    burst = query.whole("burst", 0, _MAX_BURST) or 0
    placeholder = query.flag("placeholder")
    chosen = choose_id(hub, camera_id)
    if not placeholder:
        find_camera(hub, chosen)
    return _Wish(chosen, limits, burst)


async def _show(stream: ByteStream, hub: ScopedHub, wish: _Wish, shutdown: Shutdown) -> None:
    """Send frames until the server stops.

    Raises:
        trio.BrokenResourceError: the client left, or took nothing for too long.
    """
    writer = _Writer(stream)
    with hub.watch(_encode, writer) as viewer:
        log.info("viewer connected", format="mjpeg", camera=wish.camera_id)
        try:
            with single_error():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_when, shutdown.requested, nursery.cancel_scope)
                    nursery.start_soon(_raise_when_gone, stream)
                    nursery.start_soon(_Show(hub, wish, viewer, writer).run)
        finally:
            outbox = viewer.outbox
            log.info("viewer left", sent=outbox.sent, replaced=outbox.superseded, thinned=outbox.rate_limited)


async def _raise_when_gone(stream: ByteStream) -> None:
    """Read, so that a client's end is noticed even while there is nothing to send to it.

    Raises:
        trio.BrokenResourceError: the client left, or sent more than a request.
    """
    said = 0
    while said < _MAX_SAID and (data := await stream.receive_some()):
        said += len(data)
    raise trio.BrokenResourceError("the client left, or sends what nobody asked for")


def _encode(delivery: Delivery) -> bytes:
    return encode_part(delivery.frame)


@define(eq=False)
class _Writer:
    """Writes parts, each to its end before the next begins."""

    _stream: ByteStream
    written_at: float = field(factory=trio.current_time, init=False)
    """When something was last written, by the monotonic clock."""
    _rest: bytes | memoryview = field(default=b"", init=False, repr=False)

    def try_send(self, part: bytes) -> WriteResult:
        if self._rest:
            return WriteResult.NOTHING
        count = self._stream.write_now(part)
        if not count:
            return WriteResult.NOTHING
        self.written_at = trio.current_time()
        if count == len(part):
            return WriteResult.ALL
        self._rest = memoryview(part)[count:]
        return WriteResult.PART

    async def send(self, part: bytes) -> None:
        self._rest = part
        await self.finish()

    async def finish(self) -> None:
        await self._stream.send_all(self._rest)
        self._rest, self.written_at = b"", trio.current_time()


@define(eq=False)
class _Show:
    """One camera, shown to one client."""

    _hub: ScopedHub
    _wish: _Wish
    _viewer: HubViewer
    _writer: _Writer

    async def run(self) -> None:
        """Send the camera's frames.

        Raises:
            trio.BrokenResourceError: the client left, or stopped reading; nothing else ends this.
        """
        await self._begin()
        while True:
            await self._continue()

    async def _begin(self) -> None:
        """Send what the camera has shown, if that was asked for, and begin to show what it shows."""
        shown = await self._send_burst()
        if self._newest() is None:
            await self._send_placeholder()
        # That of a camera which is gone is no news.
        if self._newest() is None and (camera := self._hub.camera(self._wish.camera_id)) is not None:
            shown = camera.ring.newest
        self._hub.subscribe(self._viewer, [self._wish.camera_id], self._wish.limits)
        if shown is not None:
            await self._continue(shown)

    async def _send_burst(self) -> JpegFrame | None:
        """Send the ring's last frames in order; return the last that was sent."""
        camera = self._hub.camera(self._wish.camera_id)
        if camera is None or camera.ring.newest is None or not self._wish.burst:
            return None
        last, shown = camera.ring.newest.sequence, None
        sequence = last - self._wish.burst
        # A client that is slower than the camera does not hold on to frames that the ring lets go meanwhile.
        while (frame := camera.ring.after(sequence)) is not None and frame.sequence <= last:
            await self._writer.send(encode_part(frame))
            sequence, shown = frame.sequence, frame
        return shown

    async def _continue(self, shown: JpegFrame | None = None) -> None:
        """Send the next frame, or when none has come for a while, the last once more.

        Args:
            shown: what the client has seen of the camera already, or is not to see.
        """
        waiting = None
        repeat_at = self._writer.written_at + _REPEAT_AFTER
        with trio.move_on_at(repeat_at):
            waiting = await self._viewer.outbox.receive()
        if isinstance(waiting, PartialWrite):
            await self._writer.finish()
        elif isinstance(waiting, Delivery) and waiting.frame is not shown:
            await self._writer.send(waiting.encode(_encode))
        elif waiting is None and self._writer.written_at + _REPEAT_AFTER <= repeat_at:
            # No frame was sent at once meanwhile.
            await self._repeat()

    async def _repeat(self) -> None:
        newest, camera = self._newest(), self._hub.camera(self._wish.camera_id)
        if newest is None or camera is None:
            await self._send_placeholder()
        else:
            await self._writer.send(encode_part(newest))

    def _newest(self) -> JpegFrame | None:
        """Return what the camera shows; None if it is not there."""
        camera = self._hub.camera(self._wish.camera_id)
        return camera.ring.newest if camera is not None and camera.online else None

    async def _send_placeholder(self) -> None:
        jpeg = await draw_absence(self._wish.camera_id, self._hub.camera(self._wish.camera_id))
        await self._writer.send(encode_offline_part(jpeg, time.time()))
