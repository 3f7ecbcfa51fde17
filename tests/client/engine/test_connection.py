from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
import trustme
from attrs import evolve
from trio_websocket import WebSocketConnection
from wsproto.utilities import generate_accept_token

from skysentry_trio.client.engine import connection as connection_module
from skysentry_trio.client.engine.addresses import ServerAddress, parse_server_address
from skysentry_trio.client.engine.connection import Connection, ConnectionLost, Refused, open_connection
from tests.client.engine.fake_server import FakeServer, open_fake_server


async def echo(_server: FakeServer, websocket: WebSocketConnection) -> None:
    while True:
        await websocket.send_message(await websocket.get_message())


async def stay_silent(_server: FakeServer, _websocket: WebSocketConnection) -> None:
    await trio.sleep_forever()


@asynccontextmanager
async def tcp_server(handler: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[ServerAddress]:
    """Run a server that knows no WebSocket."""

    async def handle(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            await handler(stream)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, handle, 0)
        yield ServerAddress("127.0.0.1", listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


async def connect(server: ServerAddress, path: str = "/ws") -> None:
    """Connect, and wait for a message."""
    with trio.fail_after(10):
        async with open_connection(server, path) as connection:
            await connection.receive()


async def test_messages_go_to_and_fro() -> None:
    """Text and bytes arrive as they were sent; path, query and subprotocol are asked for."""
    async with open_fake_server(echo) as server:
        address = parse_server_address(server.url + "/cams/")
        with trio.fail_after(10):
            async with open_connection(address, "/ws", query=[("a", "b c")], subprotocols=("p1",)) as connection:
                await connection.send("text")
                assert await connection.receive() == "text"
                await connection.send(b"x" * 300_000)
                assert await connection.receive() == b"x" * 300_000
    (request,) = server.requests
    assert request.path == "/cams/ws?a=b+c"
    assert request.proposed_subprotocols == ("p1",)


async def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """https:// checks the certificate against those this machine trusts."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    async with open_fake_server(echo, tls=context) as server:
        address = parse_server_address(server.url)
        with pytest.raises(ConnectionLost, match="certificate"):
            await connect(address)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with trio.fail_after(10):
            async with open_connection(address, "/ws") as connection:
                await connection.send("safe")
                assert await connection.receive() == "safe"


@pytest.mark.parametrize(
    ("names", "trusted", "message"),
    [
        (["localhost", "127.0.0.1"], None, "name its PEM file with --tls-ca, tls_ca in Python, or SSL_CERT_FILE"),
        (["localhost", "127.0.0.1"], "nowhere.pem", r"SSL_CERT_FILE cannot be read: .*nowhere\.pem"),
        (["localhost", "127.0.0.1"], "other.pem", r"other\.pem, does not contain the certificate or its issuer"),
        (["other.example"], "ca.pem", "names in the certificate"),
    ],
)
async def test_a_refused_certificate_is_explained(
    names: list[str], trusted: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable that helps, or what is wrong with the certificate."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if trusted is not None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / trusted))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    async with open_fake_server(echo, tls=context) as server:
        for host in ("localhost", "127.0.0.1"):
            with pytest.raises(ConnectionLost, match=message):
                await connect(ServerAddress(host, parse_server_address(server.url).port, tls=True))


async def test_a_password_in_the_address_is_sent() -> None:
    """As Basic authentication, which proxies ask for."""
    async with open_fake_server(echo) as server:
        address = parse_server_address(server.url.replace("http://", "http://user:password@"))
        with trio.fail_after(10):
            async with open_connection(address, "/ws"):
                pass
    (request,) = server.requests
    assert (b"authorization", b"Basic dXNlcjpwYXNzd29yZA==") in [
        (name.lower(), value) for name, value in request.headers
    ]


@pytest.mark.parametrize(
    ("credentials", "message"),
    [(None, r"https://user:password@host"), ("user:secret", "user name or password in the server's address are wrong")],
)
async def test_a_server_that_wants_a_password(credentials: str | None, message: str) -> None:
    """The error says where the password belongs, and does not contain it."""

    async def handler(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        await stream.receive_some()

    async with tcp_server(handler) as address:
        with pytest.raises(Refused, match=message) as caught:
            await connect(evolve(address, credentials=credentials))
    assert "secret" not in str(caught.value)


async def test_nobody_there() -> None:
    """The error says where and why."""
    with pytest.raises(ConnectionLost, match=r"cannot connect to http://127\.0\.0\.1:1: Connection refused"):
        await connect(ServerAddress("127.0.0.1", 1))


async def test_a_name_that_does_not_exist() -> None:
    """What the resolver says is passed on."""
    with pytest.raises(ConnectionLost, match=r"cannot connect to http://nowhere\.invalid: \w+"):
        await connect(ServerAddress("nowhere.invalid", 80))


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nnot you", Refused, "status 403: not you"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Refused, "status 404"),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n", Refused, "go to https://x/"),
        (b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n", ConnectionLost, "status 429"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", ConnectionLost, "status 502"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", ConnectionLost, "the connection broke"),
        (b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: \xff\r\n\r\n", ConnectionLost, "the connection broke"),
        (b"", ConnectionLost, "instead of answering"),
    ],
)
async def test_answers_that_are_no_websocket(
    answer: bytes, error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What will not get better is a refusal, the rest may be tried again."""
    monkeypatch.setattr(connection_module, "HANDSHAKE_TIMEOUT", 2.0)

    async def handler(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        if answer:
            await stream.send_all(answer)
            await stream.receive_some()

    async with tcp_server(handler) as address:
        with pytest.raises(error, match=message):
            await connect(address)


async def test_a_server_that_does_not_shake_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handshake has a deadline."""
    monkeypatch.setattr(connection_module, "HANDSHAKE_TIMEOUT", 0.1)

    async def handler(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with tcp_server(handler) as address:
        with pytest.raises(ConnectionLost, match=r"did not answer the handshake within 0\.1 s"):
            await connect(address)


async def test_connecting_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that answers nothing, here a TLS server that never speaks, is given up."""
    monkeypatch.setattr(connection_module, "CONNECT_TIMEOUT", 0.1)

    async def handler(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with tcp_server(handler) as address:
        with pytest.raises(ConnectionLost, match=r"did not answer within 0\.1 s"):
            await connect(ServerAddress(address.host, address.port, tls=True))


async def test_a_server_that_closes() -> None:
    """Code and reason of a Close frame are in the error."""

    async def close(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.aclose(4001, "replaced")

    async with open_fake_server(close) as server:
        with pytest.raises(ConnectionLost, match=r"closed the connection \(4001: replaced\)") as caught:
            await connect(parse_server_address(server.url))
    assert caught.value.code == 4001


async def test_a_connection_that_breaks() -> None:
    """Without a Close frame there is no code; sending finds it out too."""

    async def break_off(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket.get_message()
        await trio.aclose_forcefully(websocket._stream)

    async with open_fake_server(break_off, break_off) as server:
        address = parse_server_address(server.url)

        async def send_for_ever(connection: Connection) -> None:
            while True:
                await connection.send(b"x" * 100_000)

        async def send() -> None:
            async with open_connection(address, "/ws") as connection:
                await send_for_ever(connection)

        with pytest.raises(ConnectionLost, match="the connection broke"), trio.fail_after(10):
            await send()

        async def receive() -> None:
            async with open_connection(address, "/ws") as connection:
                await connection.send("go")
                await connection.receive()

        with pytest.raises(ConnectionLost, match="the connection broke") as caught, trio.fail_after(10):
            await receive()
    assert caught.value.code is None


async def test_a_server_that_speaks_nonsense() -> None:
    """Frames that break RFC 6455 are the end of the connection, not of the program."""

    async def babble(_server: FakeServer, websocket: WebSocketConnection) -> None:
        await websocket._stream.send_all(b"\xff\xff" * 20)
        await trio.sleep_forever()

    async with open_fake_server(babble) as server:
        with pytest.raises(ConnectionLost):
            await connect(parse_server_address(server.url))


async def test_a_silent_server_is_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """When not even a ping comes, the link was cut."""
    monkeypatch.setattr(connection_module, "SILENCE_TIMEOUT", 0.2)
    monkeypatch.setattr(connection_module, "CLOSE_TIMEOUT", 0.1)
    async with open_fake_server(stay_silent) as server:
        with pytest.raises(ConnectionLost, match=r"nothing heard from the server for 0\.2 s"):
            await connect(parse_server_address(server.url))


async def test_pings_keep_a_connection_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with nothing to say, but that pings, is alive; its pings are answered."""
    monkeypatch.setattr(connection_module, "SILENCE_TIMEOUT", 0.5)
    pongs = 0

    async def ping(_server: FakeServer, websocket: WebSocketConnection) -> None:
        nonlocal pongs
        for _ in range(8):
            await trio.sleep(0.1)
            await websocket.ping()
            pongs += 1
        await websocket.send_message("still there")
        await websocket.get_message()

    async with open_fake_server(ping) as server:
        with trio.fail_after(10):
            async with open_connection(parse_server_address(server.url), "/ws") as connection:
                assert await connection.receive() == "still there"
    assert pongs == 8


async def test_a_server_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that does not get out in time ends the connection, without a goodbye in the middle of it."""
    monkeypatch.setattr(connection_module, "SEND_TIMEOUT", 0.2)
    monkeypatch.setattr(connection_module, "CLOSE_TIMEOUT", 30)

    async def send(address: ServerAddress) -> None:
        async with open_connection(address, "/ws") as connection:
            await connection.send(bytes(50_000_000))

    async def read_head_only(stream: trio.SocketStream) -> None:
        head = await stream.receive_some()
        key = next(
            line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        await stream.send_all(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % generate_accept_token(key)
        )
        await trio.sleep_forever()

    async with tcp_server(read_head_only) as address:
        with pytest.raises(ConnectionLost, match=r"took nothing for 0\.2 s"), trio.fail_after(10):
            await send(address)


async def test_the_end_is_said_goodbye() -> None:
    """Leaving sends a Close frame with code 1000."""
    reasons = []

    async def listen(_server: FakeServer, websocket: WebSocketConnection) -> None:
        try:
            await websocket.get_message()
        finally:
            reasons.append(websocket.closed)

    async with open_fake_server(listen) as server:
        with trio.fail_after(10):
            async with open_connection(parse_server_address(server.url), "/ws"):
                pass
            await server.wait_until(lambda: bool(reasons))
    assert reasons[0] is not None
    assert reasons[0].code == 1000


async def test_who_is_cancelled_says_goodbye_and_goes() -> None:
    """Ctrl-C sends a Close frame too, and does not wait for the answer."""
    reasons = []

    async def listen(_server: FakeServer, websocket: WebSocketConnection) -> None:
        try:
            await websocket.get_message()
        finally:
            reasons.append(websocket.closed)

    async with open_fake_server(listen) as server:
        start = trio.current_time()
        with trio.move_on_after(0.2):
            async with open_connection(parse_server_address(server.url), "/ws"):
                await trio.sleep_forever()
        assert trio.current_time() - start < connection_module.CLOSE_TIMEOUT
        await server.wait_until(lambda: bool(reasons))
    assert reasons[0] is not None
    assert reasons[0].code == 1000


async def test_errors_of_the_body_come_through() -> None:
    """What the user of a connection raises is not wrapped."""
    async with open_fake_server(echo) as server:
        with pytest.raises(KeyError):
            async with open_connection(parse_server_address(server.url), "/ws"):
                raise KeyError
