"""Every route under /api: status, headers and body, each reply checked against the OpenAPI description."""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import ExitStack

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio._version import __version__
from skysentry_trio.base.principal import Principal
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.leases import Lease
from skysentry_trio.server.settings import Settings
from skysentry_trio.wire.rest import write_ring
from skysentry_trio.wire.viewer_frames import RingSummary
from tests.hubs import evict_idle, nothing, publish_nowait
from tests.principals import make_guest
from tests.server.http.rest_harness import DESCRIPTION, Site, publish
from tests.server.websocket.fakes import JPEG

LATEST = "/api/clients/{clientId}/latest"
LATEST_JPEG = "/api/clients/{clientId}/latest.jpg"
RING = "/api/clients/{clientId}/stream"
AT = 1700000000.25


@pytest.fixture(autouse=True)
def stopped_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be the same moment in all tests."""
    monkeypatch.setattr("time.time", lambda: AT)


# Health


async def test_health_says_how_the_server_is(autojump_clock: MockClock) -> None:
    """The load balancer's probe has SkySentry Go's keys, and all counts."""
    site = Site()
    site.connections.open = 3
    site.connections.ended_by["crash"] += 1
    with site.hub.register("door", on_end=nothing) as session, site.hub.watch() as viewer:
        site.hub.subscribe(viewer)
        publish(site.hub, session)
        publish(site.hub, session)
        session.camera.refused["not-a-jpeg"] += 1
        await trio.sleep(2.5)
        answer = await site.get("/api/health")

    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "status": "healthy",
        "totalClients": 1,
        "onlineClients": 1,
        "bufferSize": 16,
        "timestamp": "2023-11-14T22:13:20.250+00:00",
        "streamSubscribers": 1,
        "version": __version__,
        "uptime": 2.5,
        "connections": 3,
        "memory": 2 * len(JPEG),
        "framesReceived": 2,
        "framesSent": 0,
        "bytesReceived": 2 * len(JPEG),
        "bytesSent": 0,
        "drops": {"replaced": 1, "thinned": 0, "left": 0, "not-a-jpeg": 1},
        "connectionsEnded": {"crash": 1},
        "failing": {},
        "degraded": {},
        "open": True,
    }


async def test_a_failing_service_makes_the_server_unhealthy() -> None:
    """503 says so to load balancers, and the reason to people."""
    site = Site()
    site.health.failing["janitor"] = "no broom"
    answer = await site.get("/api/health")

    assert (answer.status, answer.json()["status"]) == (503, "unhealthy")
    assert answer.json()["failing"] == {"janitor": "no broom"}


async def test_a_degraded_server_is_still_well() -> None:
    """People read the reason; a load balancer must not take all servers away when they miss the same thing."""
    site = Site()
    site.health.degraded["cluster"] = "the engine cannot be used"
    answer = await site.get("/api/health")

    assert (answer.status, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["degraded"] == {"cluster": "the engine cannot be used"}


async def test_a_draining_server_is_well_but_not_ready() -> None:
    """While it stops, health stays 200 and ready turns 503."""
    site = Site()
    ready = await site.get("/api/ready")
    site.health.shutdown.request()
    health, unready = await site.get("/api/health"), await site.get("/api/ready")

    assert (ready.status, ready.json()) == (200, {"ready": True})
    assert (unready.status, unready.json()) == (503, {"ready": False})
    assert (health.status, health.json()["status"]) == (200, "draining")
    assert unready.headers["cache-control"] == "no-store"


# Cameras

UNLIMITED = {"maxFps": None, "maxWidth": None, "quality": None}
TOOK = {"frames": 1, "capture": None, "server": 0.0, "delivery": 50.0, "total": 50.0}


async def test_a_long_list_holds_up_nobody() -> None:
    """Others have a turn between any two cameras, each of which may have a thousand viewers."""
    site, turns = Site(), 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    with ExitStack() as cameras:
        for number in range(300):
            cameras.enter_context(site.hub.register(f"camera-{number}", on_end=nothing))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count_turns)
            answer = await site.get("/api/clients")
            nursery.cancel_scope.cancel()
    assert answer.json()["count"] == 300
    assert turns > 300


async def test_all_cameras_are_listed_with_details(autojump_clock: MockClock) -> None:
    """Live and gone, with and without frames, in the order in which they came."""
    site = Site()
    empty = await site.get("/api/clients")
    with site.hub.register("door", name="Front door", on_end=nothing) as session, site.hub.watch() as viewer:
        site.hub.subscribe(viewer)
        for _ in range(3):
            publish(site.hub, session)
            await trio.sleep(0.1)
        session.camera.refused["too-fast"] += 2
        # The first makes it one that acknowledges.
        site.hub.acknowledge(viewer, "door", 3, None)
        publish(site.hub, session)
        await viewer.outbox.receive()
        await trio.sleep(0.05)
        site.hub.acknowledge(viewer, "door", 4, 1700000000.30)
        viewer.latency.conclude(trio.current_time())
        with site.hub.register("gone", on_end=nothing):
            pass
        answer = await site.get("/api/clients")

    assert empty.json() == {"count": 0, "clients": [], "details": [], "success": True}
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {
        "success": True,
        "count": 1,
        "clients": ["door"],
        "details": [
            {
                "clientId": "door",
                "name": "Front door",
                "online": True,
                "since": "2023-11-14T22:13:20.250+00:00",
                "fps": 10.0,
                "frameCount": 4,
                "byteCount": 4 * len(JPEG),
                "viewers": 1,
                "width": 32,
                "height": 24,
                "latestTimestamp": "2023-11-14T22:13:20.250+00:00",
                "refused": {"too-fast": 2},
                "timesIgnored": 0,
                "demand": {"viewers": 1, **UNLIMITED},
                "latency": TOOK,
                "watchers": [{**TOOK, "viewer": 1}],
            },
            {
                "clientId": "gone",
                "name": None,
                "online": False,
                "since": "2023-11-14T22:13:20.250+00:00",
                "fps": 0.0,
                "frameCount": 0,
                "byteCount": 0,
                "viewers": 1,
                "width": None,
                "height": None,
                "latestTimestamp": None,
                "refused": {},
                "timesIgnored": 0,
                "demand": {"viewers": 1, **UNLIMITED},
                "latency": None,
                "watchers": [],
            },
        ],
    }


@pytest.mark.parametrize("route", [LATEST, LATEST_JPEG, RING])
@pytest.mark.parametrize(
    ("camera_id", "status", "words"),
    [
        ("nobody", 404, "there is no camera nobody"),
        ("..", 400, "a camera id is"),
        ("%3Cscript%3E", 400, "a camera id is"),
        ("%00", 400, "a camera id is"),
        ("%ff", 400, "a camera id is"),
        ("%E2%80%AEdoor", 400, "a camera id is"),
        ("a" * 65, 400, "a camera id is"),
        ("a" * 10_000, 400, "a camera id is"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_who_is_no_camera_is_refused(route: str, camera_id: str, status: int, words: str) -> None:
    """A malformed id is 400, an unknown one 404, in the one shape of all errors."""
    answer = await Site().get(route, camera_id)

    assert answer.status == status
    assert words in answer.json()["error"]
    assert answer.json()["success"] is False
    assert "<" not in answer.json()["error"].replace("<script>", "")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("route", [LATEST, LATEST_JPEG])
async def test_a_camera_without_a_frame_has_no_newest(route: str) -> None:
    """Before the first frame it is 404, and says why."""
    site = Site()
    with site.hub.register("door", on_end=nothing):
        answer = await site.get(route)

    assert (answer.status, answer.json()["error"]) == (404, "camera door has sent no frame yet")


async def test_the_newest_frame_as_json() -> None:
    """The picture is a data URL, beside what is known of it."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session, 1)
        jpeg = publish(site.hub, session, 2)
        answer = await site.get(LATEST)
    latest = answer.json()

    assert latest["stats"].pop("fps") >= 0
    assert b64decode(latest.pop("image").removeprefix("data:image/jpeg;base64,"), validate=True) == jpeg
    assert latest == {
        "success": True,
        "clientId": "door",
        "timestamp": "2023-11-14T22:13:20.250+00:00",
        "size": len(jpeg),
        "sequence": 2,
        "stats": {
            "size": 2,
            "capacity": 16,
            "frameCount": 2,
            "latestTimestamp": "2023-11-14T22:13:20.250+00:00",
        },
    }
    assert answer.headers["cache-control"] == "no-store"
    assert "accept" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "application/json"),
        ("image/png", "application/json"),
        ("image/jpeg;q=0.5, application/json", "application/json"),
        ("nonsense;;,", "application/json"),
        ("image/jpeg", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("image/jpeg, */*;q=0.8", "image/jpeg"),
        ("application/json;q=0.5, image/avif, image/*;q=0.9", "image/jpeg"),
    ],
)
async def test_the_newest_frame_comes_as_what_is_accepted(accept: str, content_type: str) -> None:
    """Who prefers a JPEG gets the bare one, everybody else JSON."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        jpeg = publish(site.hub, session)
        answer = await site.get(LATEST, Accept=accept)

    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert (answer.body == jpeg) == (content_type == "image/jpeg")


async def test_the_newest_frame_as_a_jpeg_has_its_figures_in_headers() -> None:
    """Number and moment of the frame, a validator, and no caching without asking."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        jpeg = publish(site.hub, session)
        arrived = await site.get(LATEST_JPEG)
        publish(site.hub, session, captured_at=1699999000.5)
        captured = await site.get(LATEST_JPEG)
        publish(site.hub, session, captured_at=-1e308)
        absurd = await site.get(LATEST_JPEG)

    assert (arrived.status, arrived.body, arrived.headers["content-type"]) == (200, jpeg, "image/jpeg")
    assert arrived.headers["content-length"] == str(len(jpeg))
    assert (arrived.headers["x-sequence"], arrived.headers["x-timestamp"]) == ("1", "1700000000.250000")
    assert arrived.headers["cache-control"] == "no-cache"
    assert (captured.headers["x-sequence"], captured.headers["x-timestamp"]) == ("2", "1699999000.500000")
    assert absurd.headers["x-timestamp"] == "1700000000.250000"


