from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing
from trio_websocket import WebSocketConnection

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.client.engine import access as access_module
from skysentry_trio.client.engine.access import TokenHolder, check_token
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.camera import CameraClient
from skysentry_trio.client.engine.connection import ConnectionLost, Refused
from skysentry_trio.client.engine.viewer import ViewerClient
from skysentry_trio.sources.frames import FrameSlot, SourceFrame
from skysentry_trio.wire.capture import RegistrationError
from skysentry_trio.wire.messages import ErrorNotice, encode_message
from skysentry_trio.wire.viewer import Clients
from skysentry_trio.wire.viewer_frames import FrameHeader
from tests.client.engine.fake_server import FakeServer, Handler, open_fake_server
from tests.jpegs import draw_jpeg

SERVER = parse_server_address("http://127.0.0.1:1")
OUR_REFUSAL = json.dumps({"error": "the key has expired", "success": False, "code": "unauthenticated"}).encode()


def giving(*tokens: str | Exception) -> Callable[[], str]:
    """Return a function for the token that returns or raises these in turn, and the last one for ever."""
    left = list(tokens)

    def give() -> str:
        token = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(token, Exception):
            raise token
        return token

    return give


def presented(server: FakeServer) -> list[str]:
    """Return the header that presented a token, for each handshake."""
    return [
        {name.lower(): value for name, value in request.headers}.get(b"authorization", b"").decode()
        for request in server.requests
    ]


async def ignore(_header: FrameHeader, _jpeg: bytes) -> None:
    pass


def viewer_of(server: FakeServer, **options: Any) -> ViewerClient:
    return ViewerClient(parse_server_address(server.url), (), ignore, **options)


def camera_of(server: FakeServer, **options: Any) -> CameraClient:
    return CameraClient(parse_server_address(server.url), "door", FrameSlot(), **options)


async def greet(server: FakeServer, websocket: WebSocketConnection) -> None:
    """Accept a viewer and answer what it asks."""
    await websocket.send_message(encode_message(Clients([])))
    while True:
        await server.tell_time(websocket, str(await websocket.get_message()))


async def end_access(server: FakeServer, websocket: WebSocketConnection) -> None:
    """Accept a viewer, and end its access at once."""
    await websocket.send_message(encode_message(Clients([])))
    await websocket.aclose(4003, "the key was revoked")
    server.hear()


async def refuse_viewer(_server: FakeServer, websocket: WebSocketConnection) -> None:
    await websocket.send_message(encode_message(ErrorNotice("a key is needed", "unauthenticated")))
    await websocket.aclose(4003, "")


async def refuse_camera(server: FakeServer, websocket: WebSocketConnection) -> None:
    await server.take_registration(websocket)
    await websocket.send_message(encode_message(RegistrationError("door", "this key may only watch", "forbidden")))
    await websocket.aclose(4003, "forbidden")


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "schlüssel", "x" * 4097, 7])
def test_what_cannot_be_in_a_header_is_no_token(token: object) -> None:
    """The error says what was expected, and shows nothing of the token."""
    with pytest.raises(ConfigurationError, match="expected a token") as caught:
        check_token(token)
    assert token == "" or str(token) not in str(caught.value).replace("4096", "")


def test_a_token_is_not_in_the_text_of_its_objects() -> None:
    """A log line about a client contains no secret."""
    client = ViewerClient(SERVER, (), ignore, token="sky_secret")
    camera = CameraClient(SERVER, "door", FrameSlot(), token="sky_secret")
    assert "sky_secret" not in f"{client!r} {camera!r} {TokenHolder(SERVER, 'sky_secret')!r}"


async def test_a_viewer_presents_its_token_in_the_handshake_and_as_its_first_message() -> None:
    """A proxy may drop the header, so the message follows in any case."""
    with trio.fail_after(10):
        async with open_fake_server(greet) as server, trio.open_nursery() as nursery:
            nursery.start_soon(viewer_of(server, token="sky_1").run, Backoff(lambda: 0.02))
            await server.wait_until(lambda: server.tokens == ["sky_1"])
            nursery.cancel_scope.cancel()
    assert presented(server) == ["Bearer sky_1"]


async def test_a_camera_presents_its_token_in_the_handshake_and_in_its_registration() -> None:
    """A fixed token needs no further message."""
    with trio.fail_after(10):
        async with open_fake_server() as server, trio.open_nursery() as nursery:
            nursery.start_soon(camera_of(server, token="sky_1").run, Backoff(lambda: 0.02))
            await server.wait_until(lambda: server.questions >= 2)
            nursery.cancel_scope.cancel()
    assert presented(server) == ["Bearer sky_1"]
    assert [registration.token for registration in server.registrations] == ["sky_1"]
    assert server.tokens == []


async def test_a_proxy_gets_its_password_and_the_server_its_token() -> None:
    """What is before the host is for the header; the token is in the message."""
    with trio.fail_after(10):
        async with open_fake_server() as server, trio.open_nursery() as nursery:
            server.url = server.url.replace("http://", "http://user:password@")
            nursery.start_soon(camera_of(server, token="sky_1").run, Backoff(lambda: 0.02))
            await server.wait_until(lambda: bool(server.registrations))
            nursery.cancel_scope.cancel()
    assert presented(server) == ["Basic dXNlcjpwYXNzd29yZA=="]
    assert server.registrations[0].token == "sky_1"


async def test_a_refused_token_that_stays_the_same_ends_a_client_that_was_never_accepted() -> None:
    """There is one attempt, and the error is what the server said."""
    async with open_fake_server() as server:
        server.rejection, server.rejections = OUR_REFUSAL, [401, 401]
        with pytest.raises(Refused, match=r"http://127\.0\.0\.1:\d+ refuses access: the key has expired$"):
            with trio.fail_after(10):
                await viewer_of(server, token="sky_1").run(Backoff(lambda: 0.02))
        with pytest.raises(Refused, match="the key has expired"), trio.fail_after(10):
            await camera_of(server, token=lambda: "sky_1").run(Backoff(lambda: 0.02))
    assert presented(server) == ["Bearer sky_1"] * 2


