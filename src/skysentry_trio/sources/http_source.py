"""A source at an address that begins with ``http://`` or ``https://``.

The answer decides what the address is: Motion JPEG, a picture that is asked for again and again, or a video.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from functools import partial
from typing import TypeVar

import trio
from attrs import define, field

from skysentry_trio.base.backoff import keep_trying
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.sources.encoding import UNCHANGED, encode_picture, reshape_jpeg
from skysentry_trio.sources.frames import FrameSlot, SourceFrame, report_trouble
from skysentry_trio.sources.http_client import HttpClient, Response
from skysentry_trio.sources.pacing import FramePacer, Thinner
from skysentry_trio.sources.video import STALL, LiveVideoSource
from skysentry_trio.sources.video_stream import VideoUnavailable
from skysentry_trio.sources.whole_jpeg import whole_jpeg
from skysentry_trio.wire.multipart_reader import MultipartReader, announced_boundary

T = TypeVar("T")
MAX_PICTURE_SIZE = 64 * 1024 * 1024
"""Largest picture in bytes that is taken from an address."""
_SNAPSHOT_FPS = 1.0
_BAD = "bad"
_BAD_IN_A_ROW = 60
"""Give a stream up after this many parts in a row that are not pictures."""
_BEGINNING = 16
"""Number of bytes at the start of a body that show what kind of body it is."""
_JPEG = b"\xff\xd8"
_OTHER_PICTURES = (b"\x89PNG", b"GIF8", b"RIFF", b"BM")
"""How PNG, GIF, WebP and BMP begin."""
_BETWEEN_JPEGS = b"\xff\xd9\xff\xd8\xff"
_SUCCESS = range(200, 300)
_NOT_MODIFIED = 304
_UNAUTHORIZED = 401
LOCK_OUT_PAUSE = 30.0
"""Seconds to wait after a refused password; many cameras lock a user after a few attempts in a short time."""
_PLAYLISTS = (b"#EXTM3U", b"<?xml")
_EXPECTED = "expected image/jpeg or multipart/x-mixed-replace"
_ASK_FOR_LOGIN = ": it wants a user and a password, as in http://user:password@host/path"


@define(eq=False)
class HttpSource:
    """Follows an address, and asks for it again when it has failed or ended."""

    url: str = field(repr=False)
    video: LiveVideoSource
    """Plays the address if it is a video that is not Motion JPEG; it also has the user's options."""
    _limiter: trio.CapacityLimiter = field(factory=partial(trio.CapacityLimiter, 1), init=False)

    async def run(self, slot: FrameSlot, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the slot until the stream has ended if ``once`` is set, otherwise for ever."""
        task_status.started()
        await slot.wait_asked()
        await keep_trying(
            partial(self._follow, slot), VideoUnavailable, self.video.backoff, partial(report_trouble, slot)
        )

    async def _follow(self, slot: FrameSlot) -> None:
        """Take pictures from the address, as long as there are some.

        Raises:
            VideoUnavailable: the address gives no pictures, or no more.
        """
        async with HttpClient(self.url) as client:
            pacer = FramePacer(self.video.fps or _SNAPSHOT_FPS)
            conditions: dict[str, str] = {}
            await pacer.wait()
            while True:
                response = await client.get(conditions)
                if response.head.status == _UNAUTHORIZED and response.address.credentials is not None:
                    slot.trouble = f"{response.address} refuses the user and the password"
                    await trio.sleep(LOCK_OUT_PAUSE)
                    raise VideoUnavailable(slot.trouble)
                kind = await _kind_of(response)
                if kind == "stream":
                    await self._follow_parts(response, slot)
                elif kind == "video":
                    await client.aclose()
                    await self.video.follow(slot)
                elif await self._take_snapshot(response, slot):
                    conditions = _conditions(response) or conditions
                    if not self.video.once:
                        await self._wait_wanted(slot, pacer)
                        continue
                if self.video.once:
                    return
                raise VideoUnavailable(f"{response.address} has ended")

    async def _wait_wanted(self, slot: FrameSlot, pacer: FramePacer) -> None:
        """Wait until it is time for the next picture, and somebody needs one."""
        await pacer.wait()
        while slot.leaves_out():
            await pacer.wait()

    async def _take_snapshot(self, response: Response, slot: FrameSlot) -> bool:
        """Offer the picture of an answer; return whether the answer ended with this picture.

        Without an announced length, pictures without anything between them may follow each other without an end.
        """
        if response.head.status == _NOT_MODIFIED:
            await response.receive()  # its end, after which the connection can be used again
            self.video.backoff.note_success()
            slot.trouble = None
            return True
        count = 0
        thinner = self._make_thinner()
        async with aclosing(_split(response)) as jpegs:
            async for data in jpegs:
                count += 1
                # The first picture was asked for because it is needed; more of them are a stream.
                if count == 1 or _is_wanted(slot, thinner):
                    await self._offer(data, slot, str(response.address))
        if not count:
            raise VideoUnavailable(f"{response.address} answers without any data, {_EXPECTED}")
        return count == 1

    async def _follow_parts(self, response: Response, slot: FrameSlot) -> None:
        reader = MultipartReader(MAX_PICTURE_SIZE, announced_boundary(response.head.headers.get("content-type", "")))
        thinner = self._make_thinner()
        address = str(response.address)
        bad_in_a_row = 0

        async def take(data: bytes) -> None:
            nonlocal bad_in_a_row
            is_picture = await self._offer(data, slot, address)
            bad_in_a_row = 0 if is_picture else bad_in_a_row + 1
            if bad_in_a_row == _BAD_IN_A_ROW:
                raise VideoUnavailable(slot.trouble or f"{address} sends no pictures")

        async def encode() -> None:
            async for data in newest:
                await take(data)

        outlet, newest = trio.open_memory_channel[bytes](1)
        with single_error():
            async with trio.open_nursery() as nursery, outlet:
                nursery.start_soon(encode)
                while (data := await _next_part(reader, response)) is not None:
                    if not _is_wanted(slot, thinner):
                        continue
                    if self.video.shape == UNCHANGED:
                        await take(data)
                        continue
                    # Encoding may take longer than the time between two pictures. The camera is read all the same,
                    # otherwise old pictures would wait in the buffers of the network.
                    try:
                        outlet.send_nowait(data)
                    except trio.WouldBlock:
                        newest.receive_nowait()
                        slot.drop("behind")
                        outlet.send_nowait(data)

    def _make_thinner(self) -> Thinner | None:
        return Thinner(self.video.fps) if self.video.fps else None

    async def _offer(self, data: bytes, slot: FrameSlot, address: str) -> bool:
        """Offer a picture to viewers; return whether it is one."""
        captured_at = time.time()
        slot.encodes = self.video.shape != UNCHANGED
        shape = self.video.shape.within(slot.target) if slot.encodes else UNCHANGED
        try:
            if data.startswith(_OTHER_PICTURES):
                jpeg = await trio.to_thread.run_sync(encode_picture, data, shape, limiter=self._limiter)
            elif slot.encodes:
                whole = whole_jpeg(data)
                jpeg = await trio.to_thread.run_sync(reshape_jpeg, whole, shape, limiter=self._limiter)
            else:
                jpeg = whole_jpeg(data)
        except ProtocolViolation as violation:
            slot.drop(_BAD)
            slot.trouble = f"{address}: {violation}"
            return False
        slot.offer(SourceFrame(jpeg, captured_at))
        self.video.backoff.note_success()
        return True


def _is_wanted(slot: FrameSlot, thinner: Thinner | None) -> bool:
    """Return whether to take the current picture of a stream, and count it if not."""
    if thinner is not None and not thinner.admits(trio.current_time()):
        slot.drop("rate")
        return False
    return not slot.leaves_out()


async def _kind_of(response: Response) -> str:
    """Return whether an answer is a ``stream`` of parts, a ``picture``, or a ``video`` for FFmpeg.

    Raises:
        VideoUnavailable: it is none of these; the error names what was received.
    """
    head, address = response.head, response.address
    if head.status == _NOT_MODIFIED:
        return "picture"
    if head.status not in _SUCCESS:
        hint = _ASK_FOR_LOGIN if head.status == _UNAUTHORIZED and address.credentials is None else ""
        raise VideoUnavailable(f"{address} answers with status {head.status} {head.reason}".rstrip() + hint)
    kind = head.content_type
    if kind.startswith("multipart/"):
        return "stream"
    beginning = (await _before_stall(response, response.peek(_BEGINNING))).lstrip(b"\r\n")
    if beginning.startswith((_JPEG, *_OTHER_PICTURES)):
        return "picture"
    if beginning.lower().startswith((b"--", b"content-")):
        return "stream"
    is_text = kind.startswith("text/") or kind in {"application/json", "application/xml", "application/xhtml+xml"}
    if kind.startswith("image/") or (is_text and not beginning.startswith(_PLAYLISTS)) or not beginning:
        shown = f"{kind or 'no type'} that begins with {beginning[:4].hex(' ').upper()}" if beginning else "no data"
        raise VideoUnavailable(f"{address} answers with {kind if is_text else shown}, {_EXPECTED}")
    return "video"


async def _before_stall(response: Response, wait: Awaitable[T]) -> T:
    try:
        with trio.fail_after(STALL):
            return await wait
    except trio.TooSlowError:
        raise VideoUnavailable(f"no picture from {response.address} for {STALL:g} s") from None


async def _next_part(reader: MultipartReader, response: Response) -> bytes | None:
    """Return the data of the next part; None at the end of the body.

    Raises:
        VideoUnavailable: the body is not multipart, or nothing comes.
    """

    async def read() -> bytes | None:
        # Many small parts may arrive together, so yield to the scheduler before each part.
        await trio.lowlevel.checkpoint()
        while (part := reader.next_part()) is None:
            data = await response.receive()
            if not data:
                break
            reader.feed(data)
        else:
            return part.data
        try:
            last = reader.finish()
        except ProtocolViolation:  # the stream was cut off in the middle of a part
            return None
        return last.data if last else None

    try:
        return await _before_stall(response, read())
    except ProtocolViolation as violation:
        raise VideoUnavailable(f"{response.address} sends no valid Motion JPEG: {violation}") from violation


async def _split(response: Response) -> AsyncGenerator[bytes]:
    """Yield the pictures of a body in which nothing is between two pictures; usually there is one picture."""
    received, searched = bytearray(), 0
    has_length = response.head.content_length is not None
    while data := await _before_stall(response, response.receive()):
        received += data
        while not has_length and (found := received.find(_BETWEEN_JPEGS, searched)) >= 0:
            end = found + len(_BETWEEN_JPEGS) - len(_JPEG) - 1
            yield bytes(received[:end])
            del received[:end]
            searched = 0
        searched = max(0, len(received) - len(_BETWEEN_JPEGS))
        if len(received) > MAX_PICTURE_SIZE:
            raise VideoUnavailable(
                f"a picture may have {MAX_PICTURE_SIZE} bytes, {response.address} sends one of {len(received)} or more"
            )
    if received:
        # The announced length may be too small by some bytes.
        yield bytes(received) + (response.leftover() if has_length else b"")


def _conditions(response: Response) -> dict[str, str]:
    """Return the headers that ask for a picture only if it is another one (RFC 9110 section 13.1)."""
    headers = response.head.headers
    pairs = {"If-None-Match": headers.get("etag"), "If-Modified-Since": headers.get("last-modified")}
    return {name: value for name, value in pairs.items() if value}
