from __future__ import annotations

from pathlib import Path

import pytest
import trio

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.sources.http_source import HttpSource
from skysentry_trio.sources.opening import SourceOptions, choose_source, open_source
from skysentry_trio.sources.pattern import PatternSource
from skysentry_trio.sources.stills import StillsSource
from skysentry_trio.sources.video import LiveVideoSource, VideoFileSource
from tests.jpegs import draw_jpeg, size_of
from tests.sources.videos import write_video


async def test_the_pattern() -> None:
    """The word means the pattern, as wide as asked for, 16 to 9."""
    async with open_source("pattern", SourceOptions(label="door", width=320, fps=50)) as slot:
        with trio.fail_after(5):
            frame = await slot.receive()
    assert size_of(frame.jpeg) == (320, 180)
    source = choose_source("pattern", SourceOptions())
    assert isinstance(source, PatternSource)
    assert (source.pattern.width, source.pattern.height, source.fps) == (640, 360, 15)


def test_files_and_folders(tmp_path: Path) -> None:
    """Folders and JPEGs are stills, everything else on the disk is a video."""
    (tmp_path / "a.JPG").write_bytes(draw_jpeg())
    write_video(tmp_path / "v.mkv", 1)
    folder = choose_source(str(tmp_path), SourceOptions())
    still = choose_source(str(tmp_path / "a.JPG"), SourceOptions(quality=30, once=True))
    video = choose_source(str(tmp_path / "v.mkv"), SourceOptions(fps=3))
    assert isinstance(folder, StillsSource)
    assert isinstance(still, StillsSource)
    assert isinstance(video, VideoFileSource)
    assert (folder.fps, still.fps, video.fps) == (10, 1, 3)
    assert (still.shape.quality, still.once) == (30, True)


def test_a_device_is_asked_for_jpegs_first() -> None:
    """Size and rate are asked for too; a driver that refuses is asked for less and less."""
    source = choose_source("/dev/null", SourceOptions(width=1280, fps=30))
    assert isinstance(source, LiveVideoSource)
    assert source.must_be_there
    assert source.address.format == "v4l2"
    assert source.address.options == (
        {"input_format": "mjpeg", "video_size": "1280x960", "framerate": "30"},
        {"input_format": "mjpeg"},
        {"video_size": "1280x960", "framerate": "30"},
        {},
    )
    plain = choose_source("/dev/null", SourceOptions())
    assert isinstance(plain, LiveVideoSource)
    assert plain.address.options[0] == {"input_format": "mjpeg"}


@pytest.mark.parametrize("address", ["rtsp://u:p@cam/live", "RTSPS://cam/live"])
def test_network_cameras_are_tried_over_tcp_and_then_over_udp(address: str) -> None:
    """They may come up later."""
    source = choose_source(address, SourceOptions(fps=5))
    assert isinstance(source, LiveVideoSource)
    assert not source.must_be_there
    assert [options["rtsp_transport"] for options in source.address.options] == ["tcp", "udp"]


@pytest.mark.parametrize("address", ["http://cam/stream", "HTTPS://u:p@cam/s?x=1"])
def test_web_addresses_are_asked_what_they_are(address: str) -> None:
    """FFmpeg gets only those that our own reader does not know."""
    source = choose_source(address, SourceOptions(fps=5))
    assert isinstance(source, HttpSource)
    assert (source.url, source.video.fps, source.video.must_be_there) == (address, 5, False)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://user:top#secret@cam/live",
        "http://user:top/secret@cam/live",
        "http://user:top?secret@cam/live",
        "rtsp://user:12#topsecret@cam/live",
        "rtsp://user:top secret@cam/live",
        "rtsp://cam:topsecret/live",
        "http:///secret",
        "http://cam:99999/secret",
    ],
)
def test_an_address_that_cannot_be_taken_apart_is_an_error(address: str) -> None:
    """The error says how to write such a password, and shows nothing of it."""
    with pytest.raises(ConfigurationError, match="write # as %23") as caught:
        choose_source(address, SourceOptions())
    assert "top" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nothing-here", "No such file or directory.*SOURCE is"),
        ("/dev/video63", "No such file or directory"),
        ("gopher://cam/", "rtsp://, rtsps://, http:// or https://, got gopher://"),
        ("nul\0byte", "null byte"),
    ],
)
def test_what_is_no_source(spec: str, message: str) -> None:
    """The error says what was wrong and what would be right."""
    with pytest.raises(ConfigurationError, match=message):
        choose_source(spec, SourceOptions())


@pytest.mark.parametrize(
    "spec",
    [
        "rtsp://u:sec#secret@cam/live",
        "rtsp://u:12#secret@cam/live",
        "rtsp://u:sec/secret@cam/live",
        "rtsp://u:sec?secret@cam/live",
        "rtsp://u:sec secret@cam/live",
        "rtsp://cam:secret/live",
        "rtsp://u:secret@",
    ],
)
def test_an_address_that_cannot_be_taken_apart_is_explained(spec: str) -> None:
    """Trying it again would never succeed; the password is not shown."""
    with pytest.raises(ConfigurationError, match="write # as %23, / as %2F") as caught:
        choose_source(spec, SourceOptions())
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "spec", ["rstp://u:secret@cam/live", "u:secret@cam/live", "rtsp:/u:secret@cam/live", "cam/snap?pwd=secret"]
)
def test_a_mistyped_address_shows_no_secret(spec: str) -> None:
    """Also if it is taken for a path."""
    with pytest.raises(ConfigurationError) as caught:
        choose_source(spec, SourceOptions())
    assert "secret" not in str(caught.value)
    assert "cam" in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_bracket_in_a_password_is_allowed() -> None:
    """FFmpeg takes what is before the last @ as the password."""
    source = choose_source("rtsp://u:se[cret@cam/live", SourceOptions())
    assert isinstance(source, LiveVideoSource)
    assert str(source.address) == "rtsp://cam/live"
    assert "cret" not in repr(source)


async def test_a_device_that_is_none(tmp_path: Path) -> None:
    """A character device that is no camera is an error in the beginning."""
    with pytest.raises(ConfigurationError, match="cannot open /dev/null"):
        async with open_source("/dev/null", SourceOptions()):
            pytest.fail("it was opened")


async def test_errors_of_the_body_come_through() -> None:
    """What the user of a source raises is not wrapped."""
    with pytest.raises(KeyError):
        async with open_source("pattern", SourceOptions()):
            raise KeyError


def test_a_mistyped_path_gets_a_suggestion(tmp_path: Path) -> None:
    """Of the files beside it."""
    (tmp_path / "recording.mp4").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"did you mean \S+/recording\.mp4\?"):
        choose_source(str(tmp_path / "recordng.mp4"), SourceOptions())


def test_no_disk_is_suggested_for_a_missing_webcam() -> None:
    """Of the devices, only cameras are likely to be meant."""
    with pytest.raises(ConfigurationError, match="cannot open '/dev/video98': No such file") as caught:
        choose_source("/dev/video98", SourceOptions())
    assert "did you mean" not in str(caught.value) or "/dev/video" in str(caught.value).partition("did you mean")[2]
