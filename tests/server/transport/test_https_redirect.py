"""The port for people who type an address without its scheme."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from skysentry_trio.server.transport.https_redirect import HttpsRedirect
from skysentry_trio.server.transport.listener import Router, RouterLimits
from tests.raw_peer import PATIENCE, Address, Answer, request_head


@asynccontextmanager
async def redirecting(port: int) -> AsyncIterator[Address]:
    redirect = HttpsRedirect(port).serve
    router = Router({"/ws": redirect}, redirect, RouterLimits(10, PATIENCE, PATIENCE), frozenset())
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(router.accept_from, listener, nursery)
        yield Address(*listener.socket.getsockname())
        nursery.cancel_scope.cancel()


async def ask(address: Address, target: str, host: str, method: str = "GET") -> Answer:
    async with address.connection() as peer:
        request = request_head(target, method=method).replace(b"Host: sky.localhost", f"Host: {host}".encode())
        await peer.send(request)
        return await peer.answer()


@pytest.mark.parametrize(
    ("port", "host", "location"),
    [
        (443, "cam.local", "https://cam.local/capture?a=b"),
        (8443, "cam.local:8080", "https://cam.local:8443/capture?a=b"),
        (8443, "192.168.1.5:80", "https://192.168.1.5:8443/capture?a=b"),
        (8443, "[fd00::5]", "https://[fd00::5]:8443/capture?a=b"),
        (443, "[fd00::5]:8080", "https://[fd00::5]/capture?a=b"),
    ],
)
async def test_the_same_page_is_named_with_https(port: int, host: str, location: str) -> None:
    """Name, path and query stay; the port is that of https, which is left out if it is the usual one."""
    async with redirecting(port) as address:
        answer = await ask(address, "/capture?a=b", host)
    assert (answer.status, answer.headers["location"]) == (308, location)


async def test_a_request_without_a_name_cannot_be_redirected() -> None:
    """The answer says what is missing."""
    async with redirecting(443) as address:
        answer = await ask(address, "/", "", method="POST")
    assert answer.status == 400
    assert "Host" in answer.json["error"]
