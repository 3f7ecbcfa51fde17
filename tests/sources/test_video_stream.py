from __future__ import annotations

import itertools
import sys
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.encoding import ResizeSpec
from skysentry_trio.sources.video_stream import (
    FrameFilter,
    VideoAddress,
    VideoUnavailable,
    open_video,
)
from skysentry_trio.wire.jpeg import inspect_jpeg
from tests.jpegs import draw_jpeg, size_of
from tests.sources.videos import half_red, red_corner, turn_video, write_timed_video, write_video

AS_IT_COMES = FrameFilter()


def jpegs_of(path: Path, orders: FrameFilter = AS_IT_COMES) -> list[bytes | str]:
    """Return all of a file's pictures."""
    return [picture.jpeg for picture in open_video(VideoAddress(str(path))).pictures(orders)]


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


UPPER_LEFT, UPPER_RIGHT, LOWER_LEFT, LOWER_RIGHT = itertools.product(("upper", "lower"), ("left", "right"))


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((1, 0, 0, 1), UPPER_LEFT),
        ((-1, 0, 0, 1), UPPER_RIGHT),
        ((-1, 0, 0, -1), LOWER_RIGHT),
        ((1, 0, 0, -1), LOWER_LEFT),
        ((0, 1, 1, 0), UPPER_LEFT),
        ((0, 1, -1, 0), UPPER_RIGHT),
        ((0, -1, -1, 0), LOWER_RIGHT),
        ((0, -1, 1, 0), LOWER_LEFT),
    ],
)
@pytest.mark.parametrize(("name", "codec"), [("v.mp4", "libx264"), ("v.mov", "mjpeg")])
def test_a_video_that_is_to_be_turned_is_shown_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], corner: tuple[str, str], name: str, codec: str
) -> None:
    """A phone held upright writes this; the size is that of the upright picture, also when it is made smaller."""
    path = tmp_path / name
    write_video(path, 2, codec=codec, size=(64, 32), picture=half_red())
    turn_video(path, matrix)
    size = (64, 32) if matrix[0] else (32, 64)
    for jpeg in jpegs_of(path):
        assert isinstance(jpeg, bytes)
        assert (inspect_jpeg(jpeg), red_corner(jpeg)) == (size, corner)
    for jpeg in jpegs_of(path, FrameFilter(ResizeSpec(width=16))):
        assert isinstance(jpeg, bytes)
        assert size_of(jpeg) == (16, 16 * size[1] // size[0])
        assert red_corner(jpeg) == corner


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, UPPER_LEFT), (6, UPPER_RIGHT), (3, LOWER_RIGHT), (8, LOWER_LEFT)]
)
@pytest.mark.parametrize("name", ["p.tiff", "p.png", "p.webp", "p.mjpeg"])
def test_the_orientation_in_a_picture_is_obeyed(
    tmp_path: Path, orientation: int, corner: tuple[str, str], name: str
) -> None:
    """Files that FFmpeg reads have EXIF too."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    half_red().save(tmp_path / name, {".mjpeg": "JPEG"}.get(Path(name).suffix), exif=exif)
    for orders in (AS_IT_COMES, FrameFilter(ResizeSpec(quality=90))):
        (jpeg,) = jpegs_of(tmp_path / name, orders)
        assert isinstance(jpeg, bytes)
        assert (inspect_jpeg(jpeg), red_corner(jpeg)) == ((64, 32) if orientation in {1, 3} else (32, 64), corner)


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path) -> None:
    """Anamorphic video is as wide as a player shows it."""
    write_video(tmp_path / "v.mp4", 2, codec="libx264", size=(64, 32), picture=half_red(), ratio=Fraction(2))
    for orders, size in ((AS_IT_COMES, (128, 32)), (FrameFilter(ResizeSpec(width=64)), (64, 16))):
        first, _ = jpegs_of(tmp_path / "v.mp4", orders)
        assert isinstance(first, bytes)
        assert (size_of(first), red_corner(first)) == (size, UPPER_LEFT)
    turn_video(tmp_path / "v.mp4", (0, 1, -1, 0))
    first, _ = jpegs_of(tmp_path / "v.mp4")
    assert isinstance(first, bytes)
    assert (size_of(first), red_corner(first)) == ((32, 128), UPPER_RIGHT)


def test_pictures_have_their_time_stamps(tmp_path: Path) -> None:
    """Also with frames that depend on later ones, and in a file that does not begin at zero."""
    stamps = [5.0, 5.04, 5.5, 5.54, 7.0]
    for name, codec in (("v.mkv", "libx264"), ("v.webm", "libvpx"), ("w.mkv", "mjpeg")):
        write_timed_video(tmp_path / name, stamps, codec)
        pictures = list(open_video(VideoAddress(str(tmp_path / name))).pictures(AS_IT_COMES))
        assert [picture.moment for picture in pictures] == pytest.approx(stamps, abs=0.002)


def test_the_cover_of_a_film_is_not_the_film(tmp_path: Path) -> None:
    """A picture that is attached to a file is passed over, although it is larger."""
    write_video(tmp_path / "v.mp4", 3, codec="libx264", size=(320, 240))
    with av.open(str(tmp_path / "v.mp4")) as film, av.open(str(tmp_path / "c.mp4"), "w") as container:
        cover = container.add_mux_stream("mjpeg", rate=1, width=640, height=480)
        cover.disposition = av.stream.Disposition.attached_pic
        copy = container.add_stream_from_template(film.streams.video[0])
        picture: av.Packet[Any] = av.Packet(draw_jpeg(size=(640, 480)))
        picture.stream, picture.pts, picture.dts = cover, 0, 0
        container.mux(picture)
        for packet in film.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                container.mux(packet)
    jpegs = jpegs_of(tmp_path / "c.mp4")
    assert [size_of(jpeg) for jpeg in jpegs if isinstance(jpeg, bytes)] == [(320, 240)] * 3


@pytest.mark.parametrize("full", [True, False])
def test_colours_are_those_of_a_player(tmp_path: Path, full: bool) -> None:
    """White stays white and black stays black, whether the video uses the full range of values or not."""
    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"qp": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuvj420p" if full else "yuv420p"
        image = Image.new("RGB", (64, 32), "white")
        image.paste((0, 0, 0), (0, 0, 32, 32))
        drawn: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
        container.mux(stream.encode(drawn.reformat(format=stream.pix_fmt)))
        container.mux(stream.encode())
    (jpeg,) = jpegs_of(tmp_path / "v.mp4")
    assert isinstance(jpeg, bytes)
    with Image.open(BytesIO(jpeg)) as shown:
        assert [shown.getpixel((x, 16))[0] for x in (8, 56)] == pytest.approx([0, 255], abs=3)  # type: ignore[index]


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
    assert len(list(open_video(address).pictures(AS_IT_COMES))) == 2


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
    assert str(VideoAddress("rtsp://user:secret@cam:554/live?pwd=secret")) == "rtsp://cam:554/live"
    assert str(VideoAddress("http://[::1]:81/a?b#c")) == "http://[::1]:81/a"
    assert str(VideoAddress("odd?name#1.mp4")) == "odd?name#1.mp4"
    assert "secret" not in repr(VideoAddress("rtsp://user:secret@cam/live"))
    with pytest.raises(VideoUnavailable) as caught:
        open_video(VideoAddress("rtsp://user:secret@127.0.0.1:1/live"))
    assert str(caught.value) == "cannot open rtsp://127.0.0.1:1/live: Connection refused"
