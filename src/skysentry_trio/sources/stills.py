"""A source of JPEG files: a folder shown in order, or one file again and again."""

from __future__ import annotations

import time
from pathlib import Path

import trio
from attrs import define

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.sources.encoding import UNCHANGED, ResizeSpec, reshape_jpeg
from skysentry_trio.sources.frames import FrameSlot, SourceFrame
from skysentry_trio.sources.pacing import FramePacer
from skysentry_trio.sources.whole_jpeg import whole_jpeg

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe"})


@define(eq=False)
class StillsSource:
    """Shows the JPEGs at a path; each file is read just before it is shown, so files may be replaced at any time."""

    path: Path
    """A folder or one file."""
    fps: float
    once: bool = False
    shape: ResizeSpec = UNCHANGED

    async def run(self, slot: FrameSlot, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the slot until the last file has been shown if ``once`` is set, otherwise for ever.

        Raises:
            ConfigurationError: the folder contains no JPEG.
        """
        limiter = trio.CapacityLimiter(1)
        pacer = FramePacer(self.fps)
        files = await trio.to_thread.run_sync(list_jpegs, self.path, limiter=limiter)
        slot.encodes = self.shape != UNCHANGED
        task_status.started()
        await slot.wait_asked()
        while True:
            for file in files:
                await pacer.wait()
                if slot.leaves_out():
                    continue
                shape = self.shape.within(slot.target) if slot.encodes else UNCHANGED
                try:
                    jpeg = await trio.to_thread.run_sync(_read_jpeg, file, shape, limiter=limiter)
                except (OSError, ProtocolViolation) as error:
                    slot.drop("bad")
                    slot.trouble = f"{file.name}: {error}"
                else:
                    slot.offer(SourceFrame(jpeg, time.time()))
            if self.once:
                return
            files = await trio.to_thread.run_sync(list_jpegs, self.path, limiter=limiter)


def list_jpegs(path: Path) -> list[Path]:
    """Return the JPEG files of a folder sorted by name; if the path is not a folder, return only the path.

    Raises:
        ConfigurationError: the folder contains no JPEG.
    """
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in JPEG_SUFFIXES and file.is_file())
    if not files:
        raise ConfigurationError(f"no JPEG (*.jpg, *.jpeg) in the folder {path}")
    return files


def _read_jpeg(file: Path, shape: ResizeSpec) -> bytes:
    return reshape_jpeg(whole_jpeg(file.read_bytes()), shape)
