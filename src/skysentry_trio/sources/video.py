"""Sources that PyAV reads: a file that is played at its rate, and a device or an address that is followed live."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import trio
from attrs import define, field

from skysentry_trio.base.backoff import Backoff, keep_trying
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.sources.encoding import UNCHANGED, ResizeSpec
from skysentry_trio.sources.frames import FrameSlot, SourceFrame
from skysentry_trio.sources.pacing import FramePacer, Thinner
from skysentry_trio.sources.video_stream import (
    FrameFilter,
    VideoAddress,
    VideoStream,
    VideoUnavailable,
    open_video,
)

STALL = 20.0
"""Seconds without a picture after which a device or an address is opened again."""
_DEFAULT_FPS = 25.0
_BAD = "bad"

T = TypeVar("T")
Opener = Callable[[VideoAddress], VideoStream]


@define(eq=False)
class VideoFileSource:
    """Plays a video file, by default at its own rate."""

    address: VideoAddress
    fps: float | None = None
    once: bool = False
    shape: ResizeSpec = UNCHANGED
    _limiter: trio.CapacityLimiter = field(factory=partial(trio.CapacityLimiter, 1), init=False)

    async def run(self, slot: FrameSlot, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the slot until the end of the file if ``once`` is set, otherwise for ever.

        Raises:
            ConfigurationError: the file is not a video, or contains no picture.
        """
        try:
            stream = await self._in_thread(open_video, self.address)
            pacer = FramePacer(self.fps or stream.fps or _DEFAULT_FPS)
            task_status.started()
            await slot.wait_asked()
            while await self._play(stream, slot, pacer):
                if self.once:
                    return
                stream = await self._in_thread(open_video, self.address)
        except VideoUnavailable as error:
            raise ConfigurationError(str(error)) from error
        raise ConfigurationError(f"{self.address} contains no picture that can be shown")

    async def _play(self, stream: VideoStream, slot: FrameSlot, pacer: FramePacer) -> int:
        """Play the file once; return the number of its pictures that are not bad."""
        shown = 0
        slot.encodes = _encodes(stream, self.shape)
        jpegs = stream.jpegs(FrameFilter(self.shape, lambda: slot.target, slot.cause_to_leave_out))
        while (jpeg := await self._in_thread(next, jpegs, None)) is not None:
            if jpeg == _BAD:
                slot.drop(_BAD)
                continue
            await pacer.wait()
            if isinstance(jpeg, str):
                slot.drop(jpeg)
            else:
                slot.offer(SourceFrame(jpeg, time.time()))
            shown += 1
        return shown

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        # The call is abandoned when we are cancelled, because a file on a network or a named pipe may block for ever.
        return await trio.to_thread.run_sync(partial(function, *args), abandon_on_cancel=True, limiter=self._limiter)


@define(eq=False)
class LiveVideoSource:
    """Follows a device or an address, and opens it again when it has failed or ended."""

    address: VideoAddress
    backoff: Backoff
    must_be_there: bool
    """Whether a source that is missing at the start is an error, as for a device on this machine."""
    fps: float | None = None
    """Maximum rate; frames above this rate are dropped before they are encoded."""
    once: bool = False
    """Whether to end when the stream has ended, instead of opening it again."""
    shape: ResizeSpec = UNCHANGED
    opener: Opener = open_video
    _limiter: trio.CapacityLimiter = field(factory=partial(trio.CapacityLimiter, 2), init=False)
    """Two threads: if an abandoned read never ends in one of them, the other can make another attempt."""

    async def run(self, slot: FrameSlot, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the slot until the stream has ended if ``once`` is set, otherwise for ever.

        Raises:
            ConfigurationError: the source is missing and must exist.
        """
        opened: list[VideoStream] = []
        if self.must_be_there:
            try:
                opened.append(await self._in_thread(self.opener, self.address))
            except VideoUnavailable as error:
                raise ConfigurationError(str(error)) from error
        task_status.started()
        await slot.wait_asked()

        async def follow() -> None:
            stream = opened.pop() if opened else await self._in_thread(self.opener, self.address)
            await self._follow(stream, slot)
            if not self.once:
                raise VideoUnavailable(f"{self.address} has ended")

        def report(error: Exception, delay: float) -> None:
            slot.trouble = f"{error}; trying again in {delay:.1f} s"

        await keep_trying(follow, VideoUnavailable, self.backoff, report)

    async def _follow(self, stream: VideoStream, slot: FrameSlot) -> None:
        thinner = Thinner(self.fps) if self.fps else None

        def leaves_out() -> str | None:
            if thinner is not None and not thinner.admits(time.monotonic()):
                return "rate"
            return slot.cause_to_leave_out()

        slot.encodes = _encodes(stream, self.shape)
        jpegs = stream.jpegs(FrameFilter(self.shape, lambda: slot.target, leaves_out))
        while (jpeg := await self._in_thread(next, jpegs, None)) is not None:
            if isinstance(jpeg, str):
                slot.drop(jpeg)
            else:
                slot.offer(SourceFrame(jpeg, time.time()))
                self.backoff.note_success()

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        try:
            with trio.fail_after(STALL):
                return await trio.to_thread.run_sync(
                    partial(function, *args), abandon_on_cancel=True, limiter=self._limiter
                )
        except trio.TooSlowError:
            raise VideoUnavailable(f"no picture from {self.address} for {STALL:g} s") from None


def _encodes(stream: VideoStream, shape: ResizeSpec) -> bool:
    """Return whether the pictures are encoded here, instead of being passed on as JPEGs."""
    return shape != UNCHANGED or not stream.is_motion_jpeg