@pytest.mark.parametrize(
    ("script", "make", "message"),
    [
        (
            refuse_viewer,
            viewer_of,
            r"refuses access: a key is needed; give a key with --token-file, .*user:KEY@host",
        ),
        (refuse_camera, camera_of, "the server refused 'door': this key may only watch; give a key"),
    ],
)
async def test_a_server_that_wants_a_token_is_explained(
    script: Handler, make: Callable[[FakeServer], ViewerClient | CameraClient], message: str
) -> None:
    """The error has the server's reason, and says where a token belongs."""
    async with open_fake_server(script) as server:
        with pytest.raises(Refused, match=message), trio.fail_after(10):
            await make(server).run(Backoff(lambda: 0.02))


@pytest.mark.parametrize("script", [refuse_viewer, end_access])
async def test_another_token_is_asked_for_once_and_tried_soon(script: Handler) -> None:
    """A function is asked again when the server refuses its token or ends the access."""
    with trio.fail_after(10):
        async with open_fake_server(script, greet) as server, trio.open_nursery() as nursery:
            client = viewer_of(server, token=giving("old", "new"))
            nursery.start_soon(client.run, Backoff(lambda: 0.02))
            await server.wait_until(lambda: "new" in server.tokens)
            nursery.cancel_scope.cancel()
    assert presented(server) == ["Bearer old", "Bearer new"]


async def test_a_second_refused_token_is_not_followed_by_a_third() -> None:
    """A service that gives a new token at each question does not make the client knock at each moment."""
    async with open_fake_server() as server:
        server.rejection, server.rejections = OUR_REFUSAL, [401] * 9
        with pytest.raises(Refused), trio.fail_after(10):
            await viewer_of(server, token=giving("a", "b", "c", "d")).run(Backoff(lambda: 0.02))
    assert presented(server) == ["Bearer a", "Bearer b"]


async def test_an_accepted_client_waits_long_after_its_access_has_ended() -> None:
    """The key may be accepted again one day, so the client does not end; and it does not knock all the time."""
    with trio.fail_after(10):
        async with open_fake_server(end_access) as server, trio.open_nursery() as nursery:
            client = viewer_of(server, token="sky_1")
            nursery.start_soon(client.run, Backoff(lambda: 0.02))
            while client.state != "waiting":
                await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
    assert client.trouble == "the server ended the access: the key was revoked; trying again in 60.0 s"


async def test_a_token_that_is_not_available_is_asked_for_again() -> None:
    """The service that gives tokens may be restarting."""
    with trio.fail_after(10):
        async with open_fake_server(greet) as server, trio.open_nursery() as nursery:
            token = giving(OSError("no route"), OSError("no route"), "sky_1")
            nursery.start_soon(viewer_of(server, token=token).run, Backoff(lambda: 0.02))
            await server.wait_until(lambda: server.tokens == ["sky_1"])
            nursery.cancel_scope.cancel()


async def test_a_function_that_gives_no_token_for_another_reason_ends_the_client() -> None:
    """What is wrong with the program is for the program."""
    with pytest.raises(ZeroDivisionError), trio.fail_after(10):
        await TokenHolder(SERVER, lambda: str(1 // 0)).token()
    with pytest.raises(ConfigurationError, match="got int"), trio.fail_after(10):
        await TokenHolder(SERVER, lambda: 7).token()  # type: ignore[arg-type,return-value]


async def test_a_function_that_hangs_delays_only_one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for a token has a deadline."""

    def late() -> str:
        time.sleep(0.5)
        return "late"

    monkeypatch.setattr(access_module, "ASK_TIMEOUT", 0.05)
    with pytest.raises(ConnectionLost, match=r"returned nothing within 0\.05 s"), trio.fail_after(10):
        await TokenHolder(SERVER, late).token()


async def test_a_camera_renews_its_token_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection stays, and every frame arrives."""
    monkeypatch.setattr(access_module, "_SHORTEST_PAUSE", 0.02)
    slot = FrameSlot()
    with trio.fail_after(10):
        async with open_fake_server() as server, trio.open_nursery() as nursery:
            server.expiries = [time.time() + 0.4, time.time() + 0.8]
            token = giving("first", "first", "second", "third")
            camera = CameraClient(parse_server_address(server.url), "door", slot, token=token)
            nursery.start_soon(camera.run, Backoff(lambda: 0.02))
            number = 0
            while server.tokens != ["first", "second", "third"]:
                slot.offer(SourceFrame(draw_jpeg(number % 50), time.time()))
                number += 1
                await server.wait_until(lambda number=number: len(server.frames) == number)  # type: ignore[misc]
            nursery.cancel_scope.cancel()
    assert presented(server) == ["Bearer first"]
    assert camera.slot.dropped == {}


async def test_a_viewer_renews_its_token_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that cannot give a token at this moment is asked again."""
    monkeypatch.setattr(access_module, "_SHORTEST_PAUSE", 0.02)
    with trio.fail_after(10):
        async with open_fake_server(greet) as server, trio.open_nursery() as nursery:
            server.expiries = [time.time() + 0.4]
            token = giving("first", OSError("not now"), "second")
            nursery.start_soon(viewer_of(server, token=token).run, Backoff(lambda: 0.02))
            await server.wait_until(lambda: server.tokens == ["first", "second"])
            nursery.cancel_scope.cancel()
    assert presented(server) == ["Bearer first"]
