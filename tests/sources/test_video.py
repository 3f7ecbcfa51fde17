from __future__ import annotations

import errno
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio
from PIL import Image

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.sources import video
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.encoding import ResizeSpec
from skysentry_trio.sources.frames import FrameSlot
from skysentry_trio.sources.opening import SourceOptions, open_source
from skysentry_trio.sources.video import LiveVideoSource, VideoFileSource
from skysentry_trio.sources.video_stream import FrameFilter, Picture, VideoAddress, VideoStream, VideoUnavailable
from tests.jpegs import draw_jpeg, size_of
from tests.sources.http_cameras import listening
from tests.sources.rtsp_camera import SIZE, UdpCamera
from tests.sources.videos import write_timed_video, write_video


async def taken(slot: FrameSlot, count: int = 1000) -> list[bytes]:
    """Return the frames of a slot until the end, at most so many."""
    jpegs: list[bytes] = []
    with trio.fail_after(10):
        try:
            while len(jpegs) < count:
                jpegs.append((await slot.receive()).jpeg)
        except trio.EndOfChannel:
            pass
    return jpegs


async def test_a_file_is_played_once_at_its_rate(tmp_path: Path) -> None:
    """Every frame in order, spread over the time the file says."""
    packets = write_video(tmp_path / "v.mkv", 20, rate=50)
    async with open_source(str(tmp_path / "v.mkv"), SourceOptions(once=True)) as slot:
        start = trio.current_time()
        assert await taken(slot) == packets
        assert trio.current_time() - start > 0.2


async def test_a_file_begins_again(tmp_path: Path) -> None:
    """After the last frame comes the first."""
    packets = write_video(tmp_path / "v.mkv", 3)
    async with open_source(str(tmp_path / "v.mkv"), SourceOptions(fps=200)) as slot:
        assert await taken(slot, 8) == (packets * 3)[:8]


async def test_a_file_with_some_bad_frames_is_played(tmp_path: Path) -> None:
    """They are counted, and take no time."""
    path = tmp_path / "v.avi"
    packets = write_video(path, 3)
    path.write_bytes(path.read_bytes().replace(packets[1], packets[1].replace(b"\xff\xc0", b"\x00\x00")))
    async with open_source(str(path), SourceOptions(fps=200, once=True)) as slot:
        assert await taken(slot) == [packets[0], packets[2]]
    assert slot.dropped == {"bad": 1}


async def test_a_file_of_bad_frames_is_an_error(tmp_path: Path) -> None:
    """A file in which nothing can be shown is not read over and over."""
    path = tmp_path / "v.avi"
    packets = write_video(path, 2)
    content = path.read_bytes()
    for packet in packets:
        content = content.replace(packet, packet.replace(b"\xff\xc0", b"\x00\x00"))
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"v\.avi contains no picture"):
        async with open_source(str(path), SourceOptions(fps=200)) as slot:
            await taken(slot)


async def test_a_file_that_is_being_replaced_is_waited_for(tmp_path: Path) -> None:
    """It may be away, or unfinished, when it is to begin again; nobody has to start the camera again."""
    path = tmp_path / "v.mkv"
    write_video(path, 2)
    with trio.fail_after(20):
        async with open_source(str(path), SourceOptions(fps=100)) as slot:
            await slot.receive()
            path.unlink()
            while "No such file" not in (slot.trouble or ""):
                with trio.move_on_after(0.01):
                    await slot.receive()
            path.write_bytes(b"unfinished")
            while "Invalid data" not in (slot.trouble or ""):
                with trio.move_on_after(0.01):
                    await slot.receive()
            new = write_video(tmp_path / "new.mkv", 3, size=(32, 24))
            (tmp_path / "new.mkv").rename(path)
            assert (await slot.receive()).jpeg in new
            assert slot.trouble is None


