"""Connections that trusted proxies pass on: with a PROXY header, with forwarding headers, and with both."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
import structlog
import trio
import trustme
from attrs import define, field

from skysentry_trio.base.networks import Networks
from skysentry_trio.server.transport.certificate import Certificate
from skysentry_trio.server.transport.listener import Router, RouterLimits
from skysentry_trio.server.transport.request import Request
from skysentry_trio.wire.hosts import HostRule
from tests.raw_peer import PATIENCE, Address, Answer, RawPeer, handshake, request_head, until

CLIENT = "203.0.113.9"
LOOPBACK = Networks.parse(("127.0.0.0/8",))
V1 = f"PROXY TCP4 {CLIENT} 192.0.2.1 50000 80\r\n".encode()
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H4s4sHH", 12, ip_address(CLIENT).packed, bytes(4), 50000, 80)
V2_TLS = V2[:14] + struct.pack("!H", 20) + V2[16:] + b"\x20\x00\x05\x01\0\0\0\0"


@define(eq=False)
class Seen:
    """A router behind which every request is kept, with what the log would say of its peer."""

    address: Address
    router: Router
    requests: list[Request] = field(factory=list)
    logged: list[dict[str, str]] = field(factory=list)

    async def serve(self, request: Request) -> None:
        self.requests.append(request)
        self.logged.append(structlog.contextvars.get_contextvars())
        await request.stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await request.stream.linger(PATIENCE)

    async def send(self, *data: bytes) -> Answer:
        async with self.address.connection() as peer:
            await peer.send(*data)
            answer = await peer.answer()
            assert await peer.receive_rest() == (b"", "eof")
            return answer

    async def pass_on(self, *data: bytes) -> Request:
        """Send a request as a proxy does, and return what the service got."""
        assert (await self.send(*data)).status == 200
        return self.requests[-1]


@asynccontextmanager
async def running(
    proxies: Networks = LOOPBACK, *, host_rule: HostRule | None = None, handshake_timeout: float = PATIENCE
) -> AsyncIterator[Seen]:
    limits = RouterLimits(100, handshake_timeout, write_timeout=PATIENCE)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def serve(request: Request) -> None:
        await seen.serve(request)

    router = Router({"/ws": serve}, serve, limits, frozenset(), proxies=proxies, host_rule=host_rule)
    seen = Seen(Address(*listener.socket.getsockname()), router)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(router.accept_from, listener, nursery)
        yield seen
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("header", "is_tls"), [(V1, False), (V2, False), (V2_TLS, True)])
async def test_the_header_of_a_trusted_proxy_names_the_client(header: bytes, is_tls: bool) -> None:
    """Address, port and encryption are those of the client, for services and for the log."""
    async with running() as seen:
        request = await seen.pass_on(header, request_head("/"))

    assert (str(request.peer), request.is_tls, request.is_from_proxy) == (f"{CLIENT}:50000", is_tls, False)
    assert seen.logged[-1]["peer"] == f"{CLIENT}:50000"
    assert seen.logged[-1]["proxy"].startswith("127.0.0.1:")


@pytest.mark.parametrize("header", [V1, V2])
@pytest.mark.parametrize("size", [1, 13, 20])
async def test_the_header_may_come_in_any_pieces(header: bytes, size: int) -> None:
    """The network cuts it anywhere, and what follows it is not lost."""
    data = header + request_head("/a")
    async with running() as seen, seen.address.connection() as peer:
        for start in range(0, len(data), size):
            await peer.send(data[start : start + size])
            await trio.sleep(0.001)
        assert (await peer.answer()).status == 200

    assert (seen.requests[0].peer.host, seen.requests[0].head.path) == (CLIENT, "/a")


@pytest.mark.parametrize(
    "start", [b"", b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"], ids=["none", "unknown", "local"]
)
async def test_without_an_address_the_proxy_itself_asks(start: bytes) -> None:
    """Its health checks have no header, or one without an address."""
    async with running() as seen:
        for method in ("GET", "POST", "PATCH", "PROPFIND"):
            request = await seen.pass_on(start, request_head("/", method=method))
            assert request.peer.host == "127.0.0.1"
            assert request.head.method == method


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"PROXY TCP4 nowhere 192.0.2.1 1 2\r\n" + request_head("/"), id="invalid address"),
        pytest.param(b"PROXY TCP4 " + 200 * b"1", id="no end"),
        pytest.param(V2[:14] + b"\xff\xff" + bytes(3000), id="too long"),
        pytest.param(V1 + V1 + request_head("/"), id="twice"),
        pytest.param(V2 + V2 + request_head("/"), id="twice, version 2"),
    ],
)
async def test_a_bad_header_is_refused_and_counted(data: bytes) -> None:
    """No guess: a sentence with status 400, and nobody is served."""
    async with running() as seen:
        answer = await seen.send(data)

        assert answer.status == 400
        assert "PROXY header" in answer.json["error"]
        assert seen.router.log.ended_by == {"bad-proxy-header": 1}
        assert seen.requests == []


@pytest.mark.parametrize("header", [V1, V2])
async def test_nobody_else_may_send_a_header(header: bytes) -> None:
    """A client that connects directly cannot take another address; the sentence helps who forgot the flag."""
    async with running(Networks.parse(("10.0.0.0/8",))) as seen:
        answer = await seen.send(header + request_head("/"))

        assert answer.status == 400
        assert "--trusted-proxy" in answer.json["error"]
        assert seen.router.log.ended_by == {"bad-proxy-header": 1}
        assert seen.requests == []


@pytest.mark.parametrize("start", [b"", b"PROX", V2[:20]])
async def test_a_proxy_that_sends_no_whole_header_is_cut(start: bytes) -> None:
    """The deadline for the head of a request holds for what is in front of it, too."""
    async with running(handshake_timeout=0.2) as seen, seen.address.connection() as peer:
        await peer.send(start)
        with trio.fail_after(PATIENCE):
            assert await peer.ending() == "reset"
        assert seen.router.log.ended_by == {"request-timeout": 1}


@pytest.mark.parametrize(
    ("start", "cause"), [(b"", "no-request"), (b"PRO", "left-before-request"), (V1[:20], "bad-proxy-header")]
)
async def test_a_proxy_that_leaves_is_counted_like_other_peers(start: bytes, cause: str) -> None:
    """A probe of the port is no warning; half a header is."""
    async with running() as seen, seen.address.connection() as peer:
        await peer.send(start)
        await peer.stream.send_eof()
        await until(lambda: seen.router.log.ended_by == {cause: 1})


async def test_forwarding_headers_of_a_trusted_proxy_count() -> None:
    """Address, scheme and host are those of the client, and no service sees the headers."""
    headers = (f"X-Forwarded-For: {CLIENT}", "X-Forwarded-Proto: https", "X-Forwarded-Host: cams.example")
    async with running() as seen:
        request = await seen.pass_on(request_head("/", *headers))

    assert (str(request.peer), request.is_tls, request.is_from_proxy) == (CLIENT, True, True)
    assert request.base_url == "https://cams.example"
    assert not [name for name in request.head.headers if "forwarded" in name]
    assert seen.logged[-1]["peer"] == CLIENT


@pytest.mark.parametrize(
    "header",
    [f"X-Forwarded-For: {CLIENT}", f"Forwarded: for={CLIENT};proto=https;host=evil.example", "X-Forwarded-For: \xff"],
)
async def test_forwarding_headers_of_others_do_not_count(header: str) -> None:
    """A client that connects directly stays what it is, and no service can believe it by mistake."""
    forged = (header, "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example")
    async with running(Networks.parse(("10.0.0.0/8",))) as seen:
        request = await seen.pass_on(request_head("/", *forged))

    assert request.peer.host == "127.0.0.1"
    assert (request.is_tls, request.is_from_proxy) == (False, False)
    assert request.base_url == "http://sky.localhost"
    assert not [name for name in request.head.headers if "forwarded" in name]


@pytest.mark.parametrize("header", [V1, V2])
async def test_a_client_behind_a_proxy_header_cannot_forward(header: bytes) -> None:
    """A proxy that passes bytes on unchanged passes on what the client invents, so only its own header counts."""
    forged = ("X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https", "Remote-User: admin")
    async with running() as seen:
        request = await seen.pass_on(header, request_head("/", *forged))

    assert str(request.peer) == f"{CLIENT}:50000"
    assert (request.is_tls, request.is_from_proxy) == (False, False)


async def test_the_address_in_a_chain_is_the_last_untrusted_one() -> None:
    """What the client wrote in front of it is not believed."""
    async with running(Networks.parse(("127.0.0.0/8", "10.0.0.0/8"))) as seen:
        request = await seen.pass_on(request_head("/", f"X-Forwarded-For: 127.0.0.1, {CLIENT}, 10.0.0.7"))

    assert str(request.peer) == CLIENT


async def test_contradicting_headers_are_refused() -> None:
    """A client's own header that the proxy passed on unread cannot replace what the proxy wrote."""
    async with running() as seen:
        answer = await seen.send(request_head("/", "Forwarded: for=127.0.0.1", f"X-Forwarded-For: {CLIENT}"))

        assert answer.status == 400
        assert "contradict" in answer.json["error"]
        assert seen.router.log.ended_by == {"bad-request": 1}


