"""MP4 files as FFmpeg and PyAV read them; tests/e2e/test_clips.py plays one in a browser."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from attrs import evolve
from PIL import Image

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.http.mp4_clip import LONGEST_SIDE, Mp4Clip, decode_upright, video_size
from skysentry_trio.wire.jpeg import PictureSize, inspect_jpeg
from skysentry_trio.wire.orientation import orient
from tests.server.http.test_clip_files import NOON, make_frames, written


def encode(frames: Sequence[JpegFrame], size: PictureSize | None = None) -> bytes:
    first = frames[0]
    return written(Mp4Clip("Front door", first, size or PictureSize(first.width, first.height)), list(frames))


def flag(size: tuple[int, int] = (64, 48)) -> bytes:
    """Return a picture whose left half is red, and whose right half is blue."""
    picture = Image.new("RGB", size, (220, 20, 20))
    picture.paste((20, 20, 220), (size[0] // 2, 0, *size))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=95)
    return data.getvalue()


def frame_of(jpeg: bytes) -> JpegFrame:
    size = inspect_jpeg(jpeg)
    return JpegFrame(1, NOON, None, jpeg, size.width, size.height, arrived=5000.0)


def decoded(data: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(data), "r") as container:
        return [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]


def test_an_mp4_keeps_the_times_at_which_the_frames_arrived(tmp_path: Path) -> None:
    """To the millisecond, also where the camera paused; FFmpeg decodes all of it without an error."""
    frames = make_frames([0.0, 0.033, 0.066, 0.5, 2.5, 2.5004, 12.0, 75.25])
    path = tmp_path / "clip.mp4"
    path.write_bytes(encode(frames))

    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-show_packets", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert [float(packet["pts_time"]) for packet in found["packets"]] == [0, 0.033, 0.066, 0.5, 2.5, 2.501, 12, 75.25]
    (stream,) = found["streams"]
    assert (stream["codec_name"], stream["pix_fmt"], stream["has_b_frames"]) == ("h264", "yuv420p", 0)
    assert (stream["width"], stream["height"], stream["color_range"]) == (64, 48, "tv")
    assert found["format"]["tags"]["title"] == "Front door"
    assert found["format"]["tags"]["creation_time"].startswith("2026-05-01T12:00:00")
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "-1", "-f", "null", "-"]
    assert subprocess.run(command, check=True, capture_output=True, timeout=60).stderr == b""


def test_an_mp4_is_written_while_it_is_encoded() -> None:
    """A key frame every two seconds begins a new part of the file, and the part before it leaves the memory."""
    frames = make_frames([index / 5 for index in range(100)])
    file = Mp4Clip("door", frames[0], PictureSize(64, 48))
    sizes = [len(file.add(frames[start : start + 10])) for start in range(0, 100, 10)]
    assert all(sizes[1:])
    file.finish()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright(orientation: int) -> None:
    """As browsers show the JPEG: Pillow turns it the same way."""
    from PIL import ImageOps  # noqa: PLC0415 - only to compare

    jpeg = orient(flag(), orientation)
    frame = frame_of(jpeg)
    (shown,) = decoded(encode([frame]))
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg)))
    assert shown.size == expected.size == (frame.width, frame.height)
    corner = 4, 4
    difference = [abs(a - b) for a, b in zip(shown.getpixel(corner), expected.getpixel(corner), strict=True)]  # type: ignore[arg-type]
    assert max(difference) < 40


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 360), (640, 360)),
        ((641, 361), (640, 360)),
        ((1, 1), (16, 16)),
        ((7680, 4320), (3840, 2160)),
        ((65_500, 10), (3840, 16)),
        ((1080, 8000), (518, 3840)),
    ],
)
def test_the_size_of_a_video_is_even_and_bounded(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """H.264 with a quarter of the colours needs even sides; players need bounded ones."""
    assert video_size(PictureSize(*size)) == expected
    assert max(expected) <= LONGEST_SIDE


@pytest.mark.parametrize("size", [(33, 25), (1, 1), (100, 3)])
def test_pictures_of_any_size_can_be_encoded(size: tuple[int, int]) -> None:
    """Odd ones and tiny ones too."""
    (shown,) = decoded(encode([frame_of(flag(size))]))
    assert shown.size == video_size(PictureSize(*size))


def test_a_picture_of_another_shape_gets_bars() -> None:
    """It is not squeezed, as when a phone is turned during the clip."""
    frames = [frame_of(flag((64, 48))), evolve(frame_of(flag((48, 64))), sequence=2, arrived=5000.5)]
    first, second = decoded(encode(frames))
    assert first.size == second.size == (64, 48)
    left, middle = second.getpixel((3, 24)), second.getpixel((24, 24))
    assert max(left) < 40  # type: ignore[arg-type]
    assert middle[0] > 150  # type: ignore[index]


def test_what_cannot_be_decoded_is_left_out() -> None:
    """The other frames keep their times; a picture that would fill the memory is not even tried."""
    frames = make_frames([0.0, 1.0, 2.0, 3.0])
    frames[1] = evolve(frames[1], jpeg=frames[1].jpeg[:150])
    frames[2] = evolve(frames[2], width=65_000, height=65_000)
    with av.open(io.BytesIO(encode(frames)), "r") as container:
        assert [round(frame.time, 3) for frame in container.decode(video=0)] == [0.0, 3.0]
    assert decode_upright(frames[2], PictureSize(64, 48)) is None


def test_a_clip_without_any_picture_ends() -> None:
    """No error reaches the client that waits for the rest of its file."""
    frame = evolve(make_frames([0.0])[0], jpeg=b"\xff\xd8 broken")
    assert isinstance(encode([frame]), bytes)
