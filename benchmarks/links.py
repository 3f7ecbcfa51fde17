"""Run several servers as one, and check what goes between them: ``python -m benchmarks.links [--seconds N]``.

Needs redis-server and haproxy (Debian's packages). Prints a table, and ends with status 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import trio
from attrs import astuple, define, field, frozen

from benchmarks.client import wait_for_port, wait_until_ready
from benchmarks.picture import make_jpeg
from benchmarks.server import Server
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.connection import Connection, open_connection
from skysentry_trio.server.cluster.node_socket import open_node_socket
from skysentry_trio.wire.viewer_frames import decode_envelope

FRAME_SIZE = 20_000
FPS = 15.0
_PATIENCE = 30.0
_SETTLE = 2.0
_LEAST_SHARE = 0.98
_MOST_DELAY = 0.015
_MOST_DIFFERENCE = 0.05
_MOST_IDLE = 0.01
_MOST_TO_ENGINE = 2000.0
_MOST_COST = 2.5
_MOST_ALONE = 1.02
_HAPROXY = """\
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend cameras_and_viewers
    bind 127.0.0.1:{port}
    default_backend nodes
backend nodes
    balance random
{servers}
"""


@frozen
class Aim:
    """A figure, and what it may be."""

    name: str
    value: float
    limit: float
    is_least: bool = False
    """Whether the figure must be at least the limit, instead of at most."""

    @property
    def is_met(self) -> bool:
        """Whether the figure is as it should be."""
        return self.value >= self.limit if self.is_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.is_least else "≤"
        return f"{'ok  ' if self.is_met else 'MISS'} {self.name}: {self.value:.4g} ({sign} {self.limit:.4g})"


@define(eq=False)
class Cluster:
    """Nodes that are connected by an engine, with a balancer in front."""

    nodes: list[int]
    """The port of each node."""
    processes: list[subprocess.Popen[bytes]]
    balancer: int
    """The port of the balancer; 0 without one."""
    engine: int
    """The port of the engine."""

    def cpu_seconds(self, number: int) -> float:
        """Return the CPU time of a node."""
        return Server(self.processes[number].pid, self.nodes[number]).cpu_seconds()

    def bytes_to_engine(self) -> int:
        """Return how many bytes the engine has received and sent."""
        with socket.create_connection(("127.0.0.1", self.engine), _PATIENCE) as connection:
            connection.sendall(b"INFO stats\r\n")
            text = connection.recv(65536).decode()
        figures = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return int(figures["total_net_input_bytes"]) + int(figures["total_net_output_bytes"])


@contextmanager
def running_cluster(count: int, *, balanced: bool = True, urls: dict[int, str] | None = None) -> Iterator[Cluster]:
    """Run an engine, nodes and a balancer until the context ends.

    Args:
        count: of nodes.
        balanced: whether there is a balancer.
        urls: where other nodes reach a node, by its number, if that is not its own address.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        secret = folder / "secret"
        secret.write_text("links of the benchmark, all with the same secret\n")
        engine = _free_port()
        _start(stack, "redis-server", "--port", str(engine), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
        wait_for_port(engine, _PATIENCE)
        ports, processes = [_free_port() for _ in range(count)], []
        for number, port in enumerate(ports):
            url = (urls or {}).get(number, f"http://127.0.0.1:{port}")
            flags = ["--cluster", f"redis://127.0.0.1:{engine}", "--node-url", url]
            flags += ["--cluster-secret-file", str(secret)]
            processes.append(_serve(stack, port, folder / f"state-{number}", *flags))
        for port in ports:
            wait_until_ready(port, _PATIENCE)
        balancer = 0
        if balanced:
            balancer = _free_port()
            servers = "\n".join(f"    server node{number} 127.0.0.1:{port}" for number, port in enumerate(ports))
            config = folder / "haproxy.cfg"
            config.write_text(_HAPROXY.format(port=balancer, servers=servers))
            _start(stack, "haproxy", "-db", "-f", str(config))
            wait_for_port(balancer, _PATIENCE)
        yield Cluster(ports, processes, balancer, engine)


def _serve(stack: ExitStack, port: int, state: Path, *flags: str) -> subprocess.Popen[bytes]:
    arguments = ["-m", "skysentry_trio", "serve", "--host", "127.0.0.1", "--port", str(port), "--open"]
    arguments += ["--state-dir", str(state), "--log-level", "warning"]
    return _start(stack, sys.executable, *arguments, *flags)


def _start(stack: ExitStack, program: str, *arguments: str) -> subprocess.Popen[bytes]:
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise RuntimeError(f"expected the program {program}, which is not on this machine")
    process = subprocess.Popen([found, *arguments], stdout=subprocess.DEVNULL)  # noqa: S603
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def _wait_for_nothing(_camera_id: str, _number: int) -> None:
    pass


@define(eq=False)
class Load:
    """Cameras and viewers, and what became of the frames."""

    sent: dict[tuple[str, int], tuple[float, int]] = field(factory=dict)
    """By camera and number of the frame: when it was sent, and the checksum of its JPEG."""
    is_over: bool = False
    """Whether cameras send no more frames."""
    problems: Counter[str] = field(factory=Counter)
    """Number of frames that were wrong, in the wrong order, or came twice."""
    _picture: bytes = field(factory=lambda: make_jpeg(FRAME_SIZE))

    async def send(
        self,
        port: int,
        camera_id: str,
        fps: float = FPS,
        *,
        frames: float = math.inf,
        wait_for_turn: Callable[[str, int], Awaitable[None]] = _wait_for_nothing,
        stays: bool = False,
    ) -> None:
        """Send the frames of one camera; each frame is another one.

        Args:
            port: of the server.
            camera_id: of the camera.
            fps: frames a second.
            frames: number of frames after which the camera leaves.
            wait_for_turn: called with the camera and the number of each frame that was sent, before the next one.
            stays: whether the camera stays connected after the last frame.
        """
        async with _connect(port, "/ws") as camera:
            await camera.send(json.dumps({"type": "client-registration", "clientId": camera_id}))
            await camera.receive()
            number, due = 0, trio.current_time() + random.random() / fps  # noqa: S311 - nobody guesses it
            while number < frames:
                await trio.sleep_until(due)
                if self.is_over:
                    break
                due += 1 / fps
                number += 1
                jpeg = self._make(camera_id, number)
                self.sent[camera_id, number] = time.monotonic(), zlib.crc32(jpeg)
                await camera.send(jpeg)
                await wait_for_turn(camera_id, number)
            if stays:
                await trio.sleep_forever()

    def _make(self, camera_id: str, number: int) -> bytes:
        comment = f"{camera_id} {number}".encode()
        return b"\xff\xd8\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + self._picture[2:]

    async def watch(
        self,
        port: int,
        camera_ids: list[str],
        seen: Seen,
        *,
        acknowledges: bool = False,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Watch cameras as one viewer for ever."""
        query = "".join(f"&client={camera_id}" for camera_id in camera_ids)
        address = parse_server_address(f"127.0.0.1:{port}")
        async with open_node_socket(address, f"/stream/ws?format=envelope{query}", {}) as viewer:
            task_status.started()
            while True:
                message = await viewer.receive()
                if isinstance(message, bytes):
                    camera_id, sequence = self._take(message, seen)
                    if acknowledges:
                        ack = {"type": "ack", "clientId": camera_id, "sequence": sequence}
                        viewer.send_soon(json.dumps(ack))

    def _take(self, message: bytes, seen: Seen) -> tuple[str, int]:
        now = time.monotonic()
        header, jpeg = decode_envelope(message)
        end = 6 + int.from_bytes(jpeg[4:6], "big") - 2
        camera_id, _, number = jpeg[6:end].decode().partition(" ")
        sent_at, checksum = self.sent.get((camera_id, int(number)), (0.0, -1))
        last, last_number = seen.last.get(camera_id, (0, 0))
        if camera_id != header.camera_id or zlib.crc32(jpeg) != checksum:
            self.problems["wrong"] += 1
        elif header.sequence == last:
            self.problems["twice"] += 1
        elif header.sequence < last or int(number) <= last_number:
            self.problems["disordered"] += 1
        seen.last[camera_id] = header.sequence, int(number)
        seen.numbers[camera_id].append(int(number))
        seen.latencies.append(now - sent_at)
        return header.camera_id, header.sequence


@define(eq=False)
class Seen:
    """What one viewer got."""

    last: dict[str, tuple[int, int]] = field(factory=dict)
    numbers: dict[str, list[int]] = field(factory=lambda: defaultdict(list))
    latencies: array[float] = field(factory=lambda: array("d"))


@asynccontextmanager
async def _connect(port: int, path: str) -> AsyncIterator[Connection]:
    async with open_connection(parse_server_address(f"127.0.0.1:{port}"), path) as connection:
        yield connection


async def check_frames(cluster: Cluster, *, cameras: int, viewers: int, seconds: float) -> list[Aim]:
    """Let cameras and viewers connect through the balancer; every viewer gets the frames of its cameras.

    The viewers do not acknowledge frames: on a busy machine, this load would be late, and be sent fewer frames.
    """
    load, chosen = Load(), random.Random(1)  # noqa: S311
    ids = [f"frames-{number}" for number in range(cameras)]
    seen = {number: Seen() for number in range(viewers)}
    wanted = {number: chosen.sample(ids, chosen.randint(1, 3)) for number in seen}
    async with trio.open_nursery() as nursery:
        for camera_id in ids:
            nursery.start_soon(partial(load.send, cluster.balancer, camera_id, stays=True))
        await trio.sleep(1)
        for number, one in seen.items():
            nursery.start_soon(load.watch, cluster.balancer, wanted[number], one)
        await trio.sleep(_SETTLE)
        began = time.monotonic()
        await trio.sleep(seconds)
        load.is_over, ended = True, time.monotonic()
        # On a busy machine, this process may be late. A frame that comes late is not lost.
        await trio.sleep(_SETTLE)
        nursery.cancel_scope.cancel()
    sent = defaultdict[str, set[int]](set)
    for (camera_id, number), (at, _) in load.sent.items():
        if began <= at < ended:
            sent[camera_id].add(number)
    shares = [
        len(sent[camera_id].intersection(one.numbers[camera_id])) / max(1, len(sent[camera_id]))
        for viewer, one in seen.items()
        for camera_id in wanted[viewer]
    ]
    return [
        Aim("share of its frames that the worst viewer got", min(shares), _LEAST_SHARE, is_least=True),
        Aim("frames that were wrong, twice or disordered", load.problems.total(), 0),
    ]


async def check_latency(cluster: Cluster, *, seconds: float) -> list[Aim]:
    """Compare the latency at the node of a camera with the latency at another node."""
    load, near, far = Load(), Seen(), Seen()
    # The 99th percentile of few frames would be chance.
    ids = [f"latency-{number}" for number in range(6)]
    async with trio.open_nursery() as nursery:
        for camera_id in ids:
            nursery.start_soon(load.send, cluster.nodes[0], camera_id)
        await trio.sleep(1)
        nursery.start_soon(load.watch, cluster.nodes[0], ids, near)
        nursery.start_soon(load.watch, cluster.nodes[1], ids, far)
        await trio.sleep(_SETTLE)
        near.latencies, far.latencies = array("d"), array("d")
        await trio.sleep(seconds)
        nursery.cancel_scope.cancel()
    delay = _p99(far.latencies) - _p99(near.latencies)
    return [Aim("p99 of the latency across nodes, more than at one node, seconds", delay, _MOST_DELAY)]


def _p99(latencies: array[float]) -> float:
    return statistics.quantiles(latencies, n=100)[98]


@define(eq=False)
class CountingRelay:
    """Lies between the other nodes and one node, and counts the bytes that this node sends."""

    listener: trio.SocketListener
    target: int
    sent: int = 0

    async def run(self) -> None:
        """Pass everything on, for ever."""
        await trio.serve_listeners(self._pass_on, [self.listener])

    async def _pass_on(self, stream: trio.SocketStream) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", self.target) as other, trio.open_nursery() as nursery:
            nursery.start_soon(self._copy, stream, other, 0)
            await self._copy(other, stream, 1)
            nursery.cancel_scope.cancel()

    async def _copy(self, source: trio.SocketStream, sink: trio.SocketStream, weight: int) -> None:
        try:
            async for data in source:
                self.sent += weight * len(data)
                await sink.send_all(data)
            await sink.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass


async def check_traffic(*, viewers: int, cameras: int, seconds: float) -> list[Aim]:
    """Count the bytes between two nodes with one viewer, with many, and with none; and those to the engine."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    with running_cluster(2, balanced=False, urls={0: f"http://127.0.0.1:{port}"}) as cluster:
        relay, load = CountingRelay(listener, cluster.nodes[0]), Load()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(relay.run)
            nursery.start_soon(load.send, cluster.nodes[0], "door")
            await trio.sleep(1)
            rates = [await _traffic(relay, cluster, load, count, seconds) for count in (1, viewers, 0)]
            for number in range(cameras):
                nursery.start_soon(load.send, cluster.nodes[number % 2], f"camera-{number}", 1.0)
            await trio.sleep(_SETTLE + 3)
            before = cluster.bytes_to_engine()
            await trio.sleep(seconds)
            to_engine = (cluster.bytes_to_engine() - before) / seconds / 2
            nursery.cancel_scope.cancel()
    one, many, none = rates
    return [
        Aim(f"bytes over a link with {viewers} viewers instead of one, difference", abs(many / one - 1), 0.05),
        Aim("bytes over a link that nobody watches, share", none / (FRAME_SIZE * FPS), _MOST_IDLE),
        Aim(f"bytes a second between a node and the engine, at {cameras} cameras", to_engine, _MOST_TO_ENGINE),
    ]


async def _traffic(relay: CountingRelay, cluster: Cluster, load: Load, viewers: int, seconds: float) -> float:
    """Return the bytes a second over the link while this number of viewers of the other node watch."""
    async with trio.open_nursery() as nursery:
        for _ in range(viewers):
            nursery.start_soon(load.watch, cluster.nodes[1], ["door"], Seen())
        await trio.sleep(_SETTLE)
        before = relay.sent
        await trio.sleep(seconds)
        rate = (relay.sent - before) / seconds
        nursery.cancel_scope.cancel()
    return rate


@frozen
class Cost:
    """CPU time of one frame in seconds, by what happens to it."""

    taken: float
    """A frame of a camera is taken."""
    delivered: float
    """A frame is delivered to a viewer of the same node."""
    link_out: float
    """A frame is sent to another node."""
    link_in: float
    """A frame is taken from another node."""

    @property
    def link(self) -> float:
        """CPU time of both nodes for a frame over a link."""
        return self.link_out + self.link_in

    def __str__(self) -> str:
        parts = (self.taken, self.delivered, self.link_out, self.link_in)
        return "taken {:.0f} µs, delivered {:.0f} µs, link out {:.0f} µs, link in {:.0f} µs".format(
            *(part * 1e6 for part in parts)
        )


async def check_alone(*, rounds: int, seconds: float) -> list[Aim]:
    """Compare the CPU time of a node without others with that of a server that belongs to no cluster.

    With ten cameras and five viewers of all of them. Without any load, both use so little that the ratio says nothing.
    Both have the same load at the same time and on the same processor, because what else the machine does changes the
    time of a frame: a server that has to wait takes several frames at once.
    """
    load, ratios = Load(), list[float]()
    ids = [f"alone-{number}" for number in range(10)]
    with running_cluster(1, balanced=False) as cluster, ExitStack() as stack:
        cluster.nodes.append(_free_port())
        state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster.processes.append(_serve(stack, cluster.nodes[1], state))
        wait_until_ready(cluster.nodes[1], _PATIENCE)
        processor = max(os.sched_getaffinity(0))
        for process in cluster.processes:
            os.sched_setaffinity(process.pid, {processor})
        async with trio.open_nursery() as nursery:
            # Both get the same number of frames. Their order changes all the time, because the second one may find more
            # frames waiting, which it then takes at once.
            rates = [29 + 2 * number / (len(ids) - 1) for number in range(len(ids))]
            for port, some in zip(cluster.nodes, (rates, reversed(rates)), strict=True):
                for camera_id, fps in zip(ids, some, strict=True):
                    nursery.start_soon(load.send, port, camera_id, fps)
            await trio.sleep(1)
            for port in cluster.nodes:
                for _ in range(5):
                    nursery.start_soon(load.watch, port, ids, Seen())
            # New processes are slower for a while.
            await trio.sleep(_SETTLE + seconds)
            for _ in range(rounds):
                before = [cluster.cpu_seconds(number) for number in (0, 1)]
                await trio.sleep(seconds)
                node, server = (cluster.cpu_seconds(number) - before[number] for number in (0, 1))
                sys.stderr.write(
                    f"with --cluster {node / seconds:.4f} of a processor, without {server / seconds:.4f}\n"
                )
                ratios.append(node / server)
            nursery.cancel_scope.cancel()
    return [Aim("CPU time of a node alone, to a server without a cluster", statistics.median(ratios), _MOST_ALONE)]


async def check_cost(*, rounds: int, seconds: float) -> list[Aim]:
    """Compare the CPU time of a frame over a link, on both nodes, with that of one local delivery.

    Five nodes have their load at the same time, because what else the machine does changes the time of a frame: cameras
    alone, cameras with a viewer, cameras with a viewer at the next node, that node, and one with nothing to do.
    """
    load, costs, fps = Load(), list[Cost](), 30.0
    with running_cluster(5, balanced=False) as cluster:
        async with trio.open_nursery() as nursery:
            for number, watched_at in ((0, None), (1, 1), (2, 3)):
                ids = [f"cost-{number}-{one}" for one in range(10)]
                for camera_id in ids:
                    nursery.start_soon(load.send, cluster.nodes[number], camera_id, fps)
                await trio.sleep(1)
                if watched_at is not None:
                    nursery.start_soon(partial(load.watch, cluster.nodes[watched_at], ids, Seen(), acknowledges=True))
            # New processes are slower for a while.
            await trio.sleep(_SETTLE + seconds)
            for _ in range(rounds):
                costs.append(await _measure_cost(cluster, load, seconds))
                sys.stderr.write(f"{costs[-1]}\n")
            nursery.cancel_scope.cancel()
    median = Cost(*(statistics.median(values) for values in zip(*map(astuple, costs), strict=True)))
    sys.stdout.write(f"{median}\n")
    ratio = statistics.median(cost.link / cost.delivered for cost in costs)
    return [Aim("CPU time of a frame over a link, in local deliveries", ratio, _MOST_COST)]


async def _measure_cost(cluster: Cluster, load: Load, seconds: float) -> Cost:
    before, sent = [cluster.cpu_seconds(number) for number in range(5)], len(load.sent)
    await trio.sleep(seconds)
    # A third of the frames goes to each of the nodes that have cameras.
    frames = (len(load.sent) - sent) / 3
    alone, near, sending, receiving, idle = ((cluster.cpu_seconds(i) - before[i]) / frames for i in range(5))
    delivered = near - alone
    return Cost(alone - idle, delivered, sending - alone, receiving - idle - delivered)


async def check_all(seconds: float) -> list[Aim]:
    """Check everything."""
    aims = list[Aim]()
    with running_cluster(3) as cluster:
        aims += await check_frames(cluster, cameras=12, viewers=60, seconds=seconds)
        aims += await check_latency(cluster, seconds=seconds)
    aims += await check_traffic(viewers=100, cameras=100, seconds=seconds)
    aims += await check_cost(rounds=5, seconds=seconds / 2)
    aims += await check_alone(rounds=5, seconds=seconds / 2)
    return aims


def main() -> None:
    """Check, print each figure, and say by the exit status whether all aims are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.links", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    aims = trio.run(check_all, parser.parse_args().seconds)
    for aim in aims:
        sys.stdout.write(f"{aim}\n")
    sys.exit(not all(aim.is_met for aim in aims))


if __name__ == "__main__":
    main()
