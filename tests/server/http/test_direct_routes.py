"""Which requests go past the application: those for streams and single frames; everything else stays what it was."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.http.direct_routes import DirectRoutes
from skysentry_trio.server.http.push_sessions import PushSessions
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.wire.request_head import RequestHead
from tests.hubs import nothing
from tests.server.http.fake_byte_stream import BareStream, ask
from tests.server.http.rest_harness import publish
from tests.server.websocket.fakes import JPEG


def routes(hub: Hub) -> DirectRoutes:
    return DirectRoutes(hub, PushSessions(hub), Shutdown())


def head_of(target: str, *headers: str, method: str = "GET") -> RequestHead:
    return ask(BareStream(), target, *headers, method=method).head


@pytest.mark.parametrize(
    "target",
    [
        "/api/clients/door/stream.mjpeg",
        "/api/clients/door/stream.mjpeg?fps=5",
        "/api/stream.mjpeg?src=door",
        "/?action=stream&client=door",
        "/stream?client=door",
        "/stream?action=stream&client=door",
        "/stream",
    ],
)
async def test_streams_are_shown(autojump_clock: MockClock, target: str) -> None:
    """Under our address and under those of others."""
    hub, stream = Hub(Settings()), BareStream()
    with hub.register("door", on_end=nothing) as session:
        jpeg = publish(hub, session)
        exchange = ask(stream, target, "Accept: */*")
        service = routes(hub).find(exchange.head)
        assert service is not None
        with trio.move_on_after(1):
            await service(exchange.request)

    assert stream.jpegs == [jpeg]


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Accept: ",),
        ("Accept: */*",),
        ("Accept: text/*, */*;q=0.1",),
        ("Accept: image/avif,image/webp,*/*;q=0.8",),
        ("Accept: text/html;q=0, */*",),
        ("Accept: multipart/x-mixed-replace, text/html;q=0.5",),
        ("Accept: x/text/html",),
        ("Accept: \xff;q=a,,;",),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_only_those_that_ask_for_a_page_get_one(headers: tuple[str, ...], method: str) -> None:
    """Programs such as urllib, http.client and GStreamer name no type."""
    assert routes(Hub(Settings())).find(head_of("/stream?client=door", *headers, method=method)) is not None


@pytest.mark.parametrize("target", ["/api/clients/door/frames?name=Door", "/api/stream.mjpeg?dst=door&name=Door"])
async def test_pictures_are_taken(autojump_clock: MockClock, target: str) -> None:
    """Under our address and under that of go2rtc."""
    hub, stream = Hub(Settings()), BareStream()
    exchange = ask(stream, target, f"Content-Length: {len(JPEG)}", method="POST", body=JPEG)
    chooser = routes(hub)
    service = chooser.find(exchange.head)
    assert service is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(chooser.push_sessions.run)
        await service(exchange.request)
        nursery.cancel_scope.cancel()

    assert stream.head[0] == 201
    assert (camera := hub.camera("door")) is not None
    assert camera.name == "Door"


@pytest.mark.parametrize(
    ("target", "headers", "method"),
    [
        ("/", (), "GET"),
        ("/?action=stream", (), "POST"),
        ("/?action=snapshot", (), "POST"),
        ("/stream?action=snapshot", ("Accept: text/html",), "GET"),
        ("/stream", ("Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",), "GET"),
        ("/stream?client=door", ("Accept: text/html",), "GET"),
        ("/stream", ("Accept: TEXT/HTML",), "GET"),
        ("/stream", ("Accept: image/jpeg;q=0.5, text/html;q=0.6",), "HEAD"),
        ("/stream", ("Accept: */*",), "OPTIONS"),
        ("/stream/", ("Accept: */*",), "GET"),
        ("/api/clients/door/stream", (), "GET"),
        ("/api/clients/door/latest", (), "GET"),
        ("/api/clients/door/latestxjpg", (), "GET"),
        ("/api/clients/a/b/stream.mjpeg", (), "GET"),
        ("/api/clients/a/b/latest.jpg", (), "GET"),
        ("/snapshot/", (), "GET"),
        ("/api/clients", (), "GET"),
        ("/api/streams", (), "GET"),
    ],
)
async def test_everything_else_stays_where_it_was(target: str, headers: tuple[str, ...], method: str) -> None:
    """Pages, lists and all that people look at."""
    assert routes(Hub(Settings())).find(head_of(target, *headers, method=method)) is None


async def test_a_query_that_cannot_be_read_is_refused() -> None:
    """Whoever routes the request says so."""
    with pytest.raises(ProtocolViolation, match="the query cannot be read"):
        routes(Hub(Settings())).find(head_of("/api/clients/door/stream.mjpeg?a=%ff"))


@pytest.mark.parametrize("camera_id", ["a%20b", "%2e%2e", "%ff", "", "%3Cscript%3E", "a" * 100])
async def test_what_is_no_id_is_refused(autojump_clock: MockClock, camera_id: str) -> None:
    """In the one shape of all errors, for those who watch and those who send."""
    for target, method in (("stream.mjpeg", "GET"), ("latest.jpg", "GET"), ("frames", "POST")):
        stream = BareStream()
        exchange = ask(stream, f"/api/clients/{camera_id}/{target}", "Content-Length: 0", method=method)
        service = routes(Hub(Settings())).find(exchange.head)
        assert service is not None
        await service(exchange.request)
        assert stream.head[0] == 400
        assert "a camera id is" in stream.json["error"]


async def test_a_stream_has_the_policy_of_the_pages(autojump_clock: MockClock) -> None:
    """A dashboard that may show the pages in a frame may show a stream in one, too."""
    stream = BareStream()
    exchange = ask(stream, "/api/clients/a%20b/stream.mjpeg")
    service = routes(Hub(Settings(frame_ancestors=("https://ha.example",)))).find(exchange.head)
    assert service is not None
    await service(exchange.request)

    assert stream.head[1]["content-security-policy"].endswith("; frame-ancestors 'self' https://ha.example")
