"""Single pictures: the next one, those from before, those that stand for none, and the addresses of other programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from skysentry_trio.server.http.direct_routes import DirectRoutes
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.shutdown import Shutdown
from tests.hubs import evict_idle, nothing, publish_nowait
from tests.raw_peer import picture
from tests.server.http.fake_byte_stream import BareStream, ask
from tests.server.http.rest_harness import Answer, Site, publish
from tests.server.websocket.fakes import ABSENT

LATEST = "/api/clients/{clientId}/latest.jpg"
pytestmark = pytest.mark.usefixtures("quick_pencil")


async def test_whether_the_camera_is_there_is_said(autojump_clock: MockClock) -> None:
    """A picture of a camera that left is its last."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        jpeg = publish(site.hub, session)
        there = await site.get(LATEST)
    gone = await site.get(LATEST)

    assert (there.headers["x-skysentry-online"], gone.headers["x-skysentry-online"]) == ("true", "false")
    assert there.body == gone.body == jpeg


# The next


async def wait_for_next(site: Site, query: str, seconds: float) -> tuple[Answer, float]:
    """Ask, and publish a frame after some seconds; return the answer and how long it took."""
    started = trio.current_time()
    answers: list[Answer] = []

    async def look() -> None:
        answers.append(await site.get(LATEST, query=query))
        answers_at.append(trio.current_time() - started)

    answers_at: list[float] = []
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session, 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            await trio.sleep(seconds)
            publish(site.hub, session, 2)
    return answers[0], answers_at[0]


@pytest.mark.parametrize(
    ("query", "status", "sequence", "took"),
    [
        ("?after=0", 200, "1", 0),
        ("?after=0&wait=30", 200, "1", 0),
        ("?after=1", 204, None, 0),
        ("?after=1&wait=5", 204, None, 5),
        ("?after=1&wait=30", 200, "2", 10),
        # Frames of a camera that was forgotten: it counts anew.
        ("?after=500&wait=30", 200, "1", 0),
    ],
)
async def test_the_next_frame_can_be_waited_for(
    autojump_clock: MockClock, query: str, status: int, sequence: str | None, took: float
) -> None:
    """What is there already comes at once, the next as soon as it is there, and 204 when the time is over."""
    answer, seconds = await wait_for_next(Site(), query, 10)

    assert (answer.status, answer.headers.get("x-sequence")) == (status, sequence)
    assert seconds == pytest.approx(took, abs=0.1)
    assert answer.headers["x-skysentry-online"] == "true"
    if status == 204:
        assert answer.body == b""
        assert "content-type" not in answer.headers


async def test_a_wait_ends_when_the_server_stops(autojump_clock: MockClock) -> None:
    """Nobody is held up by who waits."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        async with trio.open_nursery() as nursery:
            started = trio.current_time()

            async def stop() -> None:
                await trio.sleep(1)
                site.health.shutdown.request()

            nursery.start_soon(stop)
            answer = await site.get(LATEST, query="?after=1&wait=60")
            took = trio.current_time() - started

    assert answer.status == 204
    assert took == pytest.approx(1, abs=0.1)
    assert site.hub.statistics().viewers == 0


async def test_a_wait_outlives_the_camera(autojump_clock: MockClock) -> None:
    """It may be forgotten and come back meanwhile, or not."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)

    async def forget() -> None:
        await trio.sleep(1)
        session.camera.last_heard -= 1000
        evict_idle(site.hub)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(forget)
        answer = await site.get(LATEST, query="?after=1&wait=5")

    assert (answer.status, answer.headers["x-skysentry-online"]) == (204, "false")


# Those from before


