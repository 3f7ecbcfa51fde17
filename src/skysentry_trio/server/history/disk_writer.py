"""The thread that writes a history, and deletes the segments that are too old."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Condition, Thread
from typing import Final
from zlib import crc32

from attrs import define, field, frozen

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.history.age_clock import AgeClock, steady_time
from skysentry_trio.server.history.ageing import Ageing
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.frame_table import FrameTable, follows, tick_of
from skysentry_trio.server.history.index import Segment, Usage
from skysentry_trio.server.history.retention import Forecast, RetentionLimits, choose_expired, forecast
from skysentry_trio.server.history.segment_writer import SegmentWriter

log = get_logger(__name__)

SEGMENT_SECONDS: Final = 60.0
_RETRY: Final = 5.0
"""Seconds after an error during which nothing is written."""
_CLEANING: Final = 60.0
"""Seconds between two searches for segments that are too old."""
_MOST_DELETED: Final = 500
"""Segments deleted at once, so that frames do not wait for a long deletion."""
_SLOW: Final = 5.0
"""Seconds after which a write that has not returned is reported."""
_NO_CAMERA: Final = ""
"""Instead of a camera id: what concerns no single camera."""
_DAY: Final = 86400.0


@frozen
class _Trouble:
    sentence: str
    retry_at: float


@frozen
class _Batch:
    camera_id: str
    epoch: int
    frames: list[JpegFrame]
    nbytes: int


@define(eq=False)
class DiskWriter:
    """Writes batches of frames in a thread of its own.

    A disk that is slow, full or hanging never makes the event loop wait: `offer` refuses frames if too many wait.
    """

    folder: HistoryFolder
    limits: RetentionLimits
    max_waiting: int
    """Bytes of frames that may wait for the thread."""
    sync_interval: float
    """Seconds after which the disk is made to keep what was written."""
    _clock: Callable[[], float] = time.time
    _monotonic: Callable[[], float] = time.monotonic
    events: EventLog | None = None
    """What happened at the cameras; written by the same thread."""
    _steady: Callable[[], float] = steady_time
    ageing: Ageing = field()
    """Thins out old segments while nothing waits to be written."""
    waiting_bytes: int = field(default=0, init=False)
    """Bytes of frames that wait for the thread."""
    frames_written: int = field(default=0, init=False)
    bytes_written: int = field(default=0, init=False)
    frames_dropped: int = field(default=0, init=False)
    """Frames that were not recorded because the disk was too slow, full or failing."""
    usages: tuple[Usage, ...] = field(default=(), init=False, repr=False)
    """What each camera has on disk, as it was a minute ago at most."""
    forecast: Forecast = field(factory=Forecast, init=False, repr=False)
    """What will be deleted next."""
    trouble: str | None = field(default=None, init=False)
    """Why nothing is recorded; None if all is well."""
    unthinned: int = field(default=0, init=False)
    """Segments that ageing has to look at, as it was a minute ago at most."""
    _busy_since: float | None = field(default=None, init=False)
    _hangs: bool = field(default=False, init=False)
    """Whether the log says that the disk does not answer."""
    _batches: deque[_Batch] = field(factory=deque, init=False, repr=False)
    _changed: Condition = field(factory=Condition, init=False, repr=False)
    _open: dict[str, SegmentWriter] = field(factory=dict, init=False, repr=False)
    _epochs: dict[str, int] = field(factory=dict, init=False, repr=False)
    _stopping: bool = field(default=False, init=False)
    _troubles: dict[str, _Trouble] = field(factory=dict, init=False, repr=False)
    """By camera id, or `_NO_CAMERA`: what failed last and has not succeeded since."""
    _synced_at: float = field(default=0.0, init=False)
    _cleaned_at: float = field(default=float("-inf"), init=False)
    _ages: bool = field(default=False, init=False)
    """Whether ageing has something to do."""
    _age_clock: AgeClock = field(init=False, repr=False)
    _thread: Thread | None = field(default=None, init=False, repr=False)

    @ageing.default
    def _age_nothing(self) -> Ageing:
        return Ageing(self.folder, ())

    @_age_clock.default
    def _make_age_clock(self) -> AgeClock:
        return AgeClock(self._clock, self._steady)

    def start(self) -> None:
        """Start the thread once; a thread that hangs in a write does not keep the process from ending."""
        if self._thread is not None:
            return
        self._synced_at = self._monotonic()
        self._epochs = self.folder.index.last_epochs()
        self._thread = Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Write what waits, and close all segments.

        Args:
            seconds: to wait for the thread.

        Returns:
            Whether everything is written.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def offer(self, camera_id: str, epoch: int, frames: list[JpegFrame]) -> bool:
        """Hand over frames of a camera, in order, without waiting.

        Returns:
            False if too many bytes wait; the frames are dropped and counted.
        """
        nbytes = sum(len(frame.jpeg) for frame in frames)
        with self._changed:
            if self.waiting_bytes + nbytes > self.max_waiting:
                self.frames_dropped += len(frames)
                return False
            self.waiting_bytes += nbytes
            self._batches.append(_Batch(camera_id, epoch, frames, nbytes))
            if len(self._batches) == 1:
                self._changed.notify()
        return True

    def next_epoch(self, camera_id: str) -> int:
        """Return an epoch that is higher than all epochs of a camera so far."""
        self._epochs[camera_id] = epoch = self._epochs.get(camera_id, 0) + 1
        return epoch

    def current_trouble(self) -> str | None:
        """Return why nothing is recorded now, or that the disk hangs; None if all is well."""
        since = self._busy_since
        if since is not None and (seconds := self._monotonic() - since) > _SLOW:
            if not self._hangs:
                self._hangs = True
                log.error("recording paused", error="the disk does not answer")
            return f"the disk has not answered for {seconds:.0f}s"
        return self.trouble

    def open_segments(self) -> Iterator[tuple[Segment, FrameTable]]:
        """Yield the segments that are being written, which the index does not have yet."""
        for writer in tuple(self._open.values()):
            segment = writer.describe()
            if segment is not None:
                yield segment, writer.table

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._batches and not self._stopping and not self._ages:
                    self._changed.wait(1.0)
                batches = list(self._batches)
                self._batches.clear()
                stopping = self._stopping
            self._busy_since = self._monotonic()
            for batch in batches:
                self._write(batch)
                with self._changed:
                    self.waiting_bytes -= batch.nbytes
                self._busy_since = self._monotonic()
            self._maintain(everything=stopping)
            if self._ages and not stopping:
                self._busy_since = self._monotonic()
                self._age()
            self._busy_since = None
            if stopping:
                return

    def _write(self, batch: _Batch) -> None:
        now = self._monotonic()
        if self._rests(batch.camera_id, now):
            self.frames_dropped += len(batch.frames)
            return
        written = 0
        try:
            for writer, frames in self._split(batch):
                writer.write(frames)
                written += len(frames)
                self.bytes_written += sum(len(frame.jpeg) for frame in frames)
        except Exception as error:  # noqa: BLE001 - whatever fails, the thread goes on with the next batch
            self._fail(batch.camera_id, error)
            self.frames_dropped += len(batch.frames) - written
        else:
            self._succeed(batch.camera_id)
        self.frames_written += written

    def _split(self, batch: _Batch) -> Iterator[tuple[SegmentWriter, list[JpegFrame]]]:
        """Yield the frames of a batch by segment; begin new segments where they are due."""
        frames = deque(batch.frames)
        while frames:
            writer = self._open.get(batch.camera_id)
            if writer is None or not writer.takes(frames[0], batch.epoch):
                self._finish(batch.camera_id)
                writer = self._begin(batch.camera_id, batch.epoch, frames[0].received_at)
            chosen = [frames.popleft()]
            # The table knows only frames that are written, so this compares with the frame before.
            while frames and _follows(chosen[-1], frames[0]) and frames[0].received_at < writer.ends_at:
                chosen.append(frames.popleft())
            yield writer, chosen

    def _begin(self, camera_id: str, epoch: int, started_at: float) -> SegmentWriter:
        free = self.folder.free_bytes()
        if free < self.limits.min_free:
            self._make_room()
            if self.folder.free_bytes() < self.limits.min_free:
                raise OSError(f"only {free // 1_000_000} MB are free on the volume, and nothing more may be deleted")
        writer = SegmentWriter.create(self.folder, camera_id, epoch, started_at, _end_of_segment(camera_id, started_at))
        self._open[camera_id] = writer
        return writer

    def _finish(self, camera_id: str) -> None:
        """Close the current segment of a camera, and enter it into the index."""
        writer = self._open.get(camera_id)
        if writer is None:
            return
        try:
            try:
                writer.sync()
            finally:
                # A reader that looks at the open segments first, and then into the index, finds it in one of the two.
                if (segment := writer.describe()) is not None:
                    self.folder.enter(segment, writer.table)
        finally:
            del self._open[camera_id]
            writer.close()

    def _maintain(self, *, everything: bool) -> None:
        """Finish segments that are over, make the disk keep what was written, and delete what is too old."""
        now, moment = self._monotonic(), self._clock()
        self._write_events(now)
        self._forget_old_troubles(now)
        for writer in list(self._open.values()):
            # A camera that sends no more frames leaves a segment that is over.
            if everything or moment >= writer.ends_at + _RETRY:
                self._attempt(writer.camera_id, lambda writer=writer: self._finish(writer.camera_id))  # type: ignore[misc]
        if now - self._synced_at >= self.sync_interval:
            self._synced_at = now
            for writer in list(self._open.values()):
                self._attempt(writer.camera_id, writer.sync)
        if now - self._cleaned_at >= _CLEANING:
            self._cleaned_at = now
            self._attempt(_NO_CAMERA, self._delete_old)
            if math.isfinite(self.limits.max_age):
                oldest = self._age_clock.now() - self.limits.max_age
                self._attempt(_NO_CAMERA, lambda: self.folder.delete_old_events(oldest))
            self._ages = bool(self.ageing.rules)

    def _write_events(self, now: float) -> None:
        if self.events is None or not self.events.is_waiting or self._rests(_NO_CAMERA, now):
            return
        try:
            self.events.write()
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(_NO_CAMERA, error)
        else:
            self._succeed(_NO_CAMERA)

    def _age(self) -> None:
        """Thin out one segment; after the last one, and after an error, rest until the next cleaning."""
        try:
            self._ages = self.ageing.step(self._age_clock.now())
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("old recordings cannot be thinned out", error=str(error))
            self._ages = False

    def _attempt(self, camera_id: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(camera_id, error)

    def _delete_old(self) -> None:
        index, now, limits = self.folder.index, self._age_clock.now(), self.limits
        usages, expired = index.usage(), list[Segment]()
        for usage in usages:
            if usage.nbytes > limits.max_camera_bytes:
                oldest = index.oldest(_MOST_DELETED, camera_id=usage.camera_id)
                of_camera = RetentionLimits(max_bytes=limits.max_camera_bytes)
                expired += choose_expired(oldest, of_camera, now=now, nbytes=usage.nbytes, free=0)
        self._delete(expired)
        nbytes = sum(usage.nbytes for usage in usages) - sum(segment.nbytes for segment in expired)
        more = choose_expired(
            index.oldest(_MOST_DELETED), limits, now=now, nbytes=nbytes, free=self.folder.free_bytes()
        )
        self._delete(more)
        if len(expired) >= _MOST_DELETED or len(more) == _MOST_DELETED:
            self._cleaned_at = float("-inf")
        self._look_ahead(now)

    def _make_room(self) -> None:
        """Delete the oldest segments until enough space is free."""
        limits = RetentionLimits(min_free=self.limits.min_free)
        oldest, free = self.folder.index.oldest(_MOST_DELETED), self.folder.free_bytes()
        self._delete(choose_expired(oldest, limits, now=0.0, nbytes=0, free=free))

    def _delete(self, segments: list[Segment]) -> None:
        if segments:
            self.folder.delete(segments)
            log.info("old recordings deleted", segments=len(segments), nbytes=sum(one.nbytes for one in segments))

    def _look_ahead(self, now: float) -> None:
        self.unthinned = self.ageing.waiting(now)
        self.usages = usages = tuple(self.folder.index.usage())
        grown = self.folder.index.growth(now - _DAY)
        growth = {
            usage.camera_id: grown.get(usage.camera_id, 0) / min(_DAY, max(_CLEANING, now - usage.oldest_at))
            for usage in usages
        }
        self.forecast = forecast(usages, growth, self.limits, now=now, free=self.folder.free_bytes())

    def _rests(self, camera_id: str, now: float) -> bool:
        trouble = self._troubles.get(camera_id)
        return trouble is not None and now < trouble.retry_at

    def _fail(self, camera_id: str, error: Exception) -> None:
        """Pause the recording of a camera after an error; the segment ends with the last frame that was written."""
        sentence = f"{getattr(error, 'strerror', None) or error}" or type(error).__name__
        if self.trouble is None:
            log.error("recording paused", camera=camera_id or None, error=sentence, retry_in=_RETRY)
        self.trouble = sentence
        self._troubles[camera_id] = _Trouble(sentence, self._monotonic() + _RETRY)
        if (writer := self._open.get(camera_id)) is not None:
            with suppress(Exception):
                if (segment := writer.describe()) is not None:
                    self.folder.enter(segment, writer.table)
            del self._open[camera_id]
            writer.close()

    def _succeed(self, camera_id: str) -> None:
        """Note that a camera is recorded again. Recording as a whole works again once no camera has trouble."""
        self._troubles.pop(camera_id, None)
        if self._troubles:
            self.trouble = next(iter(self._troubles.values())).sentence
        elif self.trouble is not None or self._hangs:
            log.info("recording again", dropped=self.frames_dropped)
            self.trouble, self._hangs = None, False

    def _forget_old_troubles(self, now: float) -> None:
        """Forget the trouble of cameras that have left: nothing of them is written any more that could succeed."""
        for camera_id, trouble in list(self._troubles.items()):
            if now >= trouble.retry_at + _CLEANING:
                self._succeed(camera_id)


def _follows(before: JpegFrame, after: JpegFrame) -> bool:
    return follows(before.sequence, tick_of(before.received_at), after.sequence, after.received_at)


def _end_of_segment(camera_id: str, started_at: float) -> float:
    """Return when a segment ends: once a minute, at another second for each camera, so that not all end at once."""
    offset = crc32(camera_id.encode()) % SEGMENT_SECONDS
    return started_at - (started_at - offset) % SEGMENT_SECONDS + SEGMENT_SECONDS
