"""Where the server listens: both families for the wildcard, one port for all, and errors that name the address."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
import trio

from skysentry_trio.server.transport import tcp_listeners
from skysentry_trio.server.transport.tcp_listeners import has_ipv6, open_listeners

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")


@asynccontextmanager
async def listening(host: str, port: int = 0) -> AsyncIterator[list[tuple[str, int]]]:
    listeners = await open_listeners(host, port)
    try:
        yield [listener.socket.getsockname()[:2] for listener in listeners]
    finally:
        for listener in listeners:
            await listener.aclose()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Have every name stand for these addresses."""
    original = trio.socket.getaddrinfo

    async def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host != "cameras.test":
            return await original(host, port, *arguments, **options)
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(trio.socket, "getaddrinfo", getaddrinfo)


@needs_ipv6
@pytest.mark.parametrize("host", ["::", "0::0", "0:0:0:0:0:0:0:0"])
async def test_the_wildcard_of_ipv6_is_for_both_families(host: str) -> None:
    """A peer reaches the server over IPv4 and over IPv6, at the same port."""
    async with listening(host) as [first, second]:
        assert (first[0], second[0]) == ("0.0.0.0", "::")
        assert first[1] == second[1]
        for address in ("127.0.0.1", "::1"):
            async with await trio.open_tcp_stream(address, first[1]):
                pass


async def test_without_ipv6_the_wildcard_is_for_ipv4(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server is reached over IPv4, and the log says so."""
    monkeypatch.setattr(tcp_listeners, "has_ipv6", lambda: False)
    async with listening("::") as [(address, port)]:
        assert address == "0.0.0.0"
        async with await trio.open_tcp_stream("127.0.0.1", port):
            pass
    assert "serving IPv4 only" in caplog.text


async def test_the_wildcard_of_ipv4_is_for_ipv4_only() -> None:
    """Who asks for one family gets one family."""
    async with listening("0.0.0.0") as addresses:
        assert len(addresses) == 1


async def test_a_name_is_for_each_of_its_addresses_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have several addresses, and /etc/hosts may name one of them twice; the port is the same."""
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2", "127.0.0.1")
    async with listening("cameras.test") as [first, second]:
        assert (first[0], second[0]) == ("127.0.0.1", "127.0.0.2")
        assert first[1] == second[1] != 0


async def test_an_address_of_another_machine_is_skipped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """/etc/hosts has ::1 for localhost even where IPv6 is turned off."""
    resolve_to(monkeypatch, "192.0.2.1", "127.0.0.1")
    async with listening("cameras.test") as [(address, _port)]:
        assert address == "127.0.0.1"
    assert "192.0.2.1" in caplog.text


async def test_without_any_address_of_this_machine_there_is_an_error() -> None:
    """The address is the one that the operator wrote, so the error need not repeat it."""
    with pytest.raises(OSError, match="Cannot assign requested address") as caught:
        await open_listeners("192.0.2.1", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_a_port_that_is_taken_at_one_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that only some peers reach would be worse; the error names the address, and nothing stays open."""
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    with closing(socket.create_server(("127.0.0.2", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=r"in use \(127\.0\.0\.2\)"):
            await open_listeners("cameras.test", port)
        with closing(socket.create_server(("127.0.0.1", port))):
            pass


async def test_any_free_port_is_one_that_is_free_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the port of the first address is taken at the second one, another port is tried, but not for ever."""
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    original, calls = trio.open_tcp_listeners, 0

    async def open_tcp_listeners(port: int, *, host: str, backlog: int) -> list[trio.SocketListener]:
        nonlocal calls
        calls += 1
        if host == "127.0.0.2" and calls <= failures:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return await original(port, host=host, backlog=backlog)

    monkeypatch.setattr(trio, "open_tcp_listeners", open_tcp_listeners)
    failures = 4
    async with listening("cameras.test") as addresses:
        assert len(addresses) == 2
    calls, failures = 0, 1000
    with pytest.raises(OSError, match="in use"):
        await open_listeners("cameras.test", 0)
    assert calls < 100
