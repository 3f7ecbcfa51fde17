"""The frames of a clip: those on disk, then those that are still in the ring of the camera."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

import trio
from attrs import define, field, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.principal import Action
from skysentry_trio.base.timeline import M, Timeline
from skysentry_trio.server.http.clip_files import batches_of
from skysentry_trio.server.http.lookup import find_newest
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.http.ring_reader import iterate_ring
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.wire.jpeg import PictureSize
from skysentry_trio.wire.messages import rfc3339
from skysentry_trio.wire.query import Query

if TYPE_CHECKING:
    from skysentry_trio.server.history.recorded_part import RecordedPart

_MAX_BACK: Final = 86400.0 * 365
"""Seconds."""
_MOST_SIZES: Final = 1000
"""Number of frames that are looked at for the size of a video."""
_MOMENT: Final = 0.001
"""Seconds: the index of recordings has times in this resolution."""


@frozen
class Limit:
    """The first or the last moment of a clip."""

    moment: float
    """The moment, in seconds since the epoch."""
    back: float | None
    """Seconds before now if the query has a negative number, else None; changes of the system's clock do not matter."""

    @classmethod
    def read(cls, query: Query, name: str, default: float) -> Limit:
        """Read a limit from a query: a moment, or seconds before now as a negative number.

        Args:
            query: of the request.
            name: of the parameter.
            default: the moment if the query has no such parameter, in seconds since the epoch.
        """
        if (query.text(name) or "").startswith("-"):
            back = -(query.number(name, -_MAX_BACK, 0) or 0.0)
            return cls(time.time() - back, back)
        moment = query.moment(name)
        return cls(default if moment is None else moment, None)

    def last_until(self, timeline: Timeline[M], now: float) -> M | None:
        """Return the last frame that arrived no later than the limit; ``now`` is of the monotonic clock."""
        return timeline.at(self.moment) if self.back is None else timeline.back(self.back, now)

    def first_from(self, timeline: Timeline[M], now: float) -> M | None:
        """Return the first frame that arrived no earlier than the limit; ``now`` is of the monotonic clock."""
        before = self.last_until(timeline, now)
        if before is None:
            return timeline.oldest
        is_then = before.received_at == self.moment if self.back is None else before.arrived == now - self.back
        return before if is_then else timeline.after(before.sequence)


@frozen
class _RingPart:
    """Frames of a ring, from one to another."""

    camera: HubCamera
    first: JpegFrame
    last: JpegFrame

    def frames(self, hub: ScopedHub) -> Iterator[JpegFrame]:
        """Yield the frames."""
        return iterate_ring(hub, self.camera, after=self.first.sequence - 1, last=self.last.sequence)


async def _find_nothing(_begin: float, _end: float) -> None:
    return None


@define(eq=False)
class FrameBatches:
    """The frames of a clip in batches, each of which is read when the caller asks for it.

    What has left the ring before it is read is looked for in the recordings again.

    This is no async generator, because nobody would close it if the client leaves.
    """

    _recordings: Recordings
    _recorded: Iterator[list[JpegFrame]] | None
    _ring: Iterator[list[JpegFrame]]
    _part: _RingPart | None = None
    """What the ring had at the beginning; None for nothing."""
    _find: Callable[[float, float], Awaitable[Iterator[list[JpegFrame]] | None]] = _find_nothing
    """Returns the recorded frames between two moments."""
    _read: JpegFrame | None = field(default=None, init=False, repr=False)
    """The last frame that was read from the ring."""
    _waiting: list[JpegFrame] = field(factory=list, init=False, repr=False)
    """Of the ring, after the recorded frames."""

    async def next(self) -> list[JpegFrame]:
        """Return the next batch; an empty list at the end."""
        if batch := await self._next_recorded():
            return batch
        if not self._waiting:
            self._waiting = next(self._ring, [])
            if (gap := self._gap_before(self._waiting)) is not None:
                self._recorded = await self._find(*gap)
                if batch := await self._next_recorded():
                    return batch
        batch, self._waiting = self._waiting, []
        return batch

    async def _next_recorded(self) -> list[JpegFrame]:
        if self._recorded is None:
            return []
        read: Callable[[], list[JpegFrame]] = partial(next, self._recorded, list[JpegFrame]())
        if not (batch := await self._recordings.run(read)):
            self._recorded = None
        return batch

    def _gap_before(self, batch: list[JpegFrame]) -> tuple[float, float] | None:
        """Return between which moments frames have left the ring before they were read; None if none have."""
        if self._part is None:
            return None
        first, last, before = self._part.first, self._part.last, self._read
        self._read = batch[-1] if batch else last
        expected, since = (
            (first.sequence, first.received_at - _MOMENT)
            if before is None
            else (before.sequence + 1, before.received_at + _MOMENT)
        )
        if batch:
            return (since, batch[0].received_at - _MOMENT) if batch[0].sequence > expected else None
        return (since, last.received_at) if expected <= last.sequence else None


