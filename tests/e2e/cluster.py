"""A cluster of processes: redis-server, nodes, HAProxy in front; cameras and viewers that connect again."""

from __future__ import annotations

import itertools
import json
import signal
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import trio
from attrs import define, field

from tests.e2e.processes import PATIENCE, Program, running
from tests.e2e.test_proxies import answers, program, proxy
from tests.ports import free_port
from tests.raw_peer import BINARY, CLOSE, PING, PONG, Address, Frame, RawPeer, client_frame, picture
from tests.server.cluster.redis_process import RedisProcess, running_redis

HAPROXY = Path(__file__).parents[2] / "packaging" / "cluster" / "haproxy.cfg"
LOST = (OSError, EOFError, AssertionError, trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError)
"""What a client meets when its server dies."""


@define(eq=False)
class NodeProcess:
    """One node, which can be killed, frozen and started again with the same address."""

    redis: RedisProcess
    flags: tuple[str, ...] = ()
    port: int = field(factory=free_port)
    program: Program | None = None
    _stack: ExitStack = field(factory=ExitStack)

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port)

    def start(self) -> None:
        """Start the node, and return before it serves."""
        flags = ("--port", str(self.port), "--cluster", self.redis.url, "--shutdown-grace", "1s", "--open", *self.flags)
        self.program = self._stack.enter_context(running("serve", *flags))

    def wait(self) -> None:
        """Wait until the node serves."""
        assert self.program is not None
        # Several nodes start at the same time.
        deadline = time.monotonic() + 3 * PATIENCE
        while not answers(f"http://127.0.0.1:{self.port}/api/ready"):
            assert self.program.process.poll() is None, "".join(self.program.lines)
            assert time.monotonic() < deadline, "".join(self.program.lines)
            time.sleep(0.1)

    def kill(self) -> None:
        assert self.program is not None
        self.program.process.kill()
        self.end()

    def end(self) -> None:
        """End the node and wait until it has ended."""
        self.send(signal.SIGTERM)
        self._stack.close()
        self.program = None

    def send(self, number: signal.Signals) -> None:
        if self.program is not None and self.program.process.poll() is None:
            self.program.process.send_signal(number)


@define(eq=False)
class Cluster:
    """Nodes around one engine."""

    redis: RedisProcess
    nodes: list[NodeProcess]
    balancer: Address

    def start_all(self) -> None:
        for node in self.nodes:
            if node.program is None:
                node.start()
        for node in self.nodes:
            node.wait()


@contextmanager
def running_cluster(
    folder: Path,
    count: int = 3,
    *flags: str,
    run_engine: Callable[[Path], AbstractContextManager[RedisProcess]] = running_redis,
) -> Iterator[Cluster]:
    """Run a cluster with HAProxy in front, by the configuration that the how-to names."""
    with run_engine(folder) as redis, ExitStack() as stack:
        port = free_port()
        nodes = [NodeProcess(redis, flags) for _ in range(count)]
        cluster = Cluster(redis, nodes, Address("127.0.0.1", port))
        for node in nodes:
            stack.callback(node.end)
            stack.callback(node.send, signal.SIGCONT)
        cluster.start_all()
        config = HAPROXY.read_text().replace("bind :8080", f"bind 127.0.0.1:{port}")
        for number, node in enumerate(nodes, 8081):
            config = config.replace(f"127.0.0.1:{number}", f"127.0.0.1:{node.port}")
        (folder / "haproxy.cfg").write_text(config)
        with proxy([program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], port):
            yield cluster


def numbered(number: int) -> bytes:
    """Return a JPEG that contains a number."""
    jpeg = _JPEG
    return jpeg[:2] + b"\xff\xfe\x00\x0a" + struct.pack(">Q", number) + jpeg[2:]


def number_in(jpeg: bytes) -> int:
    """Return the number in a JPEG of `numbered`."""
    (number,) = struct.unpack(">Q", jpeg[6:14])
    return int(number)


_JPEG = picture()


