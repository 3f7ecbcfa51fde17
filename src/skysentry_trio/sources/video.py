"""Sources that PyAV reads: a file that is played at its rate, and a device or an address that is followed live."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import trio
from attrs import define, field

from skysentry_trio.base.backoff import Backoff, keep_trying
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.sources.encoding import UNCHANGED, ResizeSpec
from skysentry_trio.sources.frames import FrameSlot, SourceFrame, report_trouble
from skysentry_trio.sources.pacing import FramePacer, PlaybackClock, Thinner
from skysentry_trio.sources.video_stream import (
    PEER_TIMEOUT,
    FrameFilter,
    VideoAddress,
    VideoStream,
    VideoUnavailable,
    open_video,
)

STALL = 20.0
"""Seconds without a picture after which a device or an address is opened again."""
_STILL = 1.0
"""Seconds between two readings of a file that holds only one picture."""
_BAD = "bad"

T = TypeVar("T")
Opener = Callable[[VideoAddress], VideoStream]


@define(eq=False)
class VideoFileSource:
    """Plays a video file, by default at the times of its pictures.

    The file may be replaced at any time. Once a picture was shown, a file that is missing or unfinished is tried again.
    """

    address: VideoAddress
    backoff: Backoff
    fps: float | None = None
    once: bool = False
    shape: ResizeSpec = UNCHANGED
    _limiter: trio.CapacityLimiter = field(factory=partial(trio.CapacityLimiter, 1), init=False)

    async def run(self, slot: FrameSlot, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the slot until the end of the file if ``once`` is set, otherwise for ever.

        Raises:
            ConfigurationError: the file is not a video, or contains no picture, at the start.
        """
        clock = PlaybackClock()
        pacer = FramePacer(self.fps) if self.fps else None

        async def play(stream: VideoStream) -> None:
            clock.longest_pause = stream.longest_pause
            shown = await self._play(stream, slot, clock, pacer)
            clock.begin_again(_STILL if shown == 1 else None)
            if not shown:
                raise VideoUnavailable(f"{self.address} contains no picture that can be shown")

        try:
            stream = await self._in_thread(open_video, self.address)
            task_status.started()
            await slot.wait_asked()
            await play(stream)
        except VideoUnavailable as error:
            if not slot.offered or self.once:
                raise ConfigurationError(str(error)) from error
            slot.trouble = str(error)

        async def play_again() -> None:
            while not self.once:
                await play(await self._in_thread(open_video, self.address))
                self.backoff.note_success()

        await keep_trying(play_again, VideoUnavailable, self.backoff, partial(report_trouble, slot))

    async def _play(self, stream: VideoStream, slot: FrameSlot, clock: PlaybackClock, pacer: FramePacer | None) -> int:
        """Play the file once; return the number of its pictures that are not bad."""
        shown = 0
        slot.encodes = _encodes(stream, self.shape)
        pictures = stream.pictures(FrameFilter(self.shape, lambda: slot.target, slot.cause_to_leave_out))
        while (picture := await self._in_thread(next, pictures, None)) is not None:
            if picture.jpeg == _BAD:
                slot.drop(_BAD)
                continue
            if pacer is None:
                await clock.wait(picture.moment, picture.duration)
            else:
                await pacer.wait()
            if isinstance(picture.jpeg, str):
                slot.drop(picture.jpeg)
            else:
                slot.offer(SourceFrame(picture.jpeg, time.time()))
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
            ConfigurationError: the source is missing and must exist. A device that another program uses is waited for.
        """
        opened: list[VideoStream] = []
        if self.must_be_there:
            try:
                opened.append(await self._open())
            except VideoUnavailable as error:
                if error.errno != errno.EBUSY:
                    raise ConfigurationError(str(error)) from error
                slot.trouble = str(error)
        task_status.started()
        await slot.wait_asked()

        async def follow() -> None:
            await self.follow(slot, opened.pop() if opened else None)
            if not self.once:
                raise VideoUnavailable(f"{self.address} has ended")

        await keep_trying(follow, VideoUnavailable, self.backoff, partial(report_trouble, slot))

    async def follow(self, slot: FrameSlot, stream: VideoStream | None = None) -> None:
        """Fill the slot until the stream ends. A recording is played at the times of its pictures.

        Args:
            slot: gets the frames.
            stream: what to follow; None to open the address.

        Raises:
            VideoUnavailable: the address cannot be opened, or reading failed.
        """
        stream = stream or await self._open()
        thinner = Thinner(self.fps) if self.fps else None
        clock = PlaybackClock(stream.longest_pause) if stream.has_end else None
        following = True

        def leaves_out() -> str | None:
            if not following:
                # This thread was left behind in a read that took too long, and another one follows the source now.
                raise VideoUnavailable("abandoned")
            if thinner is not None and not thinner.admits(time.monotonic()):
                return "rate"
            return slot.cause_to_leave_out()

        slot.encodes = _encodes(stream, self.shape)
        pictures = stream.pictures(FrameFilter(self.shape, lambda: slot.target, leaves_out))
        try:
            while (picture := await self._in_thread(STALL, next, pictures, None)) is not None:
                if clock is not None:
                    await clock.wait(picture.moment, picture.duration)
                if isinstance(picture.jpeg, str):
                    slot.drop(picture.jpeg)
                else:
                    slot.offer(SourceFrame(picture.jpeg, time.time()))
                    self.backoff.note_success()
        finally:
            following = False

    async def _open(self) -> VideoStream:
        # Each set of options may take the full time.
        seconds = max(STALL, PEER_TIMEOUT * (len(self.address.options) + 1))
        return await self._in_thread(seconds, self.opener, self.address)

    async def _in_thread(self, seconds: float, function: Callable[..., T], *args: object) -> T:
        try:
            with trio.fail_after(seconds):
                return await trio.to_thread.run_sync(
                    partial(function, *args), abandon_on_cancel=True, limiter=self._limiter
                )
        except trio.TooSlowError:
            raise VideoUnavailable(f"no picture from {self.address} for {seconds:g} s") from None


def _encodes(stream: VideoStream, shape: ResizeSpec) -> bool:
    """Return whether the pictures are encoded here, instead of being passed on as JPEGs."""
    return shape != UNCHANGED or not stream.is_motion_jpeg
