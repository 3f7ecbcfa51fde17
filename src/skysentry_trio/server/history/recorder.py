"""Record cameras: take frames from the rings, as many a second as wanted, and hand them to the thread that writes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.rate_limit import RateLimiter
from skysentry_trio.base.sink import ALL, WriteResult
from skysentry_trio.server.health import Health
from skysentry_trio.server.history.disk_writer import DiskWriter
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.viewer import HubViewer

_INTERVAL: Final = 0.2
"""Seconds between two looks at the rings. Ten cameras of 60 fps add twelve frames each meanwhile; rings keep 16."""
_BATCH_OF_CAMERAS: Final = 256
"""Number of cameras that are looked at before other tasks run."""
SERVICE: Final = "history"


@define(eq=False)
class _Recording:
    """Which frames of one camera are recorded already."""

    camera: HubCamera
    epoch: int
    limiter: RateLimiter | None
    """None records every frame."""
    sequence: int = 0
    """Of the last frame that was looked at."""


class _Nowhere:
    """Takes each frame at once: the recorder reads the rings, and subscribes only so that cameras send frames."""

    def try_send(self, encoded: bytes) -> WriteResult:  # noqa: ARG002
        return ALL


@define(eq=False)
class Recorder:
    """Records all cameras of a hub. For a camera, the recorder is one viewer more."""

    _hub: Hub
    _writer: DiskWriter
    _max_fps: float
    """Frames a second of each camera; 0 for all frames."""
    missed: int = field(default=0, init=False)
    """Frames that left a ring before the recorder looked."""
    _began_at: float = field(factory=trio.current_time, init=False)
    _recordings: dict[str, _Recording] = field(factory=dict, init=False, repr=False)

    async def run(self, health: Health) -> None:
        """Record for ever; report in ``health`` why recording is paused."""
        with self._watch() as viewer:
            self._hub.subscribe(viewer, None, Limits(max_fps=self._max_fps or None))
            try:
                while True:
                    await self.look()
                    self._report(health)
                    await trio.sleep(_INTERVAL)
            finally:
                # The frames of the last moment; the thread writes them before it stops.
                for camera in list(self._hub.cameras):
                    self._take(camera)

    def _watch(self) -> AbstractContextManager[HubViewer]:
        return self._hub.watch(sink=_Nowhere())

    async def look(self) -> None:
        """Hand over the frames that came since the last look."""
        cameras = list(self._hub.cameras)
        for number, camera in enumerate(cameras, 1):
            self._take(camera)
            if number % _BATCH_OF_CAMERAS == 0:
                await trio.lowlevel.checkpoint()
        if len(self._recordings) > len(cameras):
            known = {camera.id for camera in cameras}
            self._recordings = {name: one for name, one in self._recordings.items() if name in known}

    def _take(self, camera: HubCamera) -> None:
        newest = camera.ring.newest
        recording = self._recordings.get(camera.id)
        if newest is None or (recording is not None and recording.sequence == newest.sequence):
            return
        if recording is None or recording.camera is not camera:
            recording = self._recordings[camera.id] = self._begin(camera, newest)
        frames = self._choose(recording)
        if frames:
            self._writer.offer(camera.id, recording.epoch, frames)

    def _begin(self, camera: HubCamera, newest: JpegFrame) -> _Recording:
        epoch = self._writer.next_epoch(camera.id)
        limiter = RateLimiter(self._max_fps, burst=0.5 / self._max_fps) if self._max_fps else None
        if camera.met >= self._began_at:
            return _Recording(camera, epoch, limiter)
        # Of a camera that was here before, what its ring holds is recorded; the earlier frames are not missed.
        oldest = camera.ring.oldest or newest
        return _Recording(camera, epoch, limiter, oldest.sequence - 1)

    def _choose(self, recording: _Recording) -> list[JpegFrame]:
        """Return the frames to record, and note them as looked at."""
        ring, frames, limiter = recording.camera.ring, list[JpegFrame](), recording.limiter
        while (frame := ring.after(recording.sequence)) is not None:
            if limiter is None:
                self.missed += frame.sequence - recording.sequence - 1
            recording.sequence = frame.sequence
            if limiter is None or limiter.admit(frame.arrived):
                frames.append(frame)
        return frames

    def _report(self, health: Health) -> None:
        trouble = self._writer.current_trouble()
        if trouble is not None:
            health.failing[SERVICE] = f"recording is paused: {trouble}"
        else:
            health.failing.pop(SERVICE, None)
