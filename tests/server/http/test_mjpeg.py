"""A viewer over HTTP, in virtual time: what it is sent, when, and what ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from skysentry_trio.base.principal import ANYONE
from skysentry_trio.server.http.mjpeg import serve_mjpeg
from skysentry_trio.server.relay.camera import CameraSession
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.shutdown import Shutdown
from tests.hubs import evict_idle, nothing
from tests.server.http.fake_byte_stream import WRITE_TIMEOUT, BareStream, ask
from tests.server.http.rest_harness import publish
from tests.server.websocket.fakes import ABSENT

pytestmark = pytest.mark.usefixtures("quick_pencil")


@define(eq=False)
class Stage:
    """A hub, and what clients are shown of it."""

    nursery: trio.Nursery
    hub: Hub = field(factory=lambda: Hub(Settings(max_fps=1000)))
    shutdown: Shutdown = field(factory=Shutdown)

    @contextmanager
    def camera(self, camera_id: str = "door") -> Iterator[CameraSession]:
        with self.hub.register(camera_id, on_end=nothing) as session:
            yield session

    async def client(
        self,
        query: str = "",
        *headers: str,
        room: float = float("inf"),
        method: str = "GET",
        camera: str | None = "door",
    ) -> BareStream:
        """Let somebody ask for the door's stream; what happens at once has happened when this returns."""
        stream = BareStream(room)
        exchange = ask(stream, f"/api/clients/door/stream.mjpeg{query}", *headers, method=method)
        self.nursery.start_soon(serve_mjpeg, exchange, ScopedHub(self.hub, ANYONE), camera, self.shutdown)
        await moment()
        return stream


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    async with trio.open_nursery() as nursery:
        yield Stage(nursery)
        nursery.cancel_scope.cancel()


async def moment() -> None:
    """Let everybody do what they can do now."""
    await trio.sleep(0.001)


async def test_the_newest_frame_comes_at_once_and_the_next_as_they_come(autojump_clock: MockClock) -> None:
    """What browsers, FFmpeg and proxies need is in the head; each frame goes out in the moment it comes in."""
    async with stage() as here:
        with here.camera() as camera:
            old = publish(here.hub, camera, 1)
            client = await here.client()
            status, headers = client.head
            first = client.jpegs
            new = publish(here.hub, camera, 2)
            second = client.jpegs
            parts = client.parts

    assert status == 200
    assert headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
    assert headers["connection"] == "close"
    assert headers["x-accel-buffering"] == "no"
    assert "no-store" in headers["cache-control"]
    assert headers["x-skysentry-online"] == "true"
    assert headers["x-content-type-options"] == "nosniff"
    assert "content-length" not in headers
    assert (first, second) == ([old], [old, new])
    assert [part.headers["x-sequence"] for part in parts] == ["1", "2"]
    assert [part.headers["content-type"] for part in parts] == ["image/jpeg"] * 2


async def test_a_part_is_made_once_for_all(autojump_clock: MockClock) -> None:
    """Two clients are given the same bytes."""
    async with stage() as here:
        with here.camera() as camera:
            publish(here.hub, camera)
            one, other = await here.client(), await here.client()
            publish(here.hub, camera)

    assert one.pieces[-1] is other.pieces[-1]
    assert one.written.endswith(one.pieces[-1])


async def test_a_slow_client_gets_fewer_frames_and_not_older_ones(autojump_clock: MockClock) -> None:
    """What it could not take was replaced by what came later, and is counted."""
    async with stage() as here:
        with here.camera() as camera:
            first = publish(here.hub, camera, 0)
            client, fast = await here.client(), await here.client()
            client.room = 100
            frames = [publish(here.hub, camera, shade) for shade in range(1, 6)]
            client.make_room()
            await moment()
            replaced = here.hub.statistics().frames_superseded
            last = publish(here.hub, camera, 9)

    # The first of them had begun, and is not cut off.
    assert client.jpegs == [first, frames[0], frames[-1], last]
    assert replaced == 3
    assert fast.jpegs == [first, *frames, last]


async def test_a_client_that_reads_nothing_is_cut_off(autojump_clock: MockClock) -> None:
    """After the write timeout; the other one misses nothing meanwhile."""
    async with stage() as here:
        with here.camera() as camera:
            first = publish(here.hub, camera, 0)
            stuck, fast = await here.client(room=500), await here.client()
            frames = [first]
            for shade in range(1, 20):
                frames.append(publish(here.hub, camera, shade))
                await trio.sleep(WRITE_TIMEOUT / 18)
            viewers = here.hub.viewer_count("door")

    assert viewers == 1
    assert len(stuck.written) == 500
    assert fast.jpegs == frames


