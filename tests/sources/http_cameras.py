"""Cameras that speak HTTP byte for byte as devices do, on a loopback address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import define, field

from tests.jpegs import draw_jpeg

JPEGS = [draw_jpeg(shade) for shade in (10, 20, 30)]
MULTIPART = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"


@define(eq=False)
class FakeHttpCamera:
    """Answers each request with what a function returns, and then closes the connection or keeps it."""

    answer: Callable[[bytes], bytes]
    """Returns the bytes to send after a request; a request is given without the empty line at its end."""
    keeps: bool = False
    """Whether to wait for another request on the same connection."""
    holds: bool = False
    """Whether to keep the connection open without ever sending more."""
    requests: list[bytes] = field(factory=list, init=False)
    connections: int = field(default=0, init=False)

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        received = b""
        try:
            async with stream:
                while data := await stream.receive_some():
                    received += data
                    while b"\r\n\r\n" in received:
                        request, _, received = received.partition(b"\r\n\r\n")
                        self.requests.append(request)
                        await stream.send_all(self.answer(request))
                        if self.holds:
                            await trio.sleep_forever()
                        if not self.keeps:
                            return
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass


@asynccontextmanager
async def listening(
    serve: Callable[[trio.SocketStream], Awaitable[None]],
) -> AsyncIterator[str]:
    """Serve connections; yield the address, without a path."""
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), serve, 0)
        yield f"127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


def picture(jpeg: bytes, kind: str = "image/jpeg", more: str = "") -> bytes:
    """Return an answer that holds one picture."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(jpeg)}\r\n{more}\r\n"
    return head.encode() + jpeg


def text(status: str, body: str = "", more: str = "") -> bytes:
    """Return an answer that holds no picture."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return (head + body).encode()