async def test_a_frame_that_is_known_already_is_not_sent_again() -> None:
    """The validator of the newest frame gets 304 without a body until there is a newer one."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session, 1)
        etag = (await site.get(LATEST_JPEG)).headers["etag"]
        known = await site.get(LATEST_JPEG, If_None_Match=f'"other", {etag}')
        any_at_all = await site.get(LATEST_JPEG, If_None_Match="*")
        unknown = await site.get(LATEST_JPEG, If_None_Match='"other"')
        publish(site.hub, session, 2)
        newer = await site.get(LATEST_JPEG, If_None_Match=etag)

    assert [answer.status for answer in (known, any_at_all, unknown, newer)] == [304, 304, 200, 200]
    assert (known.body, known.headers["etag"], known.headers["x-sequence"]) == (b"", etag, "1")
    assert newer.headers["etag"] != etag


async def test_a_304_does_not_say_that_the_picture_is_empty() -> None:
    """Content-Length there would be that of the picture (RFC 9110 section 8.6)."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        known = await site.get(LATEST_JPEG, If_None_Match="*")

    assert known.status == 304
    assert "content-length" not in known.headers


async def test_a_camera_that_came_back_from_oblivion_has_other_validators(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first frame is number 1 again, and no cache takes it for the one before."""
    site = Site()
    etags = []
    for seen_at in (AT, AT + 200):
        monkeypatch.setattr("time.time", lambda seen_at=seen_at: seen_at)
        with site.hub.register("door", on_end=nothing) as session:
            publish(site.hub, session)
            etags.append((await site.get(LATEST_JPEG)).headers["etag"])
        await trio.sleep(121)
        evict_idle(site.hub)

    assert etags[0] != etags[1]


async def test_a_ring_has_all_frames_oldest_first() -> None:
    """Each with its picture in base64, its moment, size and number."""
    site = Site(Hub(Settings(max_fps=1000, buffer_size=2)))
    with site.hub.register("door", on_end=nothing) as session:
        empty = await site.get(RING)
        jpegs = [publish(site.hub, session, shade) for shade in range(3)]
        answer = await site.get(RING)
    ring = answer.json()

    assert (empty.json()["count"], empty.json()["frames"]) == (0, [])
    assert (ring["success"], ring["clientId"], ring["count"]) == (True, "door", 2)
    assert ring["stats"]["frameCount"] == 3
    assert [b64decode(frame["data"], validate=True) for frame in ring["frames"]] == jpegs[1:]
    assert [(frame["sequence"], frame["size"], frame["format"]) for frame in ring["frames"]] == [
        (2, len(jpegs[1]), "jpeg"),
        (3, len(jpegs[2]), "jpeg"),
    ]
    assert answer.headers["cache-control"] == "no-store"


async def test_all_rings_come_by_client_id() -> None:
    """One object with the ring of each camera that is there, with and without frames."""
    site = Site()
    none = await site.get("/api/streams")
    with site.hub.register("gone", on_end=nothing) as session:
        publish(site.hub, session)
    with site.hub.register("a", on_end=nothing) as session, site.hub.register("b", on_end=nothing):
        jpeg = publish(site.hub, session)
        answer = await site.get("/api/streams")
    streams = answer.json()

    assert none.json() == {"success": True, "totalClients": 0, "streams": {}}
    assert (streams["success"], streams["totalClients"], list(streams["streams"])) == (True, 2, ["a", "b"])
    assert [b64decode(frame["data"]) for frame in streams["streams"]["a"]["frames"]] == [jpeg]
    assert (streams["streams"]["b"]["count"], streams["streams"]["b"]["frames"]) == (0, [])


class SlowServer:
    """Another server, which takes a second to send the ring of a camera."""

    node_id = "b"

    def owner(self, _camera_id: str) -> str:
        return self.node_id

    def send_result(self, message: bytes) -> None:
        raise NotImplementedError

    async def ask_owner(self, camera_id: str, _resource: str, _principal: Principal, _seconds: float) -> bytes:
        await trio.sleep(1)
        return b"".join(write_ring(camera_id, [], RingSummary(0, 16, 0, None, 0.0)))


async def test_another_server_is_asked_for_several_rings_at_the_same_time(autojump_clock: MockClock) -> None:
    """A reply with the rings of eight cameras takes as long as two of them, and holds four of them at most."""
    other, ids = SlowServer(), [f"camera-{number}" for number in range(8)]
    site = Site(others=other)  # type: ignore[arg-type] # as much of them as the route uses
    with ExitStack() as stack:
        for camera_id in ids:
            mirror = site.hub.mirrored.mirror(camera_id, other, Lease(1), on_end=nothing, on_demand=nothing)
            site.hub.mirrored.show(stack.enter_context(mirror), online=True, name=None)
        began = trio.current_time()
        streams = (await site.get("/api/streams")).json()
        assert trio.current_time() - began == 2
    assert (streams["totalClients"], list(streams["streams"])) == (8, ids)


async def test_a_camera_that_left_is_only_in_details() -> None:
    """SkySentry Go's replies cannot say that a camera is offline; when it is back, its ring is there again."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        jpeg = publish(site.hub, session)
    listed, latest, ring = [await site.get(path) for path in ("/api/clients", LATEST, RING)]
    picture, own = await site.get(LATEST_JPEG), await site.get(LATEST, Accept="image/jpeg")
    with site.hub.register("door", on_end=nothing):
        again = await site.get(RING)

    assert (listed.json()["count"], listed.json()["clients"]) == (0, [])
    assert [(camera["clientId"], camera["online"]) for camera in listed.json()["details"]] == [("door", False)]
    assert (latest.status, ring.status) == (404, 404)
    assert latest.json() == {"error": "camera door is offline; /latest.jpg has its last picture", "success": False}
    assert (picture.status, picture.body, own.body) == (200, jpeg, jpeg)
    assert again.json()["count"] == 1


async def test_the_description_is_served() -> None:
    """What programs get is what these tests check against."""
    answer = await Site().get("/api/openapi.json")

    assert answer.json() == DESCRIPTION


@pytest.mark.parametrize(
    "path", ["/api/health", "/api/clients", "/api/clients/door/latest", "/api/clients/door/latest.jpg", "/api/streams"]
)
async def test_head_has_the_headers_of_get(autojump_clock: MockClock, path: str) -> None:
    """HEAD is answered like GET; the body is left out by what serves HTTP."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        publish(site.hub, session)
        head, get = await site.ask(path, "HEAD"), await site.ask(path)

    assert (head.status, head.headers) == (get.status, get.headers)


# Large replies and slow readers


@pytest.mark.parametrize("path", ["/api/clients/door/latest", "/api/clients/door/stream", "/api/streams"])
async def test_large_replies_are_written_in_pieces_however_slowly_they_are_read(
    autojump_clock: MockClock, path: str
) -> None:
    """No piece is larger than 256 KiB, and an hour for the whole is the line's business."""
    site = Site()
    with site.hub.register("door", on_end=nothing) as session:
        for _ in range(2):
            publish_nowait(site.hub, session, b"x" * 2_000_000, width=32, height=24)
        quick = await site.ask(path)
        site.pause = 300
        slow = await site.ask(path)

    assert len(slow.pieces) > 10
    assert max(map(len, slow.pieces)) <= 256 * 1024
    assert slow.body == quick.body
    assert json.loads(slow.body)["success"]


async def test_a_guest_finds_only_the_cameras_it_may_see() -> None:
    """Lists leave the others out, and asking for one of them by id is answered as if it did not exist."""
    site = Site(principal=make_guest("yard"))
    with site.hub.register("yard", on_end=nothing) as yard, site.hub.register("door", on_end=nothing) as door:
        publish(site.hub, yard)
        publish(site.hub, door)
        listed = (await site.get("/api/clients")).json()
        streams = (await site.get("/api/streams")).json()
        hidden = await site.get("/api/clients/{clientId}/latest", "door")
        unknown = await site.get("/api/clients/{clientId}/latest", "none")
    assert listed["clients"] == ["yard"]
    assert list(streams["streams"]) == ["yard"]
    assert hidden.status == unknown.status == 404
    assert hidden.json()["error"].replace("door", "none") == unknown.json()["error"]
