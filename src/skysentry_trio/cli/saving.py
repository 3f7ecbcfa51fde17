"""Frames as files: ``DIR/<id>/<id>-<sequence>.jpg``."""

from __future__ import annotations

import os
from pathlib import Path

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import SkySentryError
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.viewer_frames import FrameHeader


class CannotSave(SkySentryError):
    """A frame cannot be written, for example because the disk is full."""


@define(eq=False)
class FrameSaver:
    """Writes frames into a folder, in a thread."""

    folder: Path
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def save(self, header: FrameHeader, jpeg: bytes) -> None:
        """Write a frame; the file appears only when it is complete.

        Raises:
            CannotSave: the file could not be written.
        """
        await trio.to_thread.run_sync(self._write, header.camera_id, header.sequence, jpeg, limiter=self._limiter)

    def _write(self, camera_id: str, sequence: int, jpeg: bytes) -> None:
        # The id becomes a file name, and we do not trust the server to send a valid id.
        check_camera_id(camera_id)
        # With eight digits, file names sort like numbers for the first 38 days at 30 frames a second.
        path = self.folder / camera_id / f"{camera_id}-{sequence:08d}.jpg"
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_bytes(jpeg)
                part.replace(path)
            except OSError:
                part.unlink(missing_ok=True)
                raise
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise CannotSave(f"cannot save {path}: {reason}") from error
