"""Several servers of a cluster that look like one: run this instead of ``skysentry_trio serve``.

Cameras reach the first server, viewers the second one, and other requests the last one. So a test of one server becomes
a test of what servers know of each other. ``pytest --nodes 3`` starts servers this way.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import re
import signal
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from multiprocessing.context import ForkProcess
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
_PR_SET_PDEATHSIG: Final = 1
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
    """Accepts connections, and passes each to the node that its first request is for.

    The node sees the address of the client, because any address of this machine's loopback network may be used.
    """

    ports: list[int]
    _node: Callable[[bytes, int], int] = field(default=choose)

    async def serve(self, stream: trio.SocketStream) -> None:
        head = b""
        try:
            while _END_OF_HEAD not in head and (data := await stream.receive_some(_READ_SIZE)):
                head += bytes(data)
            port = self.ports[self._node(head, len(self.ports))]
            client, _ = stream.socket.getpeername()
            async with (
                await trio.open_tcp_stream(_HERE, port, local_address=client) as node,
                trio.open_nursery() as nursery,
            ):
                await node.send_all(head)
                nursery.start_soon(_copy, stream, node)
                await _copy(node, stream)
                # If the client still sends, closing now would drop the end of the answer.
                nursery.cancel_scope.deadline = trio.current_time() + _LINGER
        except* _LOST:
            # The other end must see that the connection has not ended in order.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _copy(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    async for data in source:
        await sink.send_all(data)
    await sink.send_eof()


@define(eq=False)
class _Node:
    """A process with one server, and what the server says on stderr."""

    port: int
    process: ForkProcess
    _output: int
    """The end of a pipe from which the server's stderr is read."""

    @classmethod
    def start(cls, port: int, arguments: list[str], entrance: socket.socket) -> _Node:
        """Start a server in a copy of this process: to load its modules takes longer than to start it.

        Args:
            port: of the server.
            arguments: of the command line.
            entrance: a socket of this process that the copy must not keep open.
        """
        output, stderr = os.pipe()
        process = multiprocessing.get_context("fork").Process(target=_serve, args=(arguments, stderr, entrance))
        process.start()
        os.close(stderr)
        return cls(port, process, output)

    def repeat(self, started: threading.Event) -> None:
        """Repeat what the server says, but only after the address at which clients expect it."""
        started.wait()
        with os.fdopen(self._output, "rb") as lines:
            for line in lines:
                sys.stderr.buffer.write(line)
                sys.stderr.buffer.flush()


def _serve(arguments: list[str], stderr: int, entrance: socket.socket) -> None:
    entrance.close()
    # The tests import this module, and most of them do not need the command.
    from skysentry_trio.cli.main import main as run_command  # noqa: PLC0415

    # The kernel kills this process when the one that has started it ends.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(stderr, sys.stderr.fileno())
    run_command(arguments)


async def _run(entrance: socket.socket, nodes: list[_Node]) -> int:
    started = threading.Event()
    for node in nodes:
        threading.Thread(target=node.repeat, args=(started,)).start()
    try:
        with trio.fail_after(_PATIENCE):
            for node in nodes:
                await _wait_for(node.port, nodes)
        entrance.listen()
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(entrance))
        address = f"{_HERE}:{entrance.getsockname()[1]}"
        sys.stderr.write(f'{len(nodes)} nodes at http://{address}, "event": "serving"\n')
        sys.stderr.flush()
        started.set()
        serve = Entrance([node.port for node in nodes]).serve
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, serve, [listener])
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                async for _number in signals:
                    break
            for node in nodes:
                node.process.terminate()
            for node in nodes:
                await trio.to_thread.run_sync(node.process.join)
            nursery.cancel_scope.cancel()
        return max(node.process.exitcode or 0 for node in nodes)
    finally:
        started.set()
        for node in nodes:
            node.process.kill()
            node.process.join()


async def _wait_for(port: int, nodes: list[_Node]) -> None:
    while True:
        if any(node.process.exitcode is not None for node in nodes):
            raise SystemExit(2)
        try:
            async with await trio.open_tcp_stream(_HERE, port) as stream:
                await stream.send_all(b"GET /api/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                if b" 200 " in await stream.receive_some():
                    return
        except _LOST:
            pass
        await trio.sleep(0.05)


def main() -> int:
    """Run the nodes until a signal ends them."""
    verb, *arguments = sys.argv[1:]
    assert verb == "serve", f"expected serve, got {verb}"
    # Each node has these modules, because its process is a copy of this one.
    import_module("skysentry_trio.cli.serve")
    import_module("skysentry_trio.server.cluster.redis_engine")
    command = Command.parse(arguments)
    with socket.socket() as entrance, tempfile.TemporaryDirectory() as folder:
        # Bound before the other ports are chosen, and only listening once the nodes are ready.
        entrance.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        entrance.bind((_HERE, command.port))
        with running_redis(Path(folder), prefix=_UNTIL_PARENT_ENDS) as redis:
            ports = [free_port() for _ in range(max(2, count_nodes()))]
            commands = [command.for_node(number, port, redis.url) for number, port in enumerate(ports)]
            # No other thread runs yet, so a copy of this process is a complete one.
            nodes = [_Node.start(port, words, entrance) for port, words in zip(ports, commands, strict=True)]
            return trio.run(_run, entrance, nodes)


if __name__ == "__main__":
    sys.exit(main())
