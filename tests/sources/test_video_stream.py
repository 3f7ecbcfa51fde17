from __future__ import annotations

import sys
from pathlib import Path

import av
import pytest

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.encoding import ResizeSpec
from skysentry_trio.sources.video_stream import (
    AS_IT_COMES,
    FrameFilter,
    VideoAddress,
    VideoUnavailable,
    open_video,
)
from tests.jpegs import size_of
from tests.sources.videos import write_video


def jpegs_of(path: Path, orders: FrameFilter = AS_IT_COMES) -> list[bytes | str]:
    """Return all of a file's pictures."""
    return list(open_video(VideoAddress(str(path))).jpegs(orders))


@pytest.mark.parametrize("name", ["v.mkv", "v.mjpeg", "v.avi", "v.mov"])
def test_motion_jpeg_is_handed_on_byte_for_byte(tmp_path: Path, name: str) -> None:
    """No picture is decoded where the video is made of JPEGs already."""
    packets = write_video(tmp_path / name)
    assert jpegs_of(tmp_path / name) == packets
    assert len(packets) == 10


def test_other_codecs_are_decoded_and_encoded(tmp_path: Path) -> None:
    """H.264 comes out as one JPEG a frame, of the size and quality asked for."""
    write_video(tmp_path / "v.mp4", 12, codec="libx264", size=(320, 240))
    jpegs = jpegs_of(tmp_path / "v.mp4")
    assert len(jpegs) == 12
    assert {size_of(jpeg) for jpeg in jpegs if isinstance(jpeg, bytes)} == {(320, 240)}
    small = jpegs_of(tmp_path / "v.mp4", FrameFilter(ResizeSpec(width=100, quality=10)))
    assert {size_of(jpeg) for jpeg in small if isinstance(jpeg, bytes)} == {(100, 76)}
    wanted = jpegs_of(
        tmp_path / "v.mp4", FrameFilter(ResizeSpec(width=100), target=lambda: EncoderTarget(max_width=80))
    )
    assert {size_of(jpeg) for jpeg in wanted if isinstance(jpeg, bytes)} == {(80, 60)}


def test_motion_jpeg_is_made_smaller_if_asked_to(tmp_path: Path) -> None:
    """A width below that of the video makes new JPEGs."""
    write_video(tmp_path / "v.mkv", 2)
    jpegs = jpegs_of(tmp_path / "v.mkv", FrameFilter(ResizeSpec(width=32)))
    assert [size_of(jpeg) for jpeg in jpegs if isinstance(jpeg, bytes)] == [(32, 24)] * 2


def test_motion_jpeg_is_not_touched_for_others(tmp_path: Path) -> None:
    """What others want counts where pictures are encoded anyway, as the user has asked for less."""
    packets = write_video(tmp_path / "v.mkv", 2)
    small = EncoderTarget(max_width=16)
    assert jpegs_of(tmp_path / "v.mkv", FrameFilter(target=lambda: small)) == packets
    jpegs = jpegs_of(tmp_path / "v.mkv", FrameFilter(ResizeSpec(width=32), target=lambda: small))
    assert [size_of(jpeg) for jpeg in jpegs if isinstance(jpeg, bytes)] == [(16, 12)] * 2


@pytest.mark.parametrize("codec", ["mjpeg", "libx264"])
def test_pictures_nobody_wants_are_left_out(tmp_path: Path, codec: str) -> None:
    """It is asked once for each picture, and the cause is handed on."""
    write_video(tmp_path / "v.mkv", 5, codec=codec)
    causes = iter([None, "rate", "demand", "rate", None])
    first, *others, last = jpegs_of(tmp_path / "v.mkv", FrameFilter(leaves_out=lambda: next(causes)))
    assert isinstance(first, bytes)
    assert others == ["rate", "demand", "rate"]
    assert isinstance(last, bytes)


def test_the_rate_is_that_of_the_file(tmp_path: Path) -> None:
    """The file says how fast it is to be played."""
    write_video(tmp_path / "v.mkv", rate=12)
    assert open_video(VideoAddress(str(tmp_path / "v.mkv"))).fps == 12


def test_bad_jpegs_are_named_and_passed_over(tmp_path: Path) -> None:
    """A broken JPEG in a video is left out, the others are not."""
    video = tmp_path / "v.avi"
    packets = write_video(video, 3)
    video.write_bytes(video.read_bytes().replace(packets[1], packets[1].replace(b"\xff\xc0", b"\x00\x00")))
    assert jpegs_of(video) == [packets[0], "bad", packets[2]]


def test_bad_packets_are_named_and_passed_over(tmp_path: Path) -> None:
    """A packet that no decoder takes is left out, the others are not."""
    video = tmp_path / "v.mov"
    packets = write_video(video, 3, codec="png")
    video.write_bytes(video.read_bytes().replace(packets[1], bytes(len(packets[1]))))
    first, bad, last = jpegs_of(video)
    assert bad == "bad"
    assert isinstance(first, bytes)
    assert isinstance(last, bytes)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"no video", "Invalid data"), (b"", "Invalid data|End of file")],
)
def test_what_is_no_video_cannot_be_opened(tmp_path: Path, content: bytes | None, message: str) -> None:
    """The error says which file, and why."""
    path = tmp_path / "v.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoUnavailable, match=rf"cannot open .*v\.mp4: ({message})"):
        open_video(VideoAddress(str(path)))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    """A file without pictures is refused when it is opened."""
    with av.open(str(tmp_path / "s.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoUnavailable, match="no pictures"):
        open_video(VideoAddress(str(tmp_path / "s.wav")))


def test_other_options_are_tried_in_turn(tmp_path: Path) -> None:
    """What the first options fail with, the next may open."""
    write_video(tmp_path / "v.mjpeg", 2)
    address = VideoAddress(str(tmp_path / "v.mjpeg"), "mjpeg", ({"framerate": "many"}, {}))
    assert len(list(open_video(address).jpegs(AS_IT_COMES))) == 2


def test_a_device_that_is_missing() -> None:
    """V4L2 is asked, and the kernel's answer is shown."""
    with pytest.raises(VideoUnavailable, match="cannot open /dev/video63: No such file"):
        open_video(VideoAddress("/dev/video63", "v4l2", ({"input_format": "mjpeg"}, {})))


def test_without_pyav_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named with the command that installs it."""
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'skysentry-trio\[capture\]'"):
        open_video(VideoAddress("v.mp4"))


def test_passwords_are_not_shown() -> None:
    """An address is shown without what is before the @."""
    assert str(VideoAddress("rtsp://user:secret@cam:554/live?x=1")) == "rtsp://cam:554/live"
    assert "secret" not in repr(VideoAddress("rtsp://user:secret@cam/live"))
    with pytest.raises(VideoUnavailable) as caught:
        open_video(VideoAddress("rtsp://user:secret@127.0.0.1:1/live"))
    assert str(caught.value) == "cannot open rtsp://127.0.0.1:1/live: Connection refused"
