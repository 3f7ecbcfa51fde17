"""Ping all connections from one task: proxies cut silent connections, and only a ping shows that a link is cut."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Final, NamedTuple

import trio
from attrs import define, field

from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.base.sink import WriteResult
from skysentry_trio.server.transport.fast_path import FastPath
from skysentry_trio.wire.framing import encode_ping

_PING = encode_ping()
_TICK: Final = 0.1
"""Seconds between two looks at what is due: thousands of peers would wake the task hundreds of times a second."""
_AT_ONCE: Final = 32
"""Connections that are pinged or checked before other tasks run, so that not all pongs come at once either."""


class _Ping(NamedTuple):
    """A ping that has not been answered."""

    at: float
    heard: int
    """Number of reads from the peer before the ping."""


_Due = tuple[float, int, _Ping | None]
"""When something is due, the number of the connection, and what: a ping if this is None, else a check for an answer."""


@define(eq=False)
class Heartbeat:
    """Pings every peer, and aborts a connection if nothing comes back from its peer; times are in seconds."""

    interval: float
    """Seconds from one ping to the next."""
    timeout: float
    """Seconds after a ping within which any bytes must come from the peer: the pong, or parts of an earlier message."""
    _watched: dict[int, FastPath] = field(factory=dict, init=False, repr=False)
    _numbers: Iterator[int] = field(factory=count, init=False, repr=False)
    # A heap. An entry of a connection that has ended is dropped when its time has come.
    _due: list[_Due] = field(factory=list, init=False, repr=False)

    @contextmanager
    def watch(self, fast_path: FastPath) -> Iterator[None]:
        """Ping a connection as long as the context lasts."""
        number = next(self._numbers)
        self._watched[number] = fast_path
        heappush(self._due, (trio.current_time() + self.interval, number, None))
        try:
            yield
        finally:
            del self._watched[number]

    async def run(self) -> None:
        """Send pings and check the answers until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                now = trio.current_time()
                while self._due and self._due[0][0] <= now:
                    for _ in range(_AT_ONCE):
                        if not self._due or self._due[0][0] > now:
                            break
                        self._attend(heappop(self._due), now, nursery)
                    await trio.lowlevel.checkpoint()
                # Every entry that is added during this sleep has a later time.
                first = self._due[0][0] if self._due else math.inf
                await trio.sleep_until(max(min(first, now + self.interval, now + self.timeout), now + _TICK))

    def _attend(self, due: _Due, now: float, nursery: trio.Nursery) -> None:
        """Ping a connection, or check whether its peer has been heard since the ping."""
        _, number, ping = due
        if (fast_path := self._watched.get(number)) is None:
            return
        if ping is None:
            self._ping(number, fast_path, nursery)
        elif fast_path.reader.heard != ping.heard:
            heappush(self._due, (max(now, ping.at + self.interval), number, None))
        elif now < ping.at + self.timeout:
            heappush(self._due, (ping.at + self.timeout, number, ping))
        else:
            fast_path.abort()

    def _ping(self, number: int, fast_path: FastPath, nursery: trio.Nursery) -> None:
        """Send a ping, without a task of its own if there is room for the ping."""
        heard = fast_path.reader.heard
        match fast_path.writer.try_send(_PING):
            case WriteResult.ALL:
                self._expect_answer(number, heard)
            case WriteResult.PART:
                nursery.start_soon(self._ping_later, number, fast_path.writer.finish, heard)
            case WriteResult.NOTHING:
                nursery.start_soon(self._ping_later, number, partial(fast_path.writer.send, _PING), heard)

    async def _ping_later(self, number: int, send: Callable[[], Awaitable[None]], heard: int) -> None:
        try:
            await send()
        except CONNECTION_LOST:
            # The connection is lost or is being closed; the task that serves the connection notices this.
            return
        self._expect_answer(number, heard)

    def _expect_answer(self, number: int, heard: int) -> None:
        if number in self._watched:
            now = trio.current_time()
            heappush(self._due, (now + min(self.interval, self.timeout), number, _Ping(now, heard)))