@frozen
class ClipSource:
    """The frames of a clip, of which there is at least one."""

    camera_id: str
    title: str
    first: JpegFrame
    last: JpegFrame
    _hub: ScopedHub
    _recordings: Recordings
    _recorded: RecordedPart | None
    _ring: _RingPart | None

    def batches(self, most: int) -> FrameBatches:
        """Return the frames in batches of about ``most`` bytes."""
        recorded = None if self._recorded is None else batches_of(self._recorded.frames, most)
        if self._ring is None:
            return FrameBatches(self._recordings, recorded, iter(()))

        async def find(begin: float, end: float) -> Iterator[list[JpegFrame]] | None:
            found = await self._recordings.part(self._hub, self.camera_id, begin, end)
            return None if found is None else batches_of(found.frames, most)

        ring = batches_of(self._ring.frames(self._hub), most)
        return FrameBatches(self._recordings, recorded, ring, self._ring, find)

    def largest_size(self) -> PictureSize:
        """Return the size of the largest of some frames: a camera sends smaller ones while nobody needs large ones."""
        frames = [self.first, self.last]
        if (ring := self._ring) is not None:
            frames += [ring.first, *_sample(ring.camera.ring, ring.first, ring.last)]
        largest = max(frames, key=lambda frame: frame.width * frame.height)
        return PictureSize(largest.width, largest.height)


async def find_source(hub: ScopedHub, camera_id: str, query: Query, recordings: Recordings) -> ClipSource:
    """Return the frames that a query asks for.

    Raises:
        ProtocolViolation: with code ``invalid-message`` if the limits make no sense, ``not-found`` without such a
            camera, ``no-frame`` if the camera has no frames between them.
    """
    begin, end = Limit.read(query, "from", 0.0), Limit.read(query, "to", math.inf)
    if begin.moment > end.moment:
        raise ProtocolViolation(f"from is a moment before to, got {query.text('from')!a} and {query.text('to')!a}")
    camera = hub.camera(camera_id, Action.HISTORY)
    oldest = None if camera is None else hub.timeline(camera).oldest
    # Before the wait for the disk: what leaves the ring meanwhile is looked for in the recordings again.
    ring = None if camera is None else _find_in_ring(hub, camera, begin, end)
    recorded = None
    if hub.may(Action.HISTORY, camera_id):
        until = end.moment if oldest is None else min(end.moment, oldest.received_at - _MOMENT)
        recorded = await recordings.part(hub, camera_id, begin.moment, until)
    if recorded is None and ring is None:
        ring = _choose(hub, find_newest(hub, camera_id, Action.HISTORY)[0], begin, end)
    parts = [part for part in (recorded, ring) if part is not None]
    title = (camera.name if camera is not None else None) or camera_id
    return ClipSource(camera_id, title, parts[0].first, parts[-1].last, hub, recordings, recorded, ring)


def _choose(hub: ScopedHub, camera: HubCamera, begin: Limit, end: Limit) -> _RingPart:
    """Return the frames of a ring that a clip has.

    Raises:
        ProtocolViolation: with code ``no-frame`` if the camera has no frames between the limits.
    """
    part = _find_in_ring(hub, camera, begin, end)
    if part is None:
        ring = hub.timeline(camera)
        held = [rfc3339(frame.received_at) for frame in (ring.oldest, ring.newest) if frame is not None]
        has = f"; it has some from {' to '.join(held)}" if held else ""
        raise ProtocolViolation(f"camera {camera.id} has no frames of this time{has}", "no-frame")
    return part


def _find_in_ring(hub: ScopedHub, camera: HubCamera, begin: Limit, end: Limit) -> _RingPart | None:
    timeline, now = hub.timeline(camera), trio.current_time()
    first, last = begin.first_from(timeline, now), end.last_until(timeline, now)
    if first is None or last is None or first.sequence > last.sequence:
        return None
    return _RingPart(camera, first, last)


def _sample(timeline: Timeline[JpegFrame], first: JpegFrame, last: JpegFrame) -> Iterator[JpegFrame]:
    step = max(1, (last.sequence - first.sequence) // _MOST_SIZES)
    for sequence in range(first.sequence, last.sequence, step):
        frame = timeline.after(sequence)
        if frame is not None and frame.sequence < last.sequence:
            yield frame