async def test_with_once_a_file_that_breaks_off_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who plays a file once learns that the end is missing."""
    broken = FakeStream([draw_jpeg(), break_off])
    monkeypatch.setattr(video, "open_video", lambda address: broken)
    source = VideoFileSource(VideoAddress("v.mkv"), Backoff(lambda: 0.01), once=True)
    slot = FrameSlot()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(slot.receive)
        with pytest.raises(ConfigurationError, match="unplugged"), trio.fail_after(5):
            await source.run(slot)


async def test_a_file_that_is_no_video_is_an_error(tmp_path: Path) -> None:
    """It is found out before anything is connected."""
    (tmp_path / "v.mp4").write_bytes(b"no video")
    with pytest.raises(ConfigurationError, match="cannot open"):
        async with open_source(str(tmp_path / "v.mp4"), SourceOptions()):
            pytest.fail("it was opened")


async def test_a_file_that_blocks_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Opening a named pipe nobody writes to can be cancelled."""
    pipe = tmp_path / "pipe.mkv"
    os.mkfifo(pipe)
    start = time.monotonic()
    with trio.move_on_after(0.1) as scope:
        async with open_source(str(pipe), SourceOptions()):
            pytest.fail("it was opened")
    assert scope.cancelled_caught
    assert time.monotonic() - start < 5
    # Lets the thread that was left behind go.
    os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))


async def test_a_file_that_is_thinned_plays_on_at_its_rate(tmp_path: Path) -> None:
    """Frames nobody wants take as long as the others; what is decoded is made smaller if that is wanted."""
    write_video(tmp_path / "v.mp4", 20, rate=50, codec="libx264", size=(64, 48))
    async with open_source(str(tmp_path / "v.mp4"), SourceOptions(once=True)) as slot:
        slot.set_target(EncoderTarget(max_fps=0.1, max_width=32))
        start = trio.current_time()
        (jpeg,) = await taken(slot)
        assert trio.current_time() - start > 0.2
    assert size_of(jpeg) == (32, 24)
    assert slot.dropped == {"demand": 19}


async def test_pictures_are_shown_when_their_time_stamps_say(tmp_path: Path) -> None:
    """A variable frame rate, as of a browser's recording, is played as it is, not at its mean rate."""
    stamps = [1.0, 1.04, 1.08, 1.68, 1.72]
    write_timed_video(tmp_path / "v.webm", stamps)
    shown: list[float] = []
    async with open_source(str(tmp_path / "v.webm"), SourceOptions(once=True)) as slot:
        with trio.fail_after(10):
            for _ in stamps:
                await slot.receive()
                shown.append(trio.current_time())
    waits = [later - earlier for earlier, later in itertools.pairwise(shown)]
    assert len(waits) == 4
    # At the mean rate, all were 0.18.
    assert waits[2] > 0.4


async def test_a_file_of_one_picture_is_read_once_a_second(tmp_path: Path) -> None:
    """As a JPEG file is: 25 readings a second show nothing more."""
    Image.new("RGB", (32, 24), "red").save(tmp_path / "p.png")
    async with open_source(str(tmp_path / "p.png"), SourceOptions()) as slot:
        start = trio.current_time()
        await taken(slot, 2)
        assert trio.current_time() - start > 0.7


async def test_a_device_that_is_in_use_is_waited_for() -> None:
    """The program that uses it, such as the last run of this one, may let it go."""
    attempts: list[VideoAddress] = []

    def opener(address: VideoAddress) -> VideoStream:
        attempts.append(address)
        if len(attempts) < 3:
            raise VideoUnavailable("cannot open /dev/video0: Device or resource busy", errno.EBUSY)
        return FakeStream([draw_jpeg(5)])

    source = LiveVideoSource(VideoAddress("/dev/video0"), Backoff(lambda: 0.01), must_be_there=True, opener=opener)
    slot = FrameSlot()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(source.run, slot)
            assert slot.trouble == "cannot open /dev/video0: Device or resource busy"
            assert (await slot.receive()).jpeg == draw_jpeg(5)
            nursery.cancel_scope.cancel()


