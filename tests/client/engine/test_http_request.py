"""Requests to the REST API of a server, for blocking code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.client.engine import http_request
from skysentry_trio.client.engine.access import Token
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.connection import Refused
from skysentry_trio.client.engine.http_request import RestClient


def answer(status: int = 200, body: bytes = b"{}", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@define
class FakeRest:
    """A server that answers each request as the test says, and closes the connection."""

    answers: list[bytes]
    heads: list[str] = field(factory=list)
    url: str = ""

    async def serve(self, stream: trio.SocketStream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += await stream.receive_some()
        self.heads.append(head.decode())
        if not self.answers:
            await trio.sleep_forever()
        await stream.send_all(self.answers.pop(0))
        await stream.aclose()

    async def ask(self, token: Token = None, credentials: str = "") -> bytes:
        client = RestClient(parse_server_address(self.url.replace("//", f"//{credentials}")), token)
        return await trio.to_thread.run_sync(partial(client.ask, "GET", "/api/thing", [("from", "1")]))


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[FakeRest]:
    fake = FakeRest(list(answers))
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, fake.serve, 0, host="127.0.0.1"))
            fake.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/prefix"
            yield fake
            nursery.cancel_scope.cancel()


async def test_a_request_has_the_prefix_the_query_and_the_token() -> None:
    """A password in the address is for a proxy, and goes before a token, as on a WebSocket."""
    async with serving(answer(body=b"[1]"), answer()) as fake:
        assert await fake.ask("key") == b"[1]"
        await fake.ask("key", credentials="user:word@")
    assert fake.heads[0].startswith("GET /prefix/api/thing?from=1 HTTP/1.1\r\n")
    assert "Authorization: Bearer key\r\n" in fake.heads[0]
    assert "Authorization: Basic dXNlcjp3b3Jk\r\n" in fake.heads[1]


async def test_a_refused_token_is_asked_for_once_more() -> None:
    """A function may return another one; the same one is not presented again."""
    tokens = iter(["old", "new", "new"])
    async with serving(answer(401), answer(body=b"1"), answer(401)) as fake:
        assert await fake.ask(lambda: next(tokens)) == b"1"
        with pytest.raises(Refused):
            await fake.ask(lambda: "same")
    assert [head.partition("Bearer ")[2].partition("\r\n")[0] for head in fake.heads] == ["old", "new", "same"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (answer(404, b'{"success":false,"error":"there is no camera door"}'), "there is no camera door"),
        (answer(502, b"<html>Bad Gateway"), "the server answered with status 502"),
        # A key must not go where a redirect leads.
        (answer(302, b"", "Location: http://elsewhere.example/\r\n"), "the server answered with status 302"),
    ],
)
async def test_an_error_is_raised_with_the_reason_of_the_server(sent: bytes, words: str) -> None:
    """In the server's words, if they are its words."""
    async with serving(sent) as fake:
        with pytest.raises(Refused, match=words):
            await fake.ask()


@pytest.mark.parametrize("sent", [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n{"])
async def test_what_is_no_answer_is_an_error_of_the_connection(sent: bytes) -> None:
    """Nothing, another protocol, and an answer that ends too early."""
    async with serving(sent) as fake:
        with pytest.raises(ConnectionError, match=r"cannot ask http://127\.0\.0\.1"):
            await fake.ask()


async def test_a_server_that_is_silent_or_sends_too_much_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program would hang, or lose its memory."""
    monkeypatch.setattr(http_request, "_SILENCE", 0.1)
    async with serving() as fake:
        with pytest.raises(TimeoutError, match=r"did not answer within 0\.1 s"):
            await fake.ask()
    monkeypatch.setattr(http_request, "_SILENCE", 10.0)
    monkeypatch.setattr(http_request, "_MAX_ANSWER", 100)
    async with serving(answer(body=b"x" * 200)) as fake:
        with pytest.raises(ConnectionError, match="at most 100 bytes"):
            await fake.ask()


def test_a_server_that_is_not_there_is_an_error_of_the_connection() -> None:
    """With the reason of the system."""
    with pytest.raises(ConnectionError, match=r"cannot ask http://127\.0\.0\.1:9: Connection refused"):
        RestClient(parse_server_address("http://127.0.0.1:9")).ask("GET", "/")


def test_a_token_that_cannot_be_sent_is_refused_at_once() -> None:
    """Before the first request."""
    with pytest.raises(ConfigurationError):
        RestClient(parse_server_address("http://127.0.0.1:9"), "two words")


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    ],
)
async def test_a_server_that_never_ends_its_answer_is_left(
    begin: bytes, more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends a little again and again, so it is never silent: before the answer, in its head or in its body."""
    monkeypatch.setattr(http_request, "_TIMEOUT", 0.3)

    async def drip(_fake: FakeRest, stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.send_all(begin)
            while True:
                await stream.send_all(more)
                await trio.sleep(0.01)

    monkeypatch.setattr(FakeRest, "serve", drip)
    async with serving() as fake:
        with pytest.raises(ConnectionError, match=r"the whole answer within 0\.3 s"):
            await fake.ask()
