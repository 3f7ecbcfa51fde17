"""Cameras over HTTP: they post one JPEG after the other, or one body of parts without an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import define, evolve, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.held_memory import Receiving
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import CONNECTION_LOST, cancel_when, single_error
from skysentry_trio.base.principal import Action
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.server.http.exchange import Exchange
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.http.request_body import RequestBody
from skysentry_trio.server.relay.camera import CameraSession, SessionReplaced, flood_limit
from skysentry_trio.server.relay.leases import Lease
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.wire.capture import decode_jpeg
from skysentry_trio.wire.identity import check_camera_id, clean_label
from skysentry_trio.wire.jpeg import MAX_JUNK
from skysentry_trio.wire.multipart_reader import MultipartReader, Part, announced_boundary, read_timestamp
from skysentry_trio.wire.request_head import RequestHead
from skysentry_trio.wire.rest import PushReply

log = get_logger(__name__)

_METHODS = "POST, OPTIONS"
_BAD_PARTS_IN_A_ROW = 60
"""Refuse the request after this many consecutive invalid parts."""
_BEGINNING = 4
"""Number of bytes at the start of a body that show what kind of body it is."""
_SENT_TOO_FAST = frozenset({"flood", "too-fast"})
"""Codes of refusals after which the camera should try again soon."""


async def serve_push(
    exchange: Exchange, hub: ScopedHub, push_sessions: PushSessions, camera_id: str | None, shutdown: Shutdown
) -> None:
    """Take the frames of one request: a JPEG, a form, or a stream.

    Args:
        exchange: the request; its query may have ``name``, a label for people.
        hub: limited to what the principal may see.
        push_sessions: keeps cameras registered between their requests.
        camera_id: of the camera; None is refused.
        shutdown: ends the exchange when a shutdown is requested.
    """
    body = RequestBody(exchange.stream)
    try:
        exchange.request.require_allowed_origin("send pictures")
        if await exchange.is_allowed(_METHODS):
            name = clean_label(exchange.query.text("name"))
            # A wrong id is told first, whatever it is that the sender may do.
            hub.require(Action.PUBLISH, check_camera_id(camera_id or ""))
            memory = Receiving(hub.memory, exchange.abort)
            push = _Push(body, exchange.head, hub, push_sessions, check_camera_id(camera_id or ""), name, memory)
            try:
                status = await _run_until(shutdown, push)
            finally:
                push.drop_unfinished()
            await evolve(exchange, is_read=body.put_rest_back()).answer(status, push.report())
    except ProtocolViolation as violation:
        push_sessions.log_refusal(camera_id, violation)
        hub.count_refusal("camera", violation.code)
        exchange = evolve(exchange, is_read=body.put_rest_back())
        await exchange.refuse(violation, {"Retry-After": "1"} if violation.code in _SENT_TOO_FAST else {})
    except CONNECTION_LOST:
        log.info("camera left", camera=camera_id, reason="connection lost")


async def _run_until(shutdown: Shutdown, push: _Push) -> int:
    """Take the whole body unless the server stops before; return the HTTP status of the answer.

    Raises:
        ProtocolViolation: the body is invalid, or the server stops.
        trio.BrokenResourceError: the camera left.
    """
    with single_error():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cancel_when, shutdown.requested, nursery.cancel_scope)
            status = await push.run()
            nursery.cancel_scope.cancel()
            return status
    raise ProtocolViolation("the server is stopping", "draining")


@define(eq=False)
class _Push:
    """One request that contains frames."""

    _body: RequestBody
    _head: RequestHead
    _hub: ScopedHub
    _push_sessions: PushSessions
    _camera_id: str
    _name: str | None
    _memory: Receiving
    """Counts the bytes of the frame that is being received."""
    _taken: int = field(default=0, init=False)
    _newest: JpegFrame | None = field(default=None, init=False)
    _refused: Counter[str] = field(factory=Counter, init=False)
    _bad_in_a_row: int = field(default=0, init=False)
    _parts: RateLimiter = field(init=False)
    _reader: MultipartReader | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._parts = flood_limit(self._hub.settings.max_fps)

    def drop_unfinished(self) -> None:
        """Free the bytes of an unfinished frame; otherwise an error would keep these bytes in memory for a while."""
        self._memory.release()
        if self._reader is not None:
            self._reader.close()

    def report(self) -> PushReply:
        """Return the number of accepted frames and the refusals."""
        sequence = None if self._newest is None else self._newest.sequence
        return PushReply(self._camera_id, self._taken, sequence, dict(self._refused))

    async def run(self) -> int:
        """Take the whole body; return the HTTP status of the answer.

        Raises:
            ProtocolViolation: the body is invalid or too slow, or the server ended the camera's session.
        """
        kind = self._head.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in {"image/jpeg", "image/jpg"}:
            return await self._take_upload()
        if kind == "multipart/form-data":
            await self._take_parts(None)
            return 201
        if not kind.startswith("multipart/"):
            # Many programs declare a wrong content type or none, so the first bytes of the body decide.
            with self._frame_deadline():
                beginning = await self._body.peek(_BEGINNING)
            if beginning.startswith(b"\xff\xd8"):
                return await self._take_upload()
            if not beginning.lstrip(b"\r\n").lower().startswith((b"-", b"cont")):
                with self._frame_deadline():
                    if b"\xff\xd8\xff" in await self._body.peek(MAX_JUNK):
                        return await self._take_upload()
                raise ProtocolViolation(
                    f"expected a JPEG or multipart, got {kind[:40]!a} that begins with {beginning.hex(' ').upper()}",
                    "not-a-jpeg",
                )
        lease = await self._hub.claim(self._camera_id, self._name)
        with trio.CancelScope() as scope, self._registered(scope, lease) as session:
            await self._take_parts(session)
        if session.is_replaced:
            raise _replaced()
        return 200

    @contextmanager
    def _registered(self, scope: trio.CancelScope, lease: Lease) -> Iterator[CameraSession]:
        """Register the camera for as long as the request lasts."""
        with self._hub.register(self._camera_id, name=self._name, on_end=scope.cancel, lease=lease) as session:
            log.info("camera registered", camera=self._camera_id)
            yield session

    @contextmanager
    def _frame_deadline(self) -> Iterator[None]:
        """Limit the time for one frame, because a camera with a broken link sends neither data nor an end."""
        seconds = self._hub.settings.ping_interval + self._hub.settings.ping_timeout
        try:
            with trio.fail_after(seconds):
                yield
        except trio.TooSlowError:
            raise ProtocolViolation(f"expected a complete frame within {seconds:g} s", "silent") from None

    async def _take_upload(self) -> int:
        limit = self._hub.settings.max_frame_size
        announced = self._head.headers.get("content-length", "0")
        # A wrong length does no harm, because h11 accepts no more bytes than the header announces.
        size, jpeg = int(announced), bytearray()
        try:
            with self._frame_deadline():
                while size <= limit and (data := await self._body.receive()):
                    self._memory.grow_to(_allocated(len(jpeg) + len(data)))
                    jpeg += data
                    size = max(size, len(jpeg))
            frame = bytes(jpeg)
        finally:
            # An error refers to the variables of this call for a while, and must not keep the bytes in memory.
            jpeg.clear()
            self._memory.release()
        if size > limit:
            raise ProtocolViolation(f"a frame may have {limit} bytes, got {size}", "frame-too-large")
        captured_at = read_timestamp(self._head.headers.get("x-timestamp"))
        if (violation := await self._take(None, frame, captured_at)) is not None:
            raise violation
        return 201

    async def _take_parts(self, session: CameraSession | None) -> None:
        """Take parts until the body ends; ``session`` is None if push sessions keep the camera registered."""
        content_type = self._head.headers.get("content-type", "")
        reader = MultipartReader(self._hub.settings.max_frame_size, announced_boundary(content_type))
        self._reader = reader
        violation = None
        while True:
            try:
                with self._frame_deadline():
                    part = await self._next_part(reader)
            except ProtocolViolation as error:
                if error.code != "frame-too-large":
                    raise
                violation = error
                self._refuse(session, violation)
                continue
            if part is None:
                break
            if not self._parts.admit(trio.current_time()):
                raise ProtocolViolation("too many parts", "flood")
            if session is None and part.is_text_field:
                continue
            violation = await self._take(session, part.data, part.captured_at)
            is_jpeg = violation is None or violation.code != "not-a-jpeg"
            self._bad_in_a_row = 0 if is_jpeg else self._bad_in_a_row + 1
            if violation is not None and self._bad_in_a_row == _BAD_PARTS_IN_A_ROW:
                raise violation
        if not self._taken:
            raise violation or ProtocolViolation("expected JPEGs, got none", "not-a-jpeg")

    async def _next_part(self, reader: MultipartReader) -> Part | None:
        # Many small parts may arrive together, so yield to the scheduler before each part.
        await trio.lowlevel.checkpoint()
        while (part := reader.next_part()) is None:
            data = await self._body.receive()
            if not data:
                return reader.finish()
            self._memory.grow_to(_allocated(reader.nbytes + len(data)))
            reader.feed(data)
        self._memory.release()
        return part

    async def _take(
        self, session: CameraSession | None, data: bytes, captured_at: float | None
    ) -> ProtocolViolation | None:
        """Publish a frame; or count the frame as refused and return the reason."""
        try:
            jpeg, size, *_ = decode_jpeg(data, max_size=self._hub.settings.max_frame_size)
        except ProtocolViolation as violation:
            self._refuse(session, violation)
            return violation
        # A request without a valid frame does not register a camera.
        session = session or await self._push_sessions.touch(self._camera_id, self._name, self._hub.principal)
        try:
            self._newest = await self._hub.publish(
                session, jpeg, width=size.width, height=size.height, captured_at=captured_at
            )
        except SessionReplaced:
            raise _replaced() from None
        except ProtocolViolation as violation:
            self._refused[violation.code] += 1
            return violation
        self._taken += 1
        return None

    def _refuse(self, session: CameraSession | None, violation: ProtocolViolation) -> None:
        """Count a frame as refused."""
        self._refused[violation.code] += 1
        if session is not None:
            # An invalid frame still shows that the camera is alive.
            session.camera.last_heard = trio.current_time()
            session.refuse(violation)


def _replaced() -> ProtocolViolation:
    return ProtocolViolation("another connection sends for this camera now", "replaced")


def _allocated(nbytes: int) -> int:
    """Return the memory of an array that has grown to this many bytes: Python allocates an eighth more in advance."""
    return nbytes + nbytes // 8