@pytest.mark.parametrize(
    ("origin", "proto", "status"),
    [
        ("https://cams.example", "https", 200),
        ("http://cams.example", "https", 403),
        ("http://cams.example", "http", 200),
        ("http://sky.localhost", "http", 403),
    ],
)
async def test_origins_are_compared_with_what_the_browser_asked_for(origin: str, proto: str, status: int) -> None:
    """The proxy may ask us under another name than the browser asked it."""
    forwarded = (f"X-Forwarded-For: {CLIENT}", f"X-Forwarded-Proto: {proto}", "X-Forwarded-Host: cams.example")
    async with running() as seen:
        answer = await seen.send(handshake("/ws", *forwarded, f"Origin: {origin}"))

        assert answer.status == status


async def test_both_the_host_and_the_forwarded_host_are_checked(caplog: pytest.LogCaptureFixture) -> None:
    """A page that was led here by a foreign name can write a forwarding header, but not the `Host`."""
    rule = HostRule.of("127.0.0.1", ["127.0.0.1"], ["cams.example"])
    good, evil = request_head("/"), request_head("/").replace(b"sky.localhost", b"evil.example")
    forged = request_head("/", "X-Forwarded-Host: localhost").replace(b"sky.localhost", b"evil.example")
    foreign = request_head("/", "X-Forwarded-Host: evil.example")
    async with running(host_rule=rule) as seen:
        assert [(await seen.send(head)).status for head in (good, evil, forged, foreign)] == [200, 421, 421, 421]
        assert (await seen.send(request_head("/", "X-Forwarded-Host: cams.example"))).status == 200
        answer = await seen.send(evil)

        assert "--allowed-host evil.example" in answer.json["error"]
        assert seen.router.log.ended_by == {"host-refused": 4}
    assert "'host': 'evil.example'" in caplog.text


