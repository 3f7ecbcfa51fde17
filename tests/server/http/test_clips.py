"""Clips over REST: which frames, in which form, and what is refused."""

from __future__ import annotations

import io
import sys
import time
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import copy

import av
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.principal import ANYONE, Principal, Rights
from skysentry_trio.server.http import clips, mp4_clip
from skysentry_trio.server.http.clip_files import JpegClip
from skysentry_trio.server.http.clip_source import FrameBatches
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from tests.hubs import evict_idle, nothing, publish_nowait
from tests.raw_peer import until
from tests.server.http.rest_harness import Answer, Site, publish
from tests.wire.pictures import draw_jpeg as draw_picture

ROUTE = "/api/clients/{clientId}/clip"
pytestmark = pytest.mark.usefixtures("in_karachi")

NOON = 1_777_636_800.0


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock) -> MockClock:
    """The clock of the test, at noon."""
    start = autojump_clock.current_time()
    monkeypatch.setattr(time, "time", lambda: NOON + autojump_clock.current_time() - start)
    return autojump_clock


@asynccontextmanager
async def ten_seconds(noon: MockClock) -> AsyncIterator[tuple[Site, list[bytes]]]:
    """Have a camera that sent a frame at noon and one each second after it; now is ten seconds past noon."""
    site = Site(Hub(Settings(max_fps=1000, buffer_seconds=30)))
    with site.hub.register("door", name="Front door", on_end=nothing) as session:
        jpegs = []
        for second in range(10):
            jpegs.append(publish(site.hub, session, second))
            noon.jump(1.0)
        yield site, jpegs


def sequences(answer: Answer) -> list[int]:
    """Return the sequences of the frames in an archive."""
    names = zipfile.ZipFile(io.BytesIO(answer.body)).namelist()
    return [int(name[-12:-4]) for name in names if name.endswith(".jpg")]


async def test_without_limits_a_clip_is_all_of_the_ring(noon: MockClock) -> None:
    """As an archive, with a name for it."""
    async with ten_seconds(noon) as (site, jpegs):
        answer = await site.get(ROUTE)
        archive = zipfile.ZipFile(io.BytesIO(answer.body))

    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="door_2026-05-01_17-00-00.0+05.zip"'
    assert answer.headers["cache-control"] == "no-store"
    assert [archive.read(name) for name in archive.namelist()[:-1]] == jpegs
    assert archive.namelist()[-1] == "door_2026-05-01_17-00-00.0+05/index.csv"


