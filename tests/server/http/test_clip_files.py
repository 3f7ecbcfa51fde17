"""Files of frames as other programs read them: Python's zipfile, PyAV and FFmpeg."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.http.clip_files import (
    ClipFile,
    JpegClip,
    MatroskaClip,
    ZipClip,
    file_stamp,
    local_file_stamp,
)
from skysentry_trio.wire.jpeg import inspect_jpeg
from tests.wire.pictures import exif_jpeg

NOON = 1_777_636_800.0


def draw(number: int, size: tuple[int, int]) -> bytes:
    encoded = io.BytesIO()
    Image.linear_gradient("L").resize(size).rotate(number).convert("RGB").save(encoded, "JPEG")
    return encoded.getvalue()


def make_frames(arrivals: Sequence[float], size: tuple[int, int] = (64, 48)) -> list[JpegFrame]:
    """Return frames that arrived at these times after noon, the odd ones with a time of capture."""
    return [
        JpegFrame(
            number, NOON + at, NOON + at - 0.05 if number % 2 else None, draw(number, size), *size, arrived=5000.0 + at
        )
        for number, at in enumerate(arrivals, 812)
    ]


def written(file: ClipFile, frames: list[JpegFrame], batch: int = 3) -> bytes:
    """Return the whole file, as it comes of several calls."""
    pieces = [file.add(frames[start : start + batch]) for start in range(0, len(frames), batch)]
    return b"".join([*pieces, file.finish()])


def probe(path: Path) -> Any:
    """Return what ffprobe finds in a file, which it must read without complaint."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-show_packets", "-of", "json", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


@pytest.mark.parametrize(
    ("moment", "stamp"),
    [(0.0, "19700101T000000.000Z"), (NOON + 0.2509, "20260501T120000.250Z"), (NOON + 59.9999, "20260501T120059.999Z")],
)
def test_stamps_sort_by_time(moment: float, stamp: str) -> None:
    """The stamp is that of the millisecond that has begun, in UTC, with nothing a file name may not have."""
    assert file_stamp(moment) == stamp