@define(eq=False)
class LoadCamera:
    """A camera that sends numbered frames, and connects again when it has lost its server."""

    camera_id: str
    address: Address
    fps: float = 15.0
    sent: int = 0
    """Number of the last frame."""
    sent_at: dict[int, float] = field(factory=dict)
    """When each frame was sent, by its number."""
    connections: int = 0
    replaced: int = 0
    """Times that the server has closed with 4001."""

    async def run(self) -> None:
        """Send for ever."""
        while True:
            with suppress(*LOST):
                await self.send_once()
            await trio.sleep(0.1)

    async def compete(self) -> None:
        """Connect once; being refused because another connection was faster is being replaced, too."""
        try:
            await self.send_once()
        except LOST:
            self.replaced += 1

    async def send_once(self) -> None:
        """Connect and send until the server is lost."""
        async with self.address.camera(self.camera_id) as peer, trio.open_nursery() as nursery:
            self.connections += 1
            nursery.start_soon(self._listen, peer, nursery.cancel_scope)
            # An error in here would become a group of errors.
            with suppress(*LOST):
                while True:
                    self.sent += 1
                    self.sent_at[self.sent] = trio.current_time()
                    await peer.send(client_frame(BINARY, numbered(self.sent)))
                    await trio.sleep(1 / self.fps)
            nursery.cancel_scope.cancel()

    async def _listen(self, peer: RawPeer, scope: trio.CancelScope) -> None:
        frame = None
        while frame is None or frame.opcode != CLOSE:
            try:
                frame = await frame_of(peer)
            except trio.TooSlowError:
                # A server has nothing to say to a camera for long.
                continue
            except LOST:
                break
        self.replaced += frame is not None and frame.opcode == CLOSE and frame.close_code == 4001
        scope.cancel()


@define(eq=False)
class LoadViewer:
    """A viewer that checks each frame, and connects again when it has lost its server."""

    camera_id: str
    address: Address
    got: list[tuple[float, int, int]] = field(factory=list)
    """For each frame: when it came, its sequence, its number."""
    wrong: list[str] = field(factory=list)
    connections: int = 0
    patience: float = 10.0
    """Seconds without a frame after which the viewer connects again."""

    @property
    def last(self) -> int:
        """The number of the last frame."""
        return self.got[-1][2] if self.got else 0

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            with suppress(*LOST):
                await self.watch_once()
            await trio.sleep(0.1)

    async def watch_once(self) -> None:
        """Connect and watch until the server is lost."""
        async with self.address.viewer(f"?client={self.camera_id}") as peer:
            self.connections += 1
            while True:
                with trio.fail_after(self.patience):
                    sequence, jpeg = await picture_of(peer)
                self.take(sequence, number_in(jpeg))

    def take(self, sequence: int, number: int) -> None:
        if self.got:
            _, last_sequence, last_number = self.got[-1]
            # A viewer that connects again is shown the newest frame, which it may have seen.
            if number < last_number or (number > last_number and sequence <= last_sequence):
                self.wrong.append(f"{last_sequence} (frame {last_number}), then {sequence} (frame {number})")
            if number == last_number:
                return
        self.got.append((trio.current_time(), sequence, number))

    def longest_gap(self, since: float = 0.0) -> float:
        """Return the longest time between two frames, in seconds."""
        times = [when for when, _, _ in self.got if when >= since]
        return max((b - a for a, b in itertools.pairwise(times)), default=0.0)

    def missing(self, since: float = 0.0) -> int:
        """Return how many frames of the camera this viewer has missed between its first and its last one."""
        numbers = [number for when, _, number in self.got if when >= since]
        return numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0


async def frame_of(peer: RawPeer) -> Frame:
    """Receive the next frame that is not a ping, and answer pings."""
    while (frame := await peer.frame()).opcode == PING:
        await peer.send(client_frame(PONG, frame.payload))
    return frame


async def picture_of(peer: RawPeer) -> tuple[int, bytes]:
    """Receive the next envelope, and answer pings."""
    while True:
        frame = await frame_of(peer)
        if frame.opcode == BINARY:
            length = int.from_bytes(frame.payload[:2], "big")
            return json.loads(frame.payload[2 : 2 + length])["sequence"], frame.payload[2 + length :]
        if frame.opcode == CLOSE:
            raise EOFError(f"closed with {frame.close_code}")


@asynccontextmanager
async def running_load(
    cameras: list[LoadCamera], viewers: list[LoadViewer], *, once: Sequence[LoadCamera] = ()
) -> AsyncIterator[trio.Nursery]:
    """Run cameras and viewers until the context ends; every viewer has a frame when it begins.

    Args:
        cameras: connect again when they are lost.
        viewers: connect again, too.
        once: cameras that connect once.
    """
    async with trio.open_nursery() as nursery:
        for camera in once:
            nursery.start_soon(camera.send_once)
        for camera in cameras:
            nursery.start_soon(camera.run)
        for viewer in viewers:
            nursery.start_soon(viewer.run)
        await until(lambda: all(viewer.got for viewer in viewers))
        yield nursery
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that processes do."""
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110  (there is no event to wait for)
            await trio.sleep(0.02)


async def all_get_new_frames(viewers: list[LoadViewer]) -> None:
    """Wait until every viewer has got five more frames."""
    before = [len(viewer.got) for viewer in viewers]
    await until(lambda: all(len(viewer.got) >= count + 5 for viewer, count in zip(viewers, before, strict=True)))