async def test_a_lower_rate_can_be_asked_for(autojump_clock: MockClock) -> None:
    """Frames between are left out."""
    async with stage() as here:
        with here.camera() as camera:
            client = await here.client("?fps=5")
            for shade in range(30):
                publish(here.hub, camera, shade)
                await trio.sleep(1 / 30)
            await moment()

    # The first is the drawn one.
    sequences = [int(part.headers["x-sequence"]) for part in client.parts[1:]]
    assert sequences[0] == 1
    assert len(sequences) in {5, 6}


@pytest.mark.parametrize(("burst", "expected"), [(0, 1), (1, 1), (3, 3), (16, 5)])
async def test_frames_from_before_can_come_first(autojump_clock: MockClock, burst: int, expected: int) -> None:
    """In order, each once, as far as the ring has them; then it goes on live."""
    async with stage() as here:
        with here.camera() as camera:
            frames = [publish(here.hub, camera, shade) for shade in range(5)]
            client = await here.client(f"?burst={burst}")
            frames.append(publish(here.hub, camera, 5))

    assert client.jpegs == frames[-expected - 1 :]


async def test_a_burst_ends_where_it_was_when_it_was_asked_for(autojump_clock: MockClock) -> None:
    """A client that is slower than the camera does not follow it through the whole ring, but goes live."""
    async with stage() as here:
        with here.camera() as camera:
            frames = [publish(here.hub, camera, shade) for shade in range(3)]
            client = await here.client("?burst=3", room=1500)
            frames += [publish(here.hub, camera, shade) for shade in range(3, 9)]
            client.make_room()
            await moment()

    assert client.jpegs == [*frames[:3], frames[-1]]


async def test_the_last_frame_is_repeated_when_no_other_comes(autojump_clock: MockClock) -> None:
    """Every five seconds, counted from the last: some programs take ten seconds of silence for an end."""
    counts = []
    async with stage() as here:
        with here.camera() as camera:
            first = publish(here.hub, camera, 1)
            client = await here.client()
            for _ in range(4):
                await trio.sleep(3)
                counts.append(len(client.parts))
            second = publish(here.hub, camera, 2)
            for _ in range(2):
                await trio.sleep(3)
                counts.append(len(client.parts))

    assert counts == [1, 2, 2, 3, 4, 5]
    assert client.jpegs == [first] * 3 + [second] * 2


async def test_a_camera_that_left_is_shown_to_be_gone(autojump_clock: MockClock) -> None:
    """A drawn picture instead of the last frame once more, and frames again when it is back."""
    async with stage() as here:
        with here.camera() as camera:
            before = publish(here.hub, camera, 1)
            client = await here.client()
        await trio.sleep(4.9)
        early = client.jpegs
        await trio.sleep(6)
        with here.camera() as camera:
            after = publish(here.hub, camera, 2)
            await moment()

    assert early == [before]
    assert client.jpegs == [before, ABSENT, ABSENT, after]
    assert [part.headers["x-skysentry-online"] for part in client.parts] == ["true", "false", "false", "true"]


async def test_a_camera_that_is_gone_is_not_shown_as_if_it_were_there(autojump_clock: MockClock) -> None:
    """Who comes later gets no old frame, but the drawn picture at once."""
    async with stage() as here:
        with here.camera() as camera:
            old = publish(here.hub, camera, 1)
        client, asking_for_it = await here.client(), await here.client("?burst=1")
        with here.camera() as camera:
            new = publish(here.hub, camera, 2)
            await moment()

    assert client.head[1]["x-skysentry-online"] == "false"
    assert client.jpegs == [ABSENT, new]
    assert asking_for_it.jpegs == [old, ABSENT, new]


async def test_a_camera_without_a_frame_is_drawn_too(autojump_clock: MockClock) -> None:
    """It is there, and has nothing to show yet."""
    async with stage() as here:
        with here.camera() as camera:
            client = await here.client()
            frame = publish(here.hub, camera)

    assert client.jpegs == [ABSENT, frame]


