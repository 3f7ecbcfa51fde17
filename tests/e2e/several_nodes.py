"""Several servers of a cluster that look like one: run this instead of ``skysentry_trio serve``.

Cameras reach the first server, viewers the second one, and other requests the last one. So a test of one server becomes
a test of what servers know of each other. ``pytest --nodes 3`` starts servers this way.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import trio
from attrs import define, field, frozen

from tests.ports import free_port
from tests.server.cluster.redis_process import running_redis

VARIABLE: Final = "TEST_NODES"
"""How many servers a test has where it starts one."""
SEVERAL: Final = ("-m", "tests.e2e.several_nodes")
"""What Python runs for several servers, at least two."""
_UNTIL_PARENT_ENDS: Final = ("setpriv", "--pdeathsig", "KILL")
"""Runs a program that the kernel kills when this process has ended."""
_HERE: Final = "127.0.0.1"
_PATIENCE: Final = 90.0
_LINGER: Final = 2.0
_END_OF_HEAD: Final = b"\r\n\r\n"
_READ_SIZE: Final = 64 * 1024
_CAMERA: Final = re.compile(rb"GET /ws[ ?]|POST /api/(clients/[^/ ]+/frames|stream\.mjpeg)[ ?]")
_VIEWER: Final = re.compile(rb"GET /(stream/ws|stream|api/stream\.mjpeg|api/clients/[^/ ]+/stream\.mjpeg)[ ?]")
_LOST: Final = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


def count_nodes() -> int:
    """Return how many servers a test has where it starts one."""
    return int(os.environ.get(VARIABLE, "1"))


def serve_program() -> tuple[str, ...]:
    """Return what Python runs to serve: one server, or several of them."""
    return ("-m", "skysentry_trio") if count_nodes() == 1 else SEVERAL


@frozen
class Command:
    """A command line of ``serve``, for each of several nodes."""

    flags: tuple[str, ...]
    port: int
    """On which clients expect the server."""
    folder: str | None
    """Of recordings: that of the first node, which has the cameras. The other nodes have folders beside it."""

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Command:
        flags, port, folder = list[str](), 0, None
        rest = iter(arguments)
        for argument in rest:
            if argument == "--port":
                port = int(next(rest))
            elif argument == "--history":
                folder = next(rest)
            else:
                flags.append(argument)
        return cls(tuple(flags), port, folder)

    def for_node(self, number: int, port: int, engine: str) -> list[str]:
        """Return the arguments of one node, of which the first one has the demo cameras."""
        flags = [flag for flag in self.flags if flag != "--demo" or number == 0]
        recording = [] if self.folder is None else ["--history", self.folder + (f"-{number}" if number else "")]
        return ["serve", *flags, *recording, "--port", str(port), "--cluster", engine]


def choose(head: bytes, count: int) -> int:
    """Return the number of the node for a request."""
    if _CAMERA.match(head):
        return 0
    return 1 if _VIEWER.match(head) else count - 1


@define(eq=False)
class Entrance:
    """Accepts connections, and passes each to the node that its first request is for."""

    ports: list[int]
    _node: Callable[[bytes, int], int] = field(default=choose)

    async def serve(self, stream: trio.SocketStream) -> None:
        head = b""
        try:
            while _END_OF_HEAD not in head and (data := await stream.receive_some(_READ_SIZE)):
                head += bytes(data)
            async with (
                await trio.open_tcp_stream(_HERE, self.ports[self._node(head, len(self.ports))]) as node,
                trio.open_nursery() as nursery,
            ):
                await node.send_all(head)
                nursery.start_soon(_copy, stream, node)
                await _copy(node, stream)
                # If the client still sends, closing now would drop the end of the answer.
                nursery.cancel_scope.deadline = trio.current_time() + _LINGER
        except* _LOST:
            pass


async def _copy(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    async for data in source:
        await sink.send_all(data)
    await sink.send_eof()


async def _run(command: Command, count: int, engine: str) -> int:
    ports, started = [free_port() for _ in range(count)], threading.Event()
    nodes = [_start(command.for_node(number, port, engine), started) for number, port in enumerate(ports)]
    try:
        with trio.fail_after(_PATIENCE):
            for port in ports:
                await _wait_for(port, nodes)
        (listener,) = await trio.open_tcp_listeners(command.port, host=_HERE)
        port = listener.socket.getsockname()[1]
        sys.stderr.write(f'{count} nodes at http://{_HERE}:{port}, "event": "serving"\n')
        started.set()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, Entrance(ports).serve, [listener])
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                async for _number in signals:
                    break
            for node in nodes:
                node.terminate()
            statuses = [await trio.to_thread.run_sync(node.wait) for node in nodes]
            nursery.cancel_scope.cancel()
        return max(statuses)
    finally:
        started.set()
        for node in nodes:
            node.kill()
            node.wait()


def _start(arguments: list[str], started: threading.Event) -> subprocess.Popen[bytes]:
    command = [*_UNTIL_PARENT_ENDS, sys.executable, "-m", "skysentry_trio", *arguments]
    node = subprocess.Popen(command, stderr=subprocess.PIPE)
    threading.Thread(target=_repeat, args=(node, started)).start()
    return node


def _repeat(node: subprocess.Popen[bytes], started: threading.Event) -> None:
    """Repeat what a node says, but only after the address at which clients expect the server."""
    started.wait()
    assert node.stderr is not None
    for line in node.stderr:
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()


async def _wait_for(port: int, nodes: list[subprocess.Popen[bytes]]) -> None:
    while True:
        if any(node.poll() is not None for node in nodes):
            raise SystemExit(2)
        try:
            async with await trio.open_tcp_stream(_HERE, port) as stream:
                await stream.send_all(b"GET /api/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                if b" 200 " in await stream.receive_some():
                    return
        except OSError:
            pass
        await trio.sleep(0.05)


def main() -> int:
    """Run the nodes until a signal ends them."""
    verb, *arguments = sys.argv[1:]
    assert verb == "serve", f"expected serve, got {verb}"
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder), prefix=_UNTIL_PARENT_ENDS) as redis:
        return trio.run(_run, Command.parse(arguments), max(2, count_nodes()), redis.url)


if __name__ == "__main__":
    sys.exit(main())
