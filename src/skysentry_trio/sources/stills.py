"""A source of JPEG files: a folder shown in order, or one file again and again."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import trio
from attrs import define, field

from skysentry_trio.base.backoff import Backoff, keep_trying
from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.sources.encoding import UNCHANGED, ResizeSpec, reshape_jpeg
from skysentry_trio.sources.frames import FrameSlot, SourceFrame, report_trouble
from skysentry_trio.sources.pacing import FramePacer
from skysentry_trio.sources.whole_jpeg import whole_jpeg

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe"})


@define(eq=False)
class StillsSource:
    """Shows the JPEGs at a path; each file is read just before it is shown, so files may be replaced at any time."""

    path: Path
    """A folder or one file."""
    fps: float
    backoff: Backoff
    once: bool = False
    shape: ResizeSpec = UNCHANGED
    _limiter: trio.CapacityLimiter = field(factory=partial(trio.CapacityLimiter, 1), init=False)

    async def run(self, slot: FrameSlot, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the slot until the last file has been shown if ``once`` is set, otherwise for ever.

        Raises:
            ConfigurationError: the folder contains no JPEG at the start. Later, the folder is tried again.
        """
        pacer = FramePacer(self.fps)
        is_folder = await trio.to_thread.run_sync(self.path.is_dir, limiter=self._limiter)
        files = await self._list(is_folder)
        slot.encodes = self.shape != UNCHANGED
        task_status.started()
        await slot.wait_asked()
        await self._show(files, slot, pacer)

        async def show_again() -> None:
            while not self.once:
                await self._show(await self._list(is_folder), slot, pacer)
                self.backoff.note_success()

        await keep_trying(show_again, ConfigurationError, self.backoff, partial(report_trouble, slot))

    async def _list(self, is_folder: bool) -> list[Path]:  # noqa: FBT001 - a private step
        if not is_folder:
            return [self.path]
        return await trio.to_thread.run_sync(list_jpegs, self.path, limiter=self._limiter)

    async def _show(self, files: list[Path], slot: FrameSlot, pacer: FramePacer) -> None:
        for file in files:
            await pacer.wait()
            if slot.leaves_out():
                continue
            shape = self.shape.within(slot.target) if slot.encodes else UNCHANGED
            try:
                jpeg = await trio.to_thread.run_sync(_read_jpeg, file, shape, limiter=self._limiter)
            except (OSError, ProtocolViolation) as error:
                slot.drop("bad")
                slot.trouble = f"{file.name}: {getattr(error, 'strerror', None) or error}"
            else:
                slot.offer(SourceFrame(jpeg, time.time()))


def list_jpegs(folder: Path) -> list[Path]:
    """Return the JPEG files of a folder sorted by name.

    Raises:
        ConfigurationError: the folder cannot be read, or contains no JPEG.
    """
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in JPEG_SUFFIXES and file.is_file())
    except OSError as error:
        raise ConfigurationError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    if not files:
        raise ConfigurationError(f"no JPEG (*.jpg, *.jpeg) in the folder {folder}")
    return files


def _read_jpeg(file: Path, shape: ResizeSpec) -> bytes:
    return reshape_jpeg(whole_jpeg(file.read_bytes()), shape)