async def test_a_camera_that_is_forgotten_meanwhile_may_come_back(autojump_clock: MockClock) -> None:
    """Its frames count from 1 again, and are shown."""
    async with stage() as here:
        with here.camera() as camera:
            publish(here.hub, camera, 1)
            client = await here.client()
        await trio.sleep(121)
        assert evict_idle(here.hub) == ["door"]
        count = len(client.parts)
        with here.camera() as camera:
            publish(here.hub, camera, 2)
            await moment()

    assert [part.headers.get("x-sequence") for part in client.parts[count - 1 :]] == [None, "1"]


async def test_an_unknown_camera_is_an_error_unless_a_placeholder_is_wanted(autojump_clock: MockClock) -> None:
    """Home Assistant asks once when it starts; the camera may be later."""
    async with stage() as here:
        refused, patient = await here.client(), await here.client("?placeholder=1")
        with here.camera() as camera:
            frame = publish(here.hub, camera)
            await moment()

    assert refused.head[0] == 404
    assert refused.json == {"error": "there is no camera door; /api/clients lists them", "success": False}
    assert refused.lingered
    assert patient.head[0] == 200
    assert patient.jpegs == [ABSENT, frame]
    assert here.hub.statistics().peers_refused == {("viewer", "not-found"): 1}


async def test_the_only_camera_needs_no_name(autojump_clock: MockClock) -> None:
    """With two of them it does."""
    async with stage() as here:
        nobody = await here.client(camera=None)
        with here.camera() as camera:
            frame = publish(here.hub, camera)
            only = await here.client(camera=None)
            with here.camera("gate"):
                one_of_two = await here.client(camera=None)

    assert only.jpegs == [frame]
    assert (nobody.head[0], one_of_two.head[0]) == (404, 404)
    assert "exactly one camera, got 2" in one_of_two.json["error"]


@pytest.mark.parametrize(
    "query", ["?fps=0", "?fps=nan", "?fps=-1", "?fps=x", "?burst=-1", "?burst=1.5", "?burst=9999", "?placeholder=maybe"]
)
async def test_a_query_that_makes_no_sense_is_refused(autojump_clock: MockClock, query: str) -> None:
    """With 400 and what was expected."""
    async with stage() as here:
        with here.camera():
            client = await here.client(query)

    assert client.head[0] == 400
    assert client.json["success"] is False


async def test_head_has_the_head_alone(autojump_clock: MockClock) -> None:
    """The same head as that of GET, and an end."""
    async with stage() as here:
        with here.camera() as camera:
            publish(here.hub, camera)
            head, get = await here.client(method="HEAD"), await here.client()
            viewers = here.hub.viewer_count("door")

    assert head.head == get.head
    assert head.body == b""
    assert head.lingered
    assert viewers == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_other_methods_are_not_there(autojump_clock: MockClock, method: str) -> None:
    """405 says which are."""
    async with stage() as here:
        client = await here.client(method=method)

    status, headers = client.head
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_a_client_that_leaves_is_noticed_at_once(autojump_clock: MockClock) -> None:
    """Even while there is nothing to send to it, whether it closed or was lost."""
    async with stage() as here:
        with here.camera() as camera:
            publish(here.hub, camera)
            closed, lost = await here.client(), await here.client()
            before = here.hub.viewer_count("door")
            closed.leave()
            lost.lose()
            await moment()
            after = here.hub.viewer_count("door")

    assert (before, after) == (2, 0)


async def test_a_client_may_say_a_little_but_not_much(autojump_clock: MockClock) -> None:
    """Nothing is expected of it."""
    async with stage() as here:
        with here.camera():
            client = await here.client()
            client.say(b"x" * 65_000)
            await moment()
            before = here.hub.viewer_count("door")
            client.say(b"x" * 1000)
            await moment()
            after = here.hub.viewer_count("door")

    assert (before, after) == (1, 0)


async def test_a_server_that_stops_says_goodbye(autojump_clock: MockClock) -> None:
    """The stream ends, at once, also for who comes now."""
    async with stage() as here:
        with here.camera() as camera:
            frame = publish(here.hub, camera)
            client = await here.client()
            here.shutdown.request()
            await moment()
            late = await here.client()

    assert client.jpegs == [frame]
    assert client.lingered
    assert late.lingered
    assert here.hub.statistics().viewers == 0


async def test_a_client_that_is_gone_before_the_head_is_nobody(autojump_clock: MockClock) -> None:
    """It is not even counted as a viewer."""
    async with stage() as here:
        with here.camera():
            client = await here.client(room=0)
            client.lose()
            await moment()

    assert here.hub.statistics().viewers == 0
    assert client.written == b""