@pytest.mark.parametrize(
    ("zone", "stamp"),
    [
        ("UTC", "2026-05-01_12-00-00.2+00"),
        ("Asia/Karachi", "2026-05-01_17-00-00.2+05"),
        ("Asia/Kolkata", "2026-05-01_17-30-00.2+0530"),
        ("America/New_York", "2026-05-01_08-00-00.2-04"),
    ],
)
def test_names_of_downloads_have_the_time_of_the_clock_on_the_wall(
    monkeypatch: pytest.MonkeyPatch, zone: str, stamp: str
) -> None:
    """With the offset from UTC, so that they are clear elsewhere too."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert local_file_stamp(NOON + 0.2509) == stamp
    monkeypatch.undo()
    time.tzset()


def test_concatenated_jpegs_are_just_that() -> None:
    """Nothing before, between or behind."""
    frames = make_frames([0.0, 0.1, 0.2, 0.3])

    assert written(JpegClip(), frames) == b"".join(frame.jpeg for frame in frames)


def test_an_archive_has_each_jpeg_and_an_index() -> None:
    """Stored as they are, named by time and sequence, all in one folder; the index has a line for each."""
    frames = make_frames([0.0, 0.25, 61.5])
    archive = zipfile.ZipFile(io.BytesIO(written(ZipClip("door-noon"), frames)))

    assert archive.testzip() is None
    assert archive.namelist() == [
        "door-noon/20260501T120000.000Z-00000812.jpg",
        "door-noon/20260501T120000.250Z-00000813.jpg",
        "door-noon/20260501T120101.500Z-00000814.jpg",
        "door-noon/index.csv",
    ]
    assert [archive.read(name) for name in archive.namelist()[:3]] == [frame.jpeg for frame in frames]
    assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    assert archive.infolist()[2].date_time == (2026, 5, 1, 12, 1, 0), "ZIP counts in steps of two seconds"
    head, *rows = csv.reader(io.StringIO(archive.read("door-noon/index.csv").decode()))
    assert head == ["file", "sequence", "received_at", "captured_at", "width", "height", "size"]
    assert rows[1][:4] == ["20260501T120000.250Z-00000813.jpg", "813", "1777636800.250000", "1777636800.200000"]
    assert rows[1][4:] == ["64", "48", str(len(frames[1].jpeg))]
    assert [row[3] for row in rows] == ["", "1777636800.200000", ""]


def test_the_entries_of_an_archive_need_no_looking_ahead() -> None:
    """Sizes and checksums stand before the data, so programs that read archives as they come can read these."""
    frames = make_frames([0.0, 0.25])
    data = written(ZipClip("door"), frames)

    at = data.index(b"PK\x03\x04")
    flags, stored = int.from_bytes(data[at + 6 : at + 8], "little"), int.from_bytes(data[at + 18 : at + 22], "little")
    assert (at, flags & 0x08, stored) == (0, 0, len(frames[0].jpeg))


def test_a_clock_that_was_never_set_makes_an_archive_too() -> None:
    """ZIP knows no year before 1980."""
    frame = JpegFrame(1, 5.0, None, b"jpeg", 4, 3)
    archive = zipfile.ZipFile(io.BytesIO(written(ZipClip("door"), [frame])))

    assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 4)
    assert archive.namelist()[0] == "door/19700101T000005.000Z-00000001.jpg"


def test_a_video_holds_the_very_jpegs_at_the_times_at_which_they_came(tmp_path: Path) -> None:
    """Not encoded anew: PyAV and FFmpeg find each packet, byte for byte, to the millisecond."""
    arrivals = [0.0, 0.033, 0.066, 0.5, 2.5, 2.5004, 12.0, 75.25]
    frames = make_frames(arrivals)
    path = tmp_path / "clip.mkv"
    path.write_bytes(written(MatroskaClip("Front door", frames[0], frames[-1]), frames))

    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert [bytes(packet) for packet in packets] == [frame.jpeg for frame in frames]
        assert [packet.pts for packet in packets] == [0, 33, 66, 500, 2500, 2501, 12000, 75250]
    found = probe(path)
    (stream,) = found["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("mjpeg", 64, 48)
    assert [float(packet["pts_time"]) for packet in found["packets"]] == [0, 0.033, 0.066, 0.5, 2.5, 2.501, 12, 75.25]
    assert found["format"]["format_name"] == "matroska,webm"
    assert float(found["format"]["duration"]) == 75.25
    assert found["format"]["tags"]["title"] == "Front door"
    assert found["format"]["tags"]["creation_time"].startswith("2026-05-01T12:00:00")


def test_every_frame_of_a_video_can_be_decoded(tmp_path: Path) -> None:
    """FFmpeg decodes each without an error, also when their size changes on the way."""
    frames = make_frames([0.0, 0.1, 0.2]) + make_frames([0.3, 0.4], (128, 96))
    path = tmp_path / "clip.mkv"
    path.write_bytes(written(MatroskaClip("door", frames[0], frames[-1]), frames))

    with av.open(str(path)) as container:
        decoded = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert decoded == [(64, 48)] * 3 + [(128, 96)] * 2
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    assert subprocess.run(command, check=True, capture_output=True, timeout=60).stderr == b""


@pytest.mark.parametrize("size", [(1, 1), (65_535, 65_535)])
def test_a_video_may_have_one_frame_of_any_size(size: tuple[int, int]) -> None:
    """Nothing is divided by its length, and nothing looks into the picture."""
    frame = JpegFrame(1, NOON, None, draw(1, (16, 16)), *size, arrived=1.0)
    data = written(MatroskaClip("door", frame, frame), [frame])

    with av.open(io.BytesIO(data), "r") as container:
        assert [packet.size for packet in container.demux(video=0)][:1] == [len(frame.jpeg)]


def test_a_video_says_the_size_of_the_stored_pictures() -> None:
    """Players turn the pictures by the orientation in them; turning the size as well would squeeze them."""
    jpeg = exif_jpeg(6)
    size = inspect_jpeg(jpeg)
    frames = [JpegFrame(number, 1e9 + number, None, jpeg, size.width, size.height) for number in (1, 2)]
    head = MatroskaClip("turned", *frames).add(frames)
    assert (size.width, size.height) == (24, 32)
    # PixelWidth and PixelHeight of the track (RFC 9559 section 5.1.4.1.28).
    assert b"\xb0\x81\x20\xba\x81\x18" in head


def test_a_video_is_written_piece_by_piece() -> None:
    """Ten minutes of it do not wait in memory for the end."""
    frames = make_frames([index / 2 for index in range(1200)])
    file = MatroskaClip("door", frames[0], frames[-1])
    held = 0
    for start in range(0, 1200, 10):
        held += sum(len(frame.jpeg) for frame in frames[start : start + 10]) - len(file.add(frames[start : start + 10]))
        assert held < 200_000
    file.finish()


def test_pyav_is_loaded_for_videos_only() -> None:
    """Servers that make none need not have it."""
    program = (
        "import sys, skysentry_trio.server.http.clip_files as c; c.ZipClip('a').finish(); sys.exit('av' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
