"""A TCP relay that is a narrow link: so many bytes a second, a queue before them and a delay behind them, each way."""

from __future__ import annotations

import math
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import trio
from attrs import define, field

_SEGMENT: Final = 1448
"""Bytes of an Ethernet segment's payload. Loopback's 64 KiB segments would not fit into small socket buffers."""
_SOCKET_BUFFER: Final = 32 << 10
_UNLIMITED_QUEUE: Final = 1 << 20
"""Bytes that may wait where there is no rate."""
_ON_THE_WAY: Final = 64 << 10
"""Bytes a connection may have behind the queue that its receiver has not taken, beside what the delay holds."""
_CATCH_UP: Final = 0.01
"""Seconds a timer may be late without the link losing what it could have carried meanwhile."""


@define(eq=False)
class Way:
    """One direction, shared by all connections. Rate, queue and delay may be changed at any time, from any thread."""

    rate: float = math.inf
    """Bytes a second, above 0."""
    queue: float = 1.0
    """Seconds of the rate that may wait; the senders' TCP has to keep the rest."""
    delay: float = 0.0
    """Seconds on the way, behind the queue."""
    carried: int = field(default=0, init=False)
    """Bytes that have left the queue."""
    waiting: int = field(default=0, init=False)
    """Bytes in the queue."""
    _queue: deque[tuple[bytes, _Lane]] = field(factory=deque, init=False)
    _came: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False)
    _went: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False)

    async def run(self) -> None:
        """Let the queue out at the rate, for ever."""
        free_at = -math.inf
        while True:
            while not self._queue:
                await self._came.park()
            data, fast_path = self._queue.popleft()
            free_at = max(free_at, trio.current_time() - _CATCH_UP) + len(data) / self.rate
            await trio.sleep_until(free_at)
            self.waiting -= len(data)
            self.carried += len(data)
            fast_path.depart(data, trio.current_time() + self.delay)
            self._went.unpark_all()

    async def carry(self, source: trio.abc.ReceiveStream, sink: trio.abc.SendStream) -> None:
        """Carry one connection's bytes until they end, and end ``sink`` too if it can do that alone."""
        fast_path = _Lane()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fast_path.deliver, sink, self._went)
            while data := bytes(await source.receive_some(self._chunk_size)):
                while self._is_full(fast_path):
                    await self._went.park()
                self._enter(data, fast_path)
            self._enter(b"", fast_path)

    def _enter(self, data: bytes, fast_path: _Lane) -> None:
        self.waiting += len(data)
        self._queue.append((data, fast_path))
        self._came.unpark()

    def _is_full(self, fast_path: _Lane) -> bool:
        if math.isinf(self.rate):
            return self.waiting >= _UNLIMITED_QUEUE or fast_path.on_the_way >= _UNLIMITED_QUEUE
        return self.waiting >= self.rate * self.queue or fast_path.on_the_way >= _ON_THE_WAY + self.rate * self.delay

    @property
    def _chunk_size(self) -> int:
        """Bytes read at once: few enough that a change of the rate is felt soon, so many that a fast link is cheap."""
        return int(min(max(_SEGMENT, self.rate * 0.005), _UNLIMITED_QUEUE >> 4))


@define(eq=False)
class _Lane:
    """One connection's bytes behind the queue."""

    on_the_way: int = field(default=0, init=False)
    _flight: deque[tuple[float, bytes]] = field(factory=deque, init=False)
    _departed: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot, init=False)

    def depart(self, data: bytes, due: float) -> None:
        self.on_the_way += len(data)
        self._flight.append((due, data))
        self._departed.unpark()

    async def deliver(self, sink: trio.abc.SendStream, taken: trio.lowlevel.ParkingLot) -> None:
        while True:
            while not self._flight:
                await self._departed.park()
            due, data = self._flight.popleft()
            await trio.sleep_until(due)
            if not data:
                if isinstance(sink, trio.abc.HalfCloseableStream):
                    await sink.send_eof()
                return
            await sink.send_all(data)
            self.on_the_way -= len(data)
            taken.unpark_all()


@define(eq=False)
class Link:
    """A running link."""

    up: Way
    """From who connects to the server behind."""
    down: Way
    port: int = field(default=0, init=False)
    """Of the loopback address, to connect to."""

    @property
    def address(self) -> str:
        """Return ``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.port}"

    async def run(self, target: int, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Relay all connections to port ``target`` of the loopback address, until cancelled."""
        listener = trio.socket.socket()
        _keep_small(listener)
        await listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.up.run)
            nursery.start_soon(self.down.run)
            task_status.started()
            with listener:
                while True:
                    near, _ = await listener.accept()
                    nursery.start_soon(self._relay, trio.SocketStream(near), target)

    async def _relay(self, near: trio.SocketStream, target: int) -> None:
        server = trio.socket.socket()
        _keep_small(server)
        try:
            async with near, trio.open_nursery() as nursery:
                await server.connect(("127.0.0.1", target))
                far = trio.SocketStream(server)
                nursery.start_soon(self.up.carry, near, far)
                nursery.start_soon(self.down.carry, far, near)
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            # Either side is gone: so is the connection.
            pass
        finally:
            server.close()


def _keep_small(end: trio.socket.SocketType) -> None:
    """Leave so little room in the kernel that what waits, waits in the link."""
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        end.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)


@asynccontextmanager
async def narrow_link(target: int, *, up: Way | None = None, down: Way | None = None) -> AsyncIterator[Link]:
    """Run a link to port ``target`` of the loopback address; a way that is not given is wide and has no delay."""
    link = Link(up or Way(), down or Way())
    async with trio.open_nursery() as nursery:
        await nursery.start(link.run, target)
        yield link
        nursery.cancel_scope.cancel()


@contextmanager
def narrow_link_in_thread(target: int, *, up: Way | None = None, down: Way | None = None) -> Iterator[Link]:
    """Run a link as `narrow_link` does, in a thread of its own, for tests that are not async."""
    running: list[tuple[Link, trio.CancelScope, trio.lowlevel.TrioToken]] = []
    begun = threading.Event()

    async def run() -> None:
        with trio.CancelScope() as scope:
            async with narrow_link(target, up=up, down=down) as link:
                running.append((link, scope, trio.lowlevel.current_trio_token()))
                begun.set()
                await trio.sleep_forever()

    thread = threading.Thread(target=trio.run, args=(run,), daemon=True)
    thread.start()
    assert begun.wait(10), "the link did not start"
    [(link, scope, token)] = running
    try:
        yield link
    finally:
        token.run_sync_soon(scope.cancel)
        thread.join(10)