async def test_a_read_that_was_left_behind_takes_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it wakes up, it neither counts pictures nor takes the turn of one, and closes its device."""
    monkeypatch.setattr(video, "STALL", 0.1)
    release = threading.Event()

    class WakingStream(FakeStream):
        def pictures(self, orders: FrameFilter) -> Iterator[Picture]:
            try:
                wait_for(release)
                orders.leaves_out()
                yield Picture(draw_jpeg(1))
            finally:
                self.closed.set()

    hanging, asked = WakingStream([]), list[int]()
    slot = FrameSlot()
    monkeypatch.setattr(slot.__class__, "cause_to_leave_out", lambda slot: asked.append(threading.get_ident()))
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            # A busy machine may be too slow for a picture, too; then the next one has it.
            others = [FakeStream([draw_jpeg(2)]) for _ in range(20)]
            await nursery.start(live(hanging, *others).run, slot)
            assert (await slot.receive()).jpeg == draw_jpeg(2)
            release.set()
            assert await trio.to_thread.run_sync(hanging.closed.wait, 5)
            nursery.cancel_scope.cancel()
    assert asked == []
    assert slot.offered == 1


def test_a_file_source_has_the_shape_of_the_file() -> None:
    """Nothing is asked for unless somebody asks."""
    assert VideoFileSource(VideoAddress("v.mkv"), Backoff(random.random)).shape == ResizeSpec()


class FakeStream(VideoStream):
    """A video that shows what a test says; a callable is called, in the reading thread."""

    def __init__(self, steps: list[bytes | str | Callable[[], None]]) -> None:
        self.steps = steps
        self.closed = threading.Event()

    @property
    def is_motion_jpeg(self) -> bool:
        return True

    @property
    def has_end(self) -> bool:
        return False

    @property
    def longest_pause(self) -> float:
        return 3600.0

    def pictures(self, orders: FrameFilter) -> Iterator[Picture]:
        try:
            for step in self.steps:
                if callable(step):
                    step()
                else:
                    yield Picture(step)
        finally:
            self.closed.set()


def wait_for(event: threading.Event) -> None:
    event.wait(10)


def break_off() -> None:
    raise VideoUnavailable("unplugged")


def live(*streams: FakeStream | None, must_be_there: bool = False, once: bool = False) -> LiveVideoSource:
    """Return a source that opens these one after the other; None cannot be opened."""
    left = list(streams)

    def opener(address: VideoAddress) -> VideoStream:
        stream = left.pop(0) if left else None
        if stream is None:
            raise VideoUnavailable(f"cannot open {address}")
        return stream

    return LiveVideoSource(
        VideoAddress("rtsp://cam/live"), Backoff(lambda: 0.01), must_be_there, once=once, opener=opener
    )


async def test_a_device_that_vanishes_is_opened_again() -> None:
    """Breaking off, not being there for a while and ending are all waited out."""
    jpegs = [draw_jpeg(number) for number in range(3)]
    first = FakeStream([jpegs[0], "rate", lambda: time.sleep(0.05), break_off])
    second = FakeStream([jpegs[1], lambda: time.sleep(0.05)])
    slot = FrameSlot()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(live(first, None, second, FakeStream([jpegs[2]])).run, slot)
            assert [(await slot.receive()).jpeg for _ in range(3)] == jpegs
            nursery.cancel_scope.cancel()
    assert first.closed.is_set()
    assert slot.dropped["rate"] == 1


async def test_an_address_that_brings_pictures_is_opened_again_soon() -> None:
    """The waits do not grow while each attempt brings a picture, as where a camera ends each of its streams."""
    source, slot = live(*(FakeStream([draw_jpeg(number)]) for number in range(12))), FrameSlot()
    source.backoff = backoff = Backoff(lambda: 0.99, first=0.01, longest=100)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(source.run, slot)
            assert [(await slot.receive()).jpeg for _ in range(12)] == [draw_jpeg(number) for number in range(12)]
            nursery.cancel_scope.cancel()
    assert backoff.delay_after(0) <= 0.99 * 0.02


async def test_a_device_is_thinned_by_the_user_and_by_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's rate comes first; the rest is thinned to what is needed."""
    causes: list[str | None] = []
    now = [0.0]
    monkeypatch.setattr(video, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))

    class AskingStream(FakeStream):
        def pictures(self, orders: FrameFilter) -> Iterator[Picture]:
            for _ in range(6):
                now[0] += 0.02
                causes.append(orders.leaves_out())
                yield Picture(causes[-1] or draw_jpeg())

    source = live(AskingStream([]), once=True)
    source.fps = 30
    slot = FrameSlot(lambda: now[0])
    slot.set_target(EncoderTarget(max_fps=0.1))
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.run, slot)
            await slot.receive()
    assert causes[0] is None
    assert set(causes[1:]) == {"rate", "demand"}
    assert not slot.encodes


