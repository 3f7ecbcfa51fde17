from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.cli.saving import CannotSave, FrameSaver
from skysentry_trio.wire.messages import rfc3339
from skysentry_trio.wire.viewer_frames import FrameHeader


def header(camera_id: str, sequence: int) -> FrameHeader:
    return FrameHeader(camera_id, sequence, rfc3339(0), None, 3, 1.0)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_frames_become_files(tmp_path: Path) -> None:
    """One folder a camera, one file a frame, named so that they sort; folders are made."""
    saver = FrameSaver(tmp_path / "new" / "folder")
    await saver.save(header("door", 7), b"one")
    await saver.save(header("door", 12), b"two")
    await saver.save(header("yard", 7), b"three")
    files = {str(path.relative_to(saver.folder)): path.read_bytes() for path in saver.folder.rglob("*.*")}
    assert files == {
        "door/door-00000007.jpg": b"one",
        "door/door-00000012.jpg": b"two",
        "yard/yard-00000007.jpg": b"three",
    }


@pytest.mark.parametrize("camera_id", ["..", "a/b", "/etc", "a\0b", ""])
async def test_no_file_is_written_outside(camera_id: str, tmp_path: Path) -> None:
    """An id that is none does not reach the disk, whatever a server says."""
    with pytest.raises(ProtocolViolation):
        await FrameSaver(tmp_path / "in").save(header(camera_id, 1), b"x")
    assert names_in(tmp_path) == []


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The error names the file and the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotSave, match=r"cannot save .*door-00000001\.jpg: Not a directory"):
        await FrameSaver(tmp_path / "file").save(header("door", 1), b"x")


async def test_a_full_disk_leaves_no_half_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written as a whole is taken away again."""

    def write_half(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(CannotSave, match="No space left on device"):
        await FrameSaver(tmp_path).save(header("door", 1), b"x")
    assert names_in(tmp_path / "door") == []
