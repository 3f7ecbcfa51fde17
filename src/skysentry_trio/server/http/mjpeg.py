"""Viewers over HTTP: one camera's newest frames as a multipart response without an end."""

from __future__ import annotations

import time

import trio
from attrs import define, field, frozen

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import CONNECTION_LOST, cancel_when, single_error
from skysentry_trio.base.principal import Action
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.http.exchange import ByteStream, Exchange
from skysentry_trio.server.http.lookup import choose_id, draw_absence, find_camera
from skysentry_trio.server.relay.delivery import Delivery
from skysentry_trio.server.relay.outbox import PartialWrite
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
    # Keeps nginx from buffering the response.
    "X-Accel-Buffering": "no",
}
_REPEAT_AFTER = 5.0
"""Seconds without a new frame before the last frame is repeated; Home Assistant gives up after 10 s without a byte."""
_MAX_BURST = 1000
_MAX_SAID = 64 * 1024
"""Maximum number of bytes that a client may send after its request, although no bytes are expected."""
_GOODBYE = 1.0
"""Seconds that a client has to notice that the server stops."""


@frozen
class _Options:
    camera_id: str
    limits: Limits
    burst: int
    """Number of frames of the ring that are sent first."""


async def serve_mjpeg(exchange: Exchange, hub: ScopedHub, camera_id: str | None, shutdown: Shutdown) -> None:
    """Serve one viewer until the viewer leaves or stops reading, or until the server stops.

    Args:
        exchange: the request; its query may have ``fps``, ``burst`` and ``placeholder``.
        hub: limited to what the viewer may see.
        camera_id: of the camera; None for the only camera.
        shutdown: ends the exchange when a shutdown is requested.
    """
    stream = exchange.stream
    stream.take_back()
    if not await exchange.is_allowed(_METHODS):
        return
    try:
        options = _read_options(hub, camera_id, exchange.query)
    except ProtocolViolation as violation:
        log.info("viewer refused", code=violation.code, error=str(violation))
        hub.count_refusal("viewer", violation.code)
        await exchange.refuse(violation)
        return
    camera = hub.camera(options.camera_id)
    online = "true" if camera is not None and camera.online else "false"
    beginning = exchange.encode_head(200, {"Content-Type": CONTENT_TYPE, "X-SkySentry-Online": online, **_NEVER_KEPT})
    only_head = exchange.head.method == "HEAD"
    try:
        await stream.send_all(beginning if only_head else beginning + OPENING)
        if not only_head:
            await _show(stream, hub, options, shutdown)
        await stream.linger(_GOODBYE)
    except CONNECTION_LOST:
        pass
    except ProtocolViolation as violation:
        # The access has ended, and the connection is about to be closed for it.
        log.info("viewer refused", code=violation.code, error=str(violation))


def _read_options(hub: ScopedHub, camera_id: str | None, query: Query) -> _Options:
    limits = Limits(max_fps=query.number("fps", 1e-6, 1e6))
    burst = query.whole("burst", 0, _MAX_BURST) or 0
    placeholder = query.flag("placeholder")
    chosen = choose_id(hub, camera_id)
    # This also refuses a viewer that may do other things with the camera.
    if hub.camera(chosen) is None and not placeholder:
        find_camera(hub, chosen)
    if burst:
        hub.may(Action.HISTORY, chosen)
    return _Options(chosen, limits, burst)


async def _show(stream: ByteStream, hub: ScopedHub, options: _Options, shutdown: Shutdown) -> None:
    """Send frames until the server stops.

    Raises:
        trio.BrokenResourceError: the viewer left or stopped reading.
    """
    writer = _Writer(stream)
    with hub.watch(_encode, writer) as viewer:
        log.info("viewer connected", format="mjpeg", camera=options.camera_id)
        try:
            with single_error():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_when, shutdown.requested, nursery.cancel_scope)
                    nursery.start_soon(_raise_when_gone, stream)
                    nursery.start_soon(_Show(hub, options, viewer, writer).run)
        finally:
            outbox = viewer.outbox
            log.info("viewer left", sent=outbox.sent, replaced=outbox.superseded, thinned=outbox.rate_limited)