async def test_while_a_device_is_away_the_trouble_is_known() -> None:
    """It is said what is wrong, and that another attempt will follow."""
    source, slot = live(None), FrameSlot()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.run, slot)
            nursery.start_soon(slot.receive)
            while slot.trouble is None:  # noqa: ASYNC110  (there is no event to wait for)
                await trio.sleep(0.005)
            nursery.cancel_scope.cancel()
    assert slot.trouble.startswith("cannot open rtsp://cam/live; trying again in")


async def test_with_once_the_end_of_a_stream_is_the_end() -> None:
    """It is not opened again."""
    slot = FrameSlot()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(live(FakeStream([draw_jpeg()]), once=True).run, slot)
            await slot.receive()


async def test_a_device_must_be_there_in_the_beginning() -> None:
    """An address may come up later; a device that is missing is a mistake."""
    with pytest.raises(ConfigurationError, match="cannot open"):
        await live(None, must_be_there=True).run(FrameSlot())
    slot = FrameSlot()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(live(FakeStream([draw_jpeg(4)]), must_be_there=True).run, slot)
            assert (await slot.receive()).jpeg == draw_jpeg(4)
            nursery.cancel_scope.cancel()


async def test_a_device_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that does not end is left behind, and the next one gets the picture."""
    monkeypatch.setattr(video, "STALL", 0.1)
    release = threading.Event()
    hanging = FakeStream([partial(wait_for, release)])
    slot = FrameSlot()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            # A busy machine may be too slow for a picture, too; then the next one has it.
            others = [FakeStream([draw_jpeg(2)]) for _ in range(20)]
            await nursery.start(live(hanging, *others).run, slot)
            assert (await slot.receive()).jpeg == draw_jpeg(2)
            nursery.cancel_scope.cancel()
    assert not hanging.closed.is_set()
    release.set()
    assert hanging.closed.wait(5)


async def test_a_hanging_device_does_not_hold_up_the_end() -> None:
    """Cancelling while a thread reads returns at once; the thread closes the device when it can."""
    release = threading.Event()
    hanging = FakeStream([draw_jpeg(), partial(wait_for, release), draw_jpeg()])
    slot = FrameSlot()
    start = time.monotonic()
    async with trio.open_nursery() as nursery:
        await nursery.start(live(hanging).run, slot)
        await slot.receive()
        await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
    assert time.monotonic() - start < 5
    release.set()
    assert hanging.closed.wait(5)


async def test_a_network_camera_that_speaks_only_udp_is_followed() -> None:
    """It refuses TCP, which is tried first."""
    camera = UdpCamera()
    async with listening(camera.serve) as address, open_source(f"rtsp://{address}/live", SourceOptions()) as slot:
        with trio.fail_after(30):
            jpeg = (await slot.receive()).jpeg
    assert size_of(jpeg) == SIZE
    assert ["TCP" in transport for transport in camera.transports] == [True, False]


async def test_mjpeg_over_http_is_handed_on_byte_for_byte() -> None:
    """A camera that sends multipart/x-mixed-replace is read by FFmpeg, and its JPEGs are not touched."""
    jpegs = [draw_jpeg(number, (64, 48)) for number in range(40)]

    async def camera(stream: trio.SocketStream) -> None:
        try:
            await stream.receive_some()
            await stream.send_all(
                b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n--frame\r\n"
            )
            for jpeg in jpegs:
                await stream.send_all(
                    b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n--frame\r\n" % (len(jpeg), jpeg)
                )
                await trio.sleep(0.005)
            await trio.sleep_forever()
        except trio.BrokenResourceError:
            pass

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            trio.serve_tcp,
            camera,
            0,
        )
        port = listeners[0].socket.getsockname()[1]
        async with open_source(f"http://127.0.0.1:{port}/stream", SourceOptions()) as slot:
            received = await taken(slot, 5)
        nursery.cancel_scope.cancel()
    assert set(received) <= set(jpegs)
    assert [jpegs.index(jpeg) for jpeg in received] == sorted(jpegs.index(jpeg) for jpeg in received)
    assert size_of(received[0]) == (64, 48)
