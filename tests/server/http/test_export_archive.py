"""Archives with recordings of several cameras."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.http import export_archive
from skysentry_trio.server.http.export_archive import ExportRange, write_archive
from skysentry_trio.server.http.export_jobs import open_clip
from tests.clocks import NOON
from tests.server.history.helpers import JPEG, OpenFolder, frame, frames
from tests.wire.pictures import draw_jpeg

UNEVEN = [0.0, 0.1, 0.25, 1.0, 1.04, 1.5, 2.75]
"""Seconds at which frames arrived."""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenFolder]:
    folder = OpenFolder(tmp_path / "history")
    yield folder
    folder.close()


def export(opened: OpenFolder, cameras: list[str], kind: str, end: float = NOON + 60) -> zipfile.ZipFile:
    target = io.BytesIO()
    wanted = ExportRange(cameras, NOON, end, kind)
    steps = list(
        write_archive(
            target,
            opened.path,
            lambda _camera_id: opened.reader,
            wanted,
            partial(open_clip, kind),
            lambda camera_id: [{"label": f"seen by {camera_id}"}],
        )
    )
    assert [one.done for one in steps] == sorted(one.done for one in steps)
    assert (steps[-1].done, steps[-1].nbytes) == (1.0, len(target.getvalue()))
    return zipfile.ZipFile(target)


def manifest(archive: zipfile.ZipFile) -> Any:
    return json.loads(archive.read("manifest.json"))


def test_the_manifest_has_the_hash_of_each_frame(opened: OpenFolder) -> None:
    """Each listed file is in the archive as the camera sent it, in order, with its times; events are listed, too."""
    sent = [frame(1, NOON, draw_jpeg((64, 48))), frame(2, NOON + 0.25, captured_at=NOON + 0.125)]
    opened.record("door", sent)
    opened.record("yard", frames(20))

    with export(opened, ["door", "yard", "never"], "zip") as archive:
        assert archive.testzip() is None
        said = manifest(archive)
        door, yard, never = said["cameras"]
        for one, expected in zip(door["frames"], sent, strict=True):
            content = archive.read(one["file"])
            assert content == expected.jpeg
            assert hashlib.sha256(content).hexdigest() == one["sha256"]
        names = [one["file"] for camera in said["cameras"] for one in camera["frames"]]
        assert sorted([*names, "manifest.json"]) == sorted(archive.namelist())

    assert [one["receivedAt"] for one in door["frames"]][1] == "2026-11-29T12:00:00.250000+00:00"
    assert [one["capturedAt"] for one in door["frames"]] == [None, "2026-11-29T12:00:00.125000+00:00"]
    assert len(yard["frames"]) == 20
    assert (never["frames"], never["video"], never["events"]) == ([], None, [{"label": "seen by never"}])
    assert said["from"] == "2026-11-29T12:00:00.000+00:00"


def test_a_large_archive_is_written_in_steps(opened: OpenFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step has a bounded number of bytes, and progress is said after each."""
    monkeypatch.setattr(export_archive, "_STEP", 3 * len(JPEG))
    opened.record("door", [frame(number, NOON + number) for number in range(1, 11)])
    target = io.BytesIO()
    wanted = ExportRange(["door"], NOON, NOON + 60, "zip")

    steps = list(write_archive(target, opened.path, lambda _: opened.reader, wanted, partial(open_clip, "zip")))

    assert [one.frames for one in steps] == [3, 6, 9, 10, 10]
    assert [round(one.done, 2) for one in steps] == [0.22, 0.56, 0.89, 1.0, 1.0]


@pytest.mark.parametrize("kind", ["mkv", "mp4"])
def test_videos_have_the_distances_of_the_frames(opened: OpenFolder, tmp_path: Path, kind: str) -> None:
    """FFmpeg finds each frame at its time, and a duration that is right within one frame."""
    if shutil.which("ffprobe") is None and "CI" not in os.environ:
        pytest.skip("no ffprobe on this machine")
    jpeg = draw_jpeg((64, 48))
    sent: list[JpegFrame] = [frame(number, NOON + second, jpeg) for number, second in enumerate(UNEVEN, 1)]
    opened.record("door", sent)
    with export(opened, ["door"], kind) as archive:
        (camera,) = manifest(archive)["cameras"]
        path = Path(archive.extract(camera["video"], tmp_path))

    probe = ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time:format=duration", "-of", "json", str(path)]
    found = json.loads(subprocess.run(probe, capture_output=True, check=True).stdout)
    times = [float(packet["pts_time"]) for packet in found["packets"]]
    assert times == pytest.approx(UNEVEN, abs=0.001)
    assert float(found["format"]["duration"]) == pytest.approx(UNEVEN[-1], abs=UNEVEN[-1] - UNEVEN[-2])
    played = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"], capture_output=True, check=True
    )
    assert played.stderr == b""