async def test_a_clip_wakes_no_camera(noon: MockClock) -> None:
    """The past is there already: a camera that rests is not asked for more."""
    async with ten_seconds(noon) as (site, _):
        (camera,) = site.hub.cameras
        before = site.hub.demand(camera)
        answer = await site.get(ROUTE)

        assert answer.status == 200
        assert site.hub.demand(camera) == before


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?from=-3.5", [8, 9, 10]),
        ("?to=-2.5", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("?from=-6.5&to=-4.5", [5, 6]),
        ("?from=-1000&to=-0", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("?from=1777636803", [4, 5, 6, 7, 8, 9, 10]),
        ("?from=1777636802.5&to=1777636804.5", [4, 5]),
        ("?from=2026-05-01T12:00:07Z", [8, 9, 10]),
        ("?from=2026-05-01T14:00:07.5%2B02:00", [9, 10]),
        ("?from=2026-05-01T14:00:07.5+02:00&to=1777636808", [9]),
        ("?from=0&to=99999999999", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ],
)
async def test_limits_are_moments_or_distances(noon: MockClock, query: str, expected: list[int]) -> None:
    """Seconds since the epoch, RFC 3339, or negative seconds from now; both ends belong to the clip."""
    async with ten_seconds(noon) as (site, _):
        assert sequences(await site.get(ROUTE, query=query)) == expected


async def test_distances_hold_when_the_clock_was_set(noon: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last three seconds are those, whatever the time of day has become."""
    async with ten_seconds(noon) as (site, _):
        monkeypatch.setattr(time, "time", lambda: NOON - 5000)
        assert sequences(await site.get(ROUTE, query="?from=-3.5")) == [8, 9, 10]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?format=avi", "format is one of zip, mjpeg, mkv, mp4, got 'avi'"),
        ("?from=yesterday", "from is a moment such as"),
        ("?to=-1s", "to is a number from"),
        ("?from=2026-05-01T12:00:07", "from is a moment such as"),
        ("?from=-3&to=-5", "from is a moment before to, got '-3' and '-5'"),
        ("?from=nan", "from is a moment such as"),
    ],
)
async def test_what_makes_no_sense_is_refused(noon: MockClock, query: str, expected: str) -> None:
    """With what would have."""
    async with ten_seconds(noon) as (site, _):
        answer = await site.get(ROUTE, query=query)

    assert answer.status == 400
    assert expected in answer.json()["error"]


@pytest.mark.parametrize("query", ["?from=1777636809.5", "?to=1777636799", "?from=-0.5", "?from=-4.8&to=-4.2"])
async def test_a_clip_without_frames_is_not_there(noon: MockClock, query: str) -> None:
    """The answer says from when there are some."""
    async with ten_seconds(noon) as (site, _):
        answer = await site.get(ROUTE, query=query)

    assert answer.status == 404
    assert answer.json()["error"] == (
        "camera door has no frames of this time; it has some from 2026-05-01T12:00:00.000+00:00 to "
        "2026-05-01T12:00:09.000+00:00"
    )


async def test_a_camera_that_is_not_there_or_sent_nothing_has_no_clip(noon: MockClock) -> None:
    """And an id that is none is refused."""
    async with ten_seconds(noon) as (site, _):
        with site.hub.register("empty", on_end=nothing):
            assert (await site.get(ROUTE, "nobody")).status == 404
            assert (await site.get(ROUTE, "empty")).status == 404
            assert (await site.get(ROUTE, "a b")).status == 400


async def test_motion_jpeg_is_one_picture_after_the_other(noon: MockClock) -> None:
    """What FFmpeg reads as such."""
    async with ten_seconds(noon) as (site, jpegs):
        answer = await site.get(ROUTE, query="?format=mjpeg&from=-5.5")

    assert (answer.headers["content-type"], answer.body) == ("video/x-mjpeg", b"".join(jpegs[5:]))
    assert answer.headers["content-disposition"].endswith('"door_2026-05-01_17-00-05.0+05.mjpeg"')


async def test_a_video_has_the_distances_of_the_frames(noon: MockClock) -> None:
    """It begins at zero with the first that was wanted."""
    async with ten_seconds(noon) as (site, jpegs):
        answer = await site.get(ROUTE, query="?format=mkv&from=-5.5&to=-2.5")

    assert answer.headers["content-type"] == "video/matroska"
    with av.open(io.BytesIO(answer.body), "r") as container:
        packets = [(packet.pts, bytes(packet)) for packet in container.demux(video=0) if packet.size]
        assert container.metadata["title"] == "Front door"
    assert packets == [(0, jpegs[5]), (1000, jpegs[6]), (2000, jpegs[7])]


async def test_an_mp4_has_the_times_of_the_frames(noon: MockClock) -> None:
    """H.264, from zero on; its name has the time of the first frame as a clock here shows it."""
    async with ten_seconds(noon) as (site, _):
        answer = await site.get(ROUTE, query="?format=mp4&from=-5.5&to=-2.5")

    assert (answer.status, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.headers["content-disposition"] == 'attachment; filename="door_2026-05-01_17-00-05.0+05.mp4"'
    with av.open(io.BytesIO(answer.body), "r") as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert [round(frame.time, 3) for frame in container.decode(video=0)] == [0.0, 1.0, 2.0]
        assert container.metadata["title"] == "Front door"


async def test_the_size_of_an_mp4_is_that_of_its_largest_frame(noon: MockClock) -> None:
    """A camera sends small frames until somebody watches: these do not decide how much of the others is seen."""
    site = Site(Hub(Settings(max_fps=1000, buffer_seconds=30)))
    with site.hub.register("door", on_end=nothing) as session:
        for size in [(64, 48), (320, 240), (64, 48)]:
            jpeg = draw_picture(size)
            publish_nowait(site.hub, session, jpeg, width=size[0], height=size[1])
            noon.jump(1.0)
        answer = await site.get(ROUTE, query="?format=mp4")

    with av.open(io.BytesIO(answer.body), "r") as container:
        assert [(frame.width, frame.height) for frame in container.decode(video=0)] == [(320, 240)] * 3


async def test_the_number_of_clips_that_are_encoded_is_bounded(noon: MockClock) -> None:
    """A third one is asked to come later, and a clip that is not encoded is not in the way."""
    async with ten_seconds(noon) as (site, _):
        reading, waiting = trio.Event(), 0

        async def wait() -> None:
            nonlocal waiting
            waiting += 1
            await reading.wait()

        async def ask() -> None:
            assert (await site.get(ROUTE, query="?format=mp4")).status == 200

        async with trio.open_nursery() as nursery:
            site.on_piece = wait
            for _ in range(2):
                nursery.start_soon(ask)
            await until(lambda: waiting == 2)
            site.on_piece = trio.lowlevel.checkpoint
            refused = await site.get(ROUTE, query="?format=mp4")
            assert (refused.status, refused.json()["error"]) == (
                503,
                "2 clips are being encoded, which is the limit; try again later",
            )
            assert (await site.get(ROUTE, query="?format=mkv")).status == 200
            reading.set()
        await ask()


async def test_without_an_encoder_there_is_no_mp4(noon: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer says why, and what works without; a HEAD request learns it too."""
    monkeypatch.setattr(mp4_clip, "_ENCODERS", (("no-such-encoder", {}),))
    async with ten_seconds(noon) as (site, _):
        answer = await site.get(ROUTE, query="?format=mp4")
        assert answer.status == 501
        assert answer.json()["error"] == (
            "MP4 needs an encoder for H.264: PyAV has none of no-such-encoder; "
            "format=mkv, format=zip and format=mjpeg work without"
        )
        assert (await site.ask(ROUTE.replace("{clientId}", "door") + "?format=mp4", "HEAD")).status == 501


async def test_without_pyav_videos_are_not_implemented(noon: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer says what to install, and what works without."""
    monkeypatch.setitem(sys.modules, "av", None)
    async with ten_seconds(noon) as (site, _):
        assert (await site.get(ROUTE, query="?format=mp4")).status == 501
        answer = await site.get(ROUTE, query="?format=mkv")
        assert answer.status == 501
        assert "pip install 'skysentry-trio[capture]'" in answer.json()["error"]
        assert (await site.get(ROUTE, query="?format=zip")).status == 200


async def test_a_head_request_gets_no_file(noon: MockClock) -> None:
    """Only what there would be."""
    async with ten_seconds(noon) as (site, _):
        answer = await site.ask(ROUTE.replace("{clientId}", "door"), "HEAD")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert len(answer.body) == 0


async def test_who_reads_slower_than_the_ring_moves_loses_the_oldest(noon: MockClock) -> None:
    """A clip holds no frames, so that nobody who reads slowly can hold the server's memory; it ends all the same."""
    site = Site(Hub(Settings(max_fps=1000, buffer_size=10)))
    with site.hub.register("door", on_end=nothing) as session:

        async def publish_one() -> None:
            await trio.lowlevel.checkpoint()
            noon.jump(0.1)
            publish_nowait(site.hub, session, bytes(700_000), width=4, height=3)

        for _ in range(10):
            await publish_one()
        # Now the camera is as fast as the client, which takes four pieces for a frame.
        site.on_piece = publish_one
        answer = await site.get(ROUTE)

    assert sequences(answer) == [1, 2, 9, 10]


async def test_a_camera_that_is_forgotten_ends_its_clips(noon: MockClock) -> None:
    """The file has what was read until then, and is whole."""
    site = Site(Hub(Settings(max_fps=1000, buffer_size=10, client_timeout=5)))
    with site.hub.register("door", on_end=nothing) as session:
        for _ in range(10):
            publish_nowait(site.hub, session, bytes(700_000), width=4, height=3)

    async def forget() -> None:
        await trio.lowlevel.checkpoint()
        if site.hub.cameras:
            noon.jump(6.0)
            assert evict_idle(site.hub) == ["door"]

    site.on_piece = forget
    answer = await site.get(ROUTE)

    assert sequences(answer) == [1, 2]
    assert zipfile.ZipFile(io.BytesIO(answer.body)).testzip() is None


async def test_the_number_of_clips_is_bounded(noon: MockClock) -> None:
    """One more than eight is asked to come later, and may when they are done."""
    async with ten_seconds(noon) as (site, _):
        reading, waiting, done = trio.Event(), 0, []

        async def wait() -> None:
            nonlocal waiting
            waiting += 1
            await reading.wait()

        async def ask() -> None:
            done.append((await site.get(ROUTE)).status)

        async with trio.open_nursery() as nursery:
            site.on_piece = wait
            for _ in range(8):
                nursery.start_soon(ask)
            await until(lambda: waiting == 8)
            site.on_piece = trio.lowlevel.checkpoint
            assert (await site.get(ROUTE)).status == 503
            reading.set()
        assert done == [200] * 8
        assert (await site.get(ROUTE)).status == 200


async def test_slow_readers_of_one_key_leave_room_for_others(noon: MockClock) -> None:
    """A slow reader keeps a place for hours. One who is no administrator has half of what the others leave."""
    async with ten_seconds(noon) as (site, _):
        reading, waiting = trio.Event(), 0
        # Copies have the same application.
        ann, bob = copy(site), copy(site)
        for one, name in ((ann, "ann"), (bob, "bob")):
            one.principal = Principal(name, Rights.of({"view": ["*"], "history": ["*"]}), "key", name)

        async def wait() -> None:
            nonlocal waiting
            waiting += 1
            await reading.wait()

        async with trio.open_nursery() as nursery:
            ann.on_piece = wait
            for _ in range(4):
                nursery.start_soon(ann.get, ROUTE)
            await until(lambda: waiting == 4)
            ann.on_piece = trio.lowlevel.checkpoint
            refused = await ann.get(ROUTE)
            assert (refused.status, refused.json()["error"]) == (
                503,
                "4 clips are being sent for ann, which is the limit; try again later",
            )
            assert [(await one.get(ROUTE)).status for one in (bob, site)] == [200, 200]
            reading.set()
        assert (await ann.get(ROUTE)).status == 200


async def test_those_that_ask_in_the_same_moment_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of nine that were all told that there is room, the last begins when another has ended."""

    async def at_once(_writer: clips._ClipWriter, work: Callable[[], bytes]) -> bytes:
        await trio.lowlevel.checkpoint()
        return work()

    monkeypatch.setattr(clips._ClipWriter, "_in_thread", at_once)
    writer, begun = clips._ClipWriter(), list[AsyncGenerator[bytes, None]]()

    def one_batch() -> FrameBatches:
        return FrameBatches(Recordings(), None, iter([[JpegFrame(1, NOON, None, b"jpeg", 4, 3)]]))

    async def begin(clip: AsyncGenerator[bytes, None]) -> None:
        assert await anext(clip) == b"jpeg"
        begun.append(clip)

    async with trio.open_nursery() as nursery:
        for _ in range(9):
            clip = writer.write(ANYONE, one_batch(), JpegClip())
            assert isinstance(clip, AsyncGenerator)
            nursery.start_soon(begin, clip)
        await wait_all_tasks_blocked()
        assert len(begun) == 8
        await begun[0].aclose()
        await wait_all_tasks_blocked()
        assert len(begun) == 9
    for clip in begun:
        await clip.aclose()


async def test_large_files_come_in_pieces(noon: MockClock) -> None:
    """No piece holds up the loop for longer than others do."""
    site = Site(Hub(Settings(max_fps=1000, buffer_size=10)))
    with site.hub.register("door", on_end=nothing) as session:
        for _ in range(3):
            publish_nowait(site.hub, session, bytes(2_000_000), width=4, height=3)
        answer = await site.get(ROUTE)

    assert max(map(len, answer.pieces)) <= 192 * 1024
    assert len(answer.body) > 6_000_000
