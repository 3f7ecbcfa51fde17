"""Run several servers as one, and check what goes between them: ``python -m benchmarks.links [--seconds N]``.

Needs redis-server and haproxy (Debian's packages). Prints a table, and ends with status 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from array import array
from collections import defaultdict
from contextlib import ExitStack
from functools import partial

import trio
from attrs import astuple, define, frozen

from benchmarks.checked_frames import FPS, FRAME_SIZE, Load, Seen
from benchmarks.linked_servers import Cluster, add_server_alone, running_cluster

_PATIENCE = 30.0
_SETTLE = 2.0
_LEAST_SHARE = 0.98
_MOST_DELAY = 0.015
_MOST_DIFFERENCE = 0.05
_MOST_IDLE = 0.01
_MOST_TO_ENGINE = 2000.0
_MOST_COST = 2.5
_MOST_ALONE = 1.02


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
        add_server_alone(stack, cluster)
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
