"""The body of a request, whatever the chunks in which it comes."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from skysentry_trio.server.http.request_body import RequestBody
from tests.server.http.fake_byte_stream import BareStream


async def test_many_small_chunks_hold_up_nobody(autojump_clock: MockClock) -> None:
    """Ten thousand chunks of one byte that arrive together are taken one by one, with turns for others in between."""
    request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    stream, received = BareStream(), b""
    stream.push_back(request + b"1\r\nX\r\n" * 1000 + b"0\r\n\r\n")
    body = RequestBody(stream)
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count_turns)
            while data := await body.receive():
                received += data
            nursery.cancel_scope.cancel()
    assert received == b"X" * 1000
    assert turns > 500