async def test_a_websocket_for_a_foreign_host_is_refused() -> None:
    """Otherwise a page with the same foreign name as its origin would be let in."""
    rule = HostRule.of("127.0.0.1", ["127.0.0.1"], [])
    evil = handshake("/ws", "Origin: http://evil.example").replace(b"sky.localhost", b"evil.example")
    async with running(host_rule=rule) as seen:
        assert (await seen.send(evil)).status == 421
        assert seen.requests == []


async def test_a_proxy_on_a_unix_socket_can_be_trusted(tmp_path: Path) -> None:
    """The word `unix` stands for every peer on such a socket; its file decides who may connect."""
    seen: list[Request] = []

    async def serve(request: Request) -> None:
        seen.append(request)
        await request.stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await request.stream.linger(PATIENCE)

    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    server.listen()
    server.setblocking(False)
    limits = RouterLimits(10, PATIENCE, PATIENCE)
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(server))
    async with trio.open_nursery() as nursery:
        router = Router({}, serve, limits, frozenset(), proxies=Networks.parse(("unix",)))
        nursery.start_soon(router.accept_from, listener, nursery)
        for start, headers in ((V1, ()), (b"", (f"X-Forwarded-For: {CLIENT}",)), (b"", ())):
            client = trio.SocketStream(trio.socket.socket(socket.AF_UNIX))
            await client.socket.connect(str(tmp_path / "socket"))
            async with client:
                await client.send_all(start + request_head("/", *headers))
                assert (await RawPeer(client).answer()).status == 200
        nursery.cancel_scope.cancel()
    assert [request.peer.host for request in seen] == [CLIENT, CLIENT, "unix"]


async def test_the_header_comes_before_the_handshake_of_tls(tmp_path: Path) -> None:
    """A proxy that passes bytes on does not read them; what follows its header is left for TLS."""
    authority = trustme.CA()
    issued = authority.issue_cert("sky.localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with running() as seen:
        seen.router.certificate = Certificate(tmp_path / "pem", tmp_path / "pem")
        for header in (V1, V2, b""):
            async with seen.address.connection() as peer:
                await peer.send(header)
                secured = trio.SSLStream(peer.stream, context, server_hostname="sky.localhost", https_compatible=True)
                with trio.fail_after(PATIENCE):
                    await secured.send_all(request_head("/"))
                    assert (await secured.receive_some()).startswith(b"HTTP/1.1 200")
        answer = await seen.send(b"PROXY nonsense\r\n")

        assert answer.status == 400
        assert seen.router.log.ended_by == {"bad-proxy-header": 1}
    assert [request.peer.host for request in seen.requests] == [CLIENT, CLIENT, "127.0.0.1"]
    assert all(request.is_tls for request in seen.requests)


@pytest.mark.parametrize(("proxies", "kept"), [(LOOPBACK, True), (Networks(), False)])
async def test_only_a_trusted_proxy_names_a_person(proxies: Networks, kept: bool) -> None:
    """No service can believe by mistake what anyone can write into a header."""
    async with running(proxies) as seen:
        request = await seen.pass_on(request_head("/", "Remote-User: ann", "Remote-Groups: family"))

    assert ("remote-user" in request.head.headers, "remote-groups" in request.head.headers) == (kept, kept)