async def _raise_when_gone(stream: ByteStream) -> None:
    """Read from the stream, to notice that the viewer has left even while there is nothing to send.

    Raises:
        trio.BrokenResourceError: the viewer left, or sent more than a request.
    """
    said = 0
    while said < _MAX_SAID and (data := await stream.receive_some()):
        said += len(data)
    raise trio.BrokenResourceError("the viewer left, or sends more than a request")


def _encode(delivery: Delivery) -> bytes:
    return encode_part(delivery.frame)


@define(eq=False)
class _Writer:
    """Writes the parts of the multipart response one after the other."""

    _stream: ByteStream
    written_at: float = field(factory=trio.current_time, init=False)
    """When bytes were last written, in seconds of the monotonic clock."""
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
    """Sends one camera's frames to one viewer."""

    _hub: ScopedHub
    _options: _Options
    _viewer: HubViewer
    _writer: _Writer

    async def run(self) -> None:
        """Send the camera's frames.

        Raises:
            trio.BrokenResourceError: the viewer left or stopped reading; nothing else ends this.
        """
        await self._begin()
        while True:
            await self._continue()

    async def _begin(self) -> None:
        """Send frames of the ring, if requested, and the first live frame."""
        shown = await self._send_burst()
        camera = self._hub.camera(self._options.camera_id)
        # The frames of a camera of another server come when somebody here watches.
        is_coming = camera is not None and camera.online and camera.is_elsewhere
        if self._newest() is None and not is_coming:
            await self._send_placeholder()
        # The last frame of an offline camera is not live, so the viewer is not to see it.
        if self._newest() is None and camera is not None:
            shown = camera.ring.newest
        self._hub.subscribe(self._viewer, [self._options.camera_id], self._options.limits)
        if shown is not None:
            await self._continue(shown)

    async def _send_burst(self) -> JpegFrame | None:
        """Send the last frames of the ring in order; return the last frame that was sent."""
        camera = self._hub.camera(self._options.camera_id)
        if camera is None or camera.ring.newest is None or not self._options.burst:
            return None
        self._hub.note_history_read(camera.id, "stream")
        timeline = self._hub.timeline(camera)
        last, shown = camera.ring.newest.sequence, None
        sequence = last - self._options.burst
        # Frames are not kept for the viewer: if it is slower than the camera, it misses frames that the ring drops.
        while (frame := timeline.after(sequence)) is not None and frame.sequence <= last:
            await self._writer.send(encode_part(frame))
            sequence, shown = frame.sequence, frame
        return shown

    async def _continue(self, shown: JpegFrame | None = None) -> None:
        """Send the next frame; if none comes for a while, repeat the last one.

        Args:
            shown: the frame that the viewer has seen, or is not to see.
        """
        waiting = None
        repeat_at = self._writer.written_at + _REPEAT_AFTER
        with trio.move_on_at(repeat_at):
            waiting = await self._viewer.outbox.receive()
        if isinstance(waiting, PartialWrite):
            await self._writer.finish()
        elif isinstance(waiting, Delivery) and waiting.frame is not shown:
            part, waiting = waiting.encode(_encode), None
            # A slow viewer must keep in memory only what it is sent.
            await self._writer.send(part)
        elif waiting is None and self._writer.written_at + _REPEAT_AFTER <= repeat_at:
            # `try_send` has not sent a frame in the meantime either.
            await self._repeat()

    async def _repeat(self) -> None:
        newest, camera = self._newest(), self._hub.camera(self._options.camera_id)
        if newest is None or camera is None:
            await self._send_placeholder()
        else:
            await self._writer.send(encode_part(newest))

    def _newest(self) -> JpegFrame | None:
        """Return the camera's newest frame; None if the camera is offline."""
        camera = self._hub.camera(self._options.camera_id)
        return camera.ring.newest if camera is not None and camera.online else None

    async def _send_placeholder(self) -> None:
        jpeg = await draw_absence(self._options.camera_id, self._hub.camera(self._options.camera_id))
        await self._writer.send(encode_offline_part(jpeg, time.time()))