async def test_frames_from_before_are_found(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was the newest then; by the clock, or so long ago."""
    monkeypatch.setattr("time.time", lambda: 1700000000 + trio.current_time())
    site = Site(Hub(Settings(max_fps=1000, buffer_size=4)))
    found = {}
    with site.hub.register("door", on_end=nothing) as session:
        start = trio.current_time()
        for shade in range(5):
            publish(site.hub, session, shade)
            await trio.sleep(1)
        for query in ("back=0", "back=1.5", "back=4", f"at={1700000000 + start + 2.5}", "at=2033-01-01T00:00:00Z"):
            found[query] = (await site.get(LATEST, query=f"?{query}")).headers["x-sequence"]
        known = await site.get(LATEST, query="?back=1.5")
        unchanged = await site.get(LATEST, query="?back=1.5", If_None_Match=known.headers["etag"])
        missing = [await site.get(LATEST, query=query) for query in ("?back=4.5", "?at=0", f"?at={1700000000 + start}")]

    assert list(found.values()) == ["5", "4", "2", "3", "5"]
    assert unchanged.status == 304
    assert [answer.status for answer in missing] == [404, 404, 404]
    assert "from that time" in missing[0].json()["error"]


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=1&wait=61", "?wait=-1", "?back=-1", "?at=yesterday", "?at=1&back=1", "?placeholder=x"]
)
async def test_a_query_that_makes_no_sense_is_refused(query: str) -> None:
    """With 400 and what was expected."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
    answer = await site.get(LATEST, query=query)

    assert answer.status == 400


@pytest.mark.parametrize("query", ["?after=0", "?back=1", "?at=0", ""])
async def test_an_unknown_camera_has_no_pictures(query: str) -> None:
    """However one asks for them."""
    assert (await Site().get(LATEST, query=query)).status == 404


# What reading means for the camera


@pytest.mark.parametrize("query", ["?back=1", "?at=2033-01-01T00:00:00Z"])
async def test_reading_the_past_wakes_no_camera(query: str, autojump_clock: MockClock) -> None:
    """The frame is there already: a camera that rests is not asked for more."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        await trio.sleep(2)
        before = site.hub.demand(session.camera)
        answer = await site.get(LATEST, query=query)

        assert (answer.status, site.hub.demand(session.camera)) == (200, before)


@pytest.mark.parametrize(
    "address",
    [
        "/api/clients/door/latest",
        "/api/clients/door/latest.jpg",
        "/api/clients/door/latest.jpg?after=0",
        "/api/clients/door/latest.jpg?after=1",
        "/api/clients/door/latest.jpg?placeholder=1",
        "/snapshot",
        "/?action=snapshot",
        "/api/frame.jpeg",
    ],
)
async def test_reading_the_newest_frame_wakes_its_camera(address: str, autojump_clock: MockClock) -> None:
    """A program that reads one may read the next one soon, and wants that to be a new one."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        before = site.hub.demand(session.camera)
        await site.ask(address)

        assert site.hub.demand(session.camera).exceeds(before)


# Those that stand for none


async def test_a_picture_can_stand_for_a_camera_that_shows_none(autojump_clock: MockClock) -> None:
    """Never seen, nothing sent, gone; who is there is shown as it is."""
    site = Site()
    drawn = [await site.get(LATEST, query="?placeholder=1")]
    with site.hub.register("door", on_end=nothing) as session:
        drawn.append(await site.get(LATEST, query="?placeholder=1"))
        jpeg = publish(site.hub, session)
        real = await site.get(LATEST, query="?placeholder=1")
    drawn.append(await site.get(LATEST, query="?placeholder=1"))

    for answer in drawn:
        assert (answer.status, answer.body) == (200, ABSENT)
        assert answer.headers["x-skysentry-online"] == "false"
        assert answer.headers["cache-control"] == "no-store"
        assert "x-sequence" not in answer.headers
    assert (real.body, real.headers["x-skysentry-online"]) == (jpeg, "true")


async def test_what_is_no_id_stands_for_nothing() -> None:
    """A placeholder does not hide that the address is wrong."""
    assert (await Site().get(LATEST, "a%20b", query="?placeholder=1")).status == 400


# Connections


async def serve(stream: BareStream, hub: Hub, target: str, *headers: str, stays_open: bool = True) -> None:
    exchange = ask(stream, target, *headers)
    service = DirectRoutes(hub, PushSessions(hub), Shutdown()).find(exchange.head)
    assert service is not None
    await service(evolve(exchange.request, may_stay_open=lambda: stays_open))


@pytest.mark.parametrize(
    ("query", "status"), [("", 200), ("?after=1", 204), ("?after=1&wait=1", 204), ("?back=900", 404), ("?at=x", 400)]
)
@pytest.mark.parametrize("stays_open", [True, False])
async def test_a_connection_stays_open_after_every_answer(
    autojump_clock: MockClock, query: str, status: int, stays_open: bool
) -> None:
    """What was sent ahead is there for the next request, unless this was the last."""
    hub, stream = Hub(Settings()), BareStream()
    with hub.register("door", on_end=nothing) as session:
        publish(hub, session)
        stream.say(b"GET /next")
        await serve(stream, hub, f"/api/clients/door/latest.jpg{query}", stays_open=stays_open)
    got, headers, _ = stream.answer("GET")

    assert (got, headers.get("connection")) == (status, None if stays_open else "close")
    assert (stream.stays_open, stream.lingered) == (stays_open, not stays_open)
    assert await stream.receive_some() == b"GET /next"


@pytest.mark.parametrize("matches", [True, False])
async def test_a_client_may_insist_on_a_frame(autojump_clock: MockClock, matches: bool) -> None:
    """The answer is 412 if the camera has sent another one meanwhile (RFC 9110 section 13.1.1)."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        known = (await site.ask("/api/clients/door/latest.jpg")).headers["etag"]
        answer = await site.ask("/api/clients/door/latest.jpg", If_Match=known if matches else '"other"')

    assert answer.status == (200 if matches else 412)
    assert answer.headers["content-type"] == ("image/jpeg" if matches else "application/json")


async def test_a_request_with_a_body_is_the_last(autojump_clock: MockClock) -> None:
    """Nobody reads the body, so nobody knows where the next request would begin."""
    hub, stream = Hub(Settings()), BareStream()
    with hub.register("door", on_end=nothing) as session:
        publish(hub, session)
        await serve(stream, hub, "/api/clients/door/latest.jpg", "Content-Length: 2")

    assert stream.head[1]["connection"] == "close"
    assert not stream.stays_open


@pytest.mark.parametrize("leave", [BareStream.leave, BareStream.lose])
async def test_a_client_that_leaves_while_it_waits_is_noticed(
    autojump_clock: MockClock, leave: Callable[[BareStream], None]
) -> None:
    """It gets no answer, and no longer counts as a viewer."""
    hub, stream = Hub(Settings()), BareStream()
    with hub.register("door", on_end=nothing) as session:
        publish(hub, session)
        began = trio.current_time()
        leave(stream)
        await serve(stream, hub, "/api/clients/door/latest.jpg?after=1&wait=60")

    assert trio.current_time() - began < 2
    assert stream.written == b""
    assert hub.statistics().viewers == 0


async def test_a_large_frame_is_sent_whole_to_a_slow_client(autojump_clock: MockClock) -> None:
    """However little it takes at once."""
    hub, stream = Hub(Settings()), BareStream(room=1000)
    jpeg = picture(300_000)
    with hub.register("door", on_end=nothing) as session:
        publish_nowait(hub, session, jpeg, width=16, height=16)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, stream, hub, "/api/clients/door/latest.jpg")
            for _ in range(40):
                await trio.sleep(1)
                stream.make_room(10_000)

    assert stream.body == jpeg
    assert stream.stays_open


# The addresses of other programs


@pytest.mark.parametrize("address", ["/snapshot?client=", "/?action=snapshot&client=", "/api/frame.jpeg?src="])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_other_programs_find_pictures_where_they_look(address: str, method: str) -> None:
    """Of the camera that is named, with all that our own address has."""
    site = Site()
    with site.hub.register("gate", on_end=nothing), site.hub.register("door", on_end=nothing) as session:
        jpeg = publish(site.hub, session)
        answer = await site.ask(f"{address}door", method)
        known = await site.ask(f"{address}door", method, If_None_Match=answer.headers["etag"])

    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    assert (answer.body, answer.headers["content-length"]) == (jpeg if method == "GET" else b"", str(len(jpeg)))
    assert answer.headers["x-sequence"] == "1"
    assert known.status == 304
    assert answer.headers.get("x-ustreamer-online") == (None if "frame" in address else "true")


@pytest.mark.parametrize("address", ["/snapshot", "/?action=snapshot", "/api/frame.jpeg"])
async def test_the_only_camera_needs_no_name(address: str) -> None:
    """None, and two, are answered with 404."""
    site = Site()
    none = await site.ask(address)
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        one = await site.ask(address)
        with site.hub.register("gate", on_end=nothing):
            two = await site.ask(address)

    assert [answer.status for answer in (none, one, two)] == [404, 200, 404]


@pytest.mark.parametrize(("target", "method"), [("/", "GET"), ("/?action=", "GET"), ("/?action=snapshot", "OPTIONS")])
async def test_the_page_stays_where_it_is(target: str, method: str) -> None:
    """Only the question for a picture is answered with one."""
    answer = await Site().ask(target, method)

    assert (answer.status, answer.headers["content-type"]) != (404, "application/json")
    assert answer.headers["content-type"].startswith(("text/plain", "text/html"))
