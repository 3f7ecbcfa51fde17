"""A server process to attack, raw connections to it, and the line of JSON in which a figure is printed."""

from __future__ import annotations

import argparse
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import asdict, frozen

_ADDRESS = re.compile(rb"https?://127\.0\.0\.1:(\d+)")
_START_TIMEOUT = 30.0
_ATTEMPTS = 5
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
CONTINUATION, TEXT, BINARY, PING, PONG = 0, 1, 2, 9, 10
Connection = trio.SocketStream | trio.SSLStream[trio.SocketStream]


@frozen
class Figure:
    """One measured value."""

    row: str
    """The attack, in a few words."""
    value: float
    unit: str
    aim: float
    """The value that the server should not exceed."""

    def print(self) -> None:
        """Write the figure to standard output as one line of JSON."""
        sys.stdout.write(f"{json.dumps(asdict(self))}\n")
        sys.stdout.flush()


@frozen
class Victim:
    """A server process under attack."""

    pid: int
    port: int
    tls: ssl.SSLContext | None = None
    """What clients trust; None for a server without TLS."""

    def resident_mebibytes(self) -> float:
        """Return the resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0

    def cpu_seconds(self) -> float:
        """Return the CPU time of all threads so far."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def descriptors(self) -> int:
        """Return the number of open descriptors."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    async def open(self, receive_buffer: int | None = None) -> Connection:
        """Connect; ``receive_buffer`` is the size of the socket's buffer in bytes.

        A server that is loaded may take longer for the head of a request than it allows, and reset the connection.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._connect(receive_buffer)
            except ConnectionResetError:
                await trio.sleep(0.5)
        return await self._connect(receive_buffer)

    async def _connect(self, receive_buffer: int | None) -> Connection:
        connection = trio.socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await connection.connect(("127.0.0.1", self.port))
        stream = trio.SocketStream(connection)
        if self.tls is None:
            return stream
        encrypted = trio.SSLStream(stream, self.tls, server_hostname="127.0.0.1", https_compatible=True)
        await encrypted.do_handshake()
        return encrypted

    async def open_websocket(self, target: str, receive_buffer: int | None = None) -> Connection:
        """Connect and open a WebSocket; what the server sends behind its answer stays unread."""
        stream = await self.open(receive_buffer)
        await stream.send_all(handshake(target))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            data = await stream.receive_some(1)
            if not data:
                raise EOFError(f"the handshake was refused: {answer!r}")
            answer += data
        return stream

    @asynccontextmanager
    async def camera(self, camera_id: str) -> AsyncIterator[Connection]:
        """Open a camera's WebSocket and register."""
        async with await self.open_websocket("/ws") as stream:
            await stream.send_all(registration(camera_id))
            await read_frame(Buffered(stream))
            yield stream


class Buffered:
    """Reads exact numbers of bytes from a stream."""

    def __init__(self, stream: Connection) -> None:
        self._stream, self._data = stream, bytearray()

    async def take(self, count: int) -> bytes:
        """Return exactly this many bytes."""
        while len(self._data) < count:
            more = await self._stream.receive_some(262144)
            if not more:
                raise EOFError
            self._data += more
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken


async def read_frame(stream: Buffered) -> tuple[int, bytes]:
    """Read one WebSocket frame of the server; return its opcode and its payload."""
    first, second = await stream.take(2)
    length = second & 0x7F
    if length > 125:
        length = int.from_bytes(await stream.take(2 if length == 126 else 8), "big")
    return first & 0x0F, await stream.take(length)


def request_head(target: str, *headers: str, method: str = "GET") -> bytes:
    """Return the head of a request."""
    lines = (f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *headers, "")
    return "".join(f"{line}\r\n" for line in lines).encode()


def handshake(target: str) -> bytes:
    """Return the head of a request for a WebSocket."""
    return request_head(
        target,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {_KEY}",
    )


def frame(opcode: int, payload: bytes = b"", *, length: int | None = None, final: bool = True) -> bytes:
    """Return a client's frame with a mask of zeros; ``length`` is what the head says."""
    length = len(payload) if length is None else length
    if length < 126:
        head = bytes((final << 7 | opcode, 0x80 | length))
    elif length < 1 << 16:
        head = bytes((final << 7 | opcode, 0xFE)) + length.to_bytes(2, "big")
    else:
        head = bytes((final << 7 | opcode, 0xFF)) + length.to_bytes(8, "big")
    return head + bytes(4) + payload


def registration(camera_id: str) -> bytes:
    """Return a camera's first message."""
    return frame(TEXT, json.dumps({"type": "client-registration", "clientId": camera_id}).encode())


def jpeg_of(size: int) -> bytes:
    """Return a valid JPEG of this size: a small one that contains long comments."""
    # One grey block of 8 by 8 pixels: quantization table, frame header, two Huffman tables, scan.
    small = bytes.fromhex(
        f"ffd8 ffdb004300{'10' * 64} ffc0000b080008000801011100 ffc400140001{'00' * 16} ffc400141001{'00' * 16}"
        "ffda0008010100003f00 3f ffd9"
    )
    missing, comments = size - len(small), []
    while missing >= 4:
        length = missing if missing <= 65537 else min(65537, missing - 4)
        comments.append(b"\xff\xfe" + (length - 2).to_bytes(2, "big") + bytes(length - 4))
        missing -= length
    return small[:2] + b"".join(comments) + small[2:]


@contextmanager
def victim(python: str, *arguments: str, tls: ssl.SSLContext | None = None) -> Iterator[Victim]:
    """Run ``PYTHON -m skysentry_trio serve`` on a free port until the context ends; with TLS, clients need ``tls``."""
    command = [python, "-m", "skysentry_trio", "serve", "--host", "127.0.0.1", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:  # noqa: S603
        found, port = threading.Event(), 0

        def read() -> None:
            nonlocal port
            for line in process.stderr or ():
                if not port and (match := _ADDRESS.search(line)):
                    port = int(match[1])
                    found.set()
            found.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            found.wait(_START_TIMEOUT)
            if not port:
                raise RuntimeError(f"{' '.join(command)} did not listen")
            yield Victim(process.pid, port, tls)
        finally:
            process.kill()
            process.wait()
            reader.join()


@asynccontextmanager
async def round_trips(server: Victim, interval: float = 0.025) -> AsyncIterator[list[float]]:
    """Yield a list that collects the seconds from a camera's frame until a viewer has that frame."""
    delays: list[float] = []
    async with (
        server.camera("probe") as camera,
        await server.open_websocket("/stream/ws?client=probe") as viewer,
        trio.open_nursery() as nursery,
    ):
        picture = jpeg_of(2000)

        async def measure() -> None:
            reader = Buffered(viewer)
            while True:
                sent = time.perf_counter()
                await camera.send_all(frame(BINARY, picture))
                while (opcode := (await read_frame(reader))[0]) != BINARY:
                    if opcode == PING:
                        await viewer.send_all(frame(PONG))
                delays.append(time.perf_counter() - sent)
                await trio.sleep(interval)

        nursery.start_soon(measure)
        yield delays
        nursery.cancel_scope.cancel()


def percentile(values: Sequence[float], hundredth: int) -> float:
    """Return a percentile; infinite without values."""
    ranked = sorted(values)
    return ranked[len(ranked) * hundredth // 100] if ranked else float("inf")


def run(measure: Callable[[str], Awaitable[Sequence[Figure]]]) -> None:
    """Run a module's measurement with ``--python`` of the command line, and print each figure as a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environment with the server")
    python = parser.parse_args().python

    async def main() -> Any:
        return await measure(python)

    for figure in trio.run(main):
        figure.print()
