"""Pings for all connections from one task: proxies cut silent ones, and a peer whose link was cut never says so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

import trio
from attrs import define, field

from skysentry_trio.server.transport.fast_path import FastPath
from skysentry_trio.wire.framing import encode_ping

_PING = encode_ping()


class _Ping(NamedTuple):
    """A ping that waits for an answer."""

    at: float
    heard: int
    """How often something had been read of the peer before."""


@define(eq=False)
class Heartbeat:
    """Asks every peer now and then whether it is there; whoever says nothing at all is cut off. Times are seconds."""

    interval: float
    """From one ping to the next."""
    timeout: float
    """From a ping to anything that comes: an answer, or more of a picture that it waits behind."""
    _lanes: dict[int, FastPath] = field(factory=dict, init=False, repr=False)
    _numbers: Iterator[int] = field(factory=count, init=False, repr=False)
    # When it is whose turn: to be sent a ping, or to have been heard since one. Whoever has left is found out when its
    # turn comes; until then only its number is kept.
    _turns: list[tuple[float, int, _Ping | None]] = field(factory=list, init=False, repr=False)

    @contextmanager
    def watch(self, fast_path: FastPath) -> Iterator[None]:
        """Look after a connection for as long as the context lasts."""
        number = next(self._numbers)
        self._lanes[number] = fast_path
        heappush(self._turns, (trio.current_time() + self.interval, number, None))
        try:
            yield
        finally:
            del self._lanes[number]

    async def run(self) -> None:
        """Do so, for ever."""
        async with trio.open_nursery() as nursery:
            while True:
                now = trio.current_time()
                while self._turns and self._turns[0][0] <= now:
                    _, number, ping = heappop(self._turns)
                    if (fast_path := self._lanes.get(number)) is None:
                        continue
                    if ping is None:
                        nursery.start_soon(self._ping, number, fast_path)
                    elif fast_path.reader.heard != ping.heard:
                        heappush(self._turns, (max(now, ping.at + self.interval), number, None))
                    elif now < ping.at + self.timeout:
                        heappush(self._turns, (ping.at + self.timeout, number, ping))
                    else:
                        fast_path.abort()
                # Whoever comes meanwhile has no turn earlier than that.
                first = self._turns[0][0] if self._turns else math.inf
                await trio.sleep_until(min(first, now + self.interval, now + self.timeout))

    async def _ping(self, number: int, fast_path: FastPath) -> None:
        heard = fast_path.reader.heard
        try:
            await fast_path.writer.send(_PING)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # Lost, or about to be closed: whoever serves it knows.
            return
        if number in self._lanes:
            now = trio.current_time()
            heappush(self._turns, (now + min(self.interval, self.timeout), number, _Ping(now, heard)))
