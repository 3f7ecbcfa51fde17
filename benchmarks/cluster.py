"""How a cluster behaves when something breaks: ``python -m benchmarks.cluster``; about four minutes.

It prints a table of what was measured and what is aimed at, and exits with status 1 if an aim is missed. It needs
redis-server and HAProxy, a machine that has nothing else to do, and root to cut the engine off. ``--quick`` waits less.
"""

from __future__ import annotations

import argparse
import logging
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import trio
import trio.testing
from attrs import define, field, frozen
from tests.e2e.cluster import (
    Cluster,
    LoadCamera,
    LoadViewer,
    NodeProcess,
    all_get_new_frames,
    running_cluster,
    running_load,
    until,
)
from tests.e2e.processes import running
from tests.ports import free_port
from tests.raw_peer import Address
from tests.server.cluster.redis_process import running_redis
from tests.server.cluster.simulated import simulate

from benchmarks.far_host import FarHost, can_have_far_host, far_host
from benchmarks.server import Server

_FPS = 15.0
_LOCAL = 10
"""Cameras at one server, for the latency there."""


@define(eq=False)
class Table:
    """What was measured, and what is aimed at."""

    missed: int = 0
    lines: list[str] = field(factory=list)

    def add(self, what: str, value: float, most: float, unit: str = "s") -> None:
        """Print one line; ``most`` is the aim."""
        is_met = value <= most
        self.missed += not is_met
        shown = f"{what:<74} {value:>9.2f} {unit:<4} aim {most:g} {'' if is_met else '  MISSED'}"
        sys.stdout.write(f"{shown.rstrip()}\n")
        sys.stdout.flush()


def _problems(viewers: list[LoadViewer]) -> int:
    return sum(len(viewer.wrong) for viewer in viewers)


def _spread(cluster: Cluster, name: str, count: int) -> tuple[list[LoadCamera], list[LoadViewer]]:
    ids = [f"{name}-{number}" for number in range(count)]
    cameras = [LoadCamera(camera_id, cluster.balancer, _FPS) for camera_id in ids]
    return cameras, [LoadViewer(camera_id, cluster.balancer) for camera_id in (*ids, *ids)]


async def kill_a_node(cluster: Cluster, table: Table) -> None:
    """Kill a node with its cameras and viewers."""
    cameras, viewers = _spread(cluster, "killed", 6)
    async with running_load(cameras, viewers):
        await trio.sleep(2)
        begun = trio.current_time()
        await trio.to_thread.run_sync(cluster.nodes[0].kill)
        await all_get_new_frames(viewers)
        table.add("node killed: longest time without a new frame", _gap(viewers, begun - 0.5), 3.0)
    table.add("node killed: older frames shown", _problems(viewers), 0, "")
    await trio.to_thread.run_sync(cluster.start_all)


async def freeze_a_node(cluster: Cluster, table: Table) -> None:
    """Freeze a node for ten seconds while its camera connects elsewhere."""
    frozen, other, third = cluster.nodes
    old = LoadCamera("frozen", frozen.address, _FPS)
    viewers = [LoadViewer("frozen", node.address, patience=60.0) for node in (frozen, other, third)]
    async with running_load([], viewers, once=[old]) as nursery:
        frozen.send(signal.SIGSTOP)
        await trio.sleep(6)
        new = LoadCamera("frozen", other.address, _FPS, sent=old.sent + 10_000)
        nursery.start_soon(new.run)
        await trio.sleep(4)
        begun = trio.current_time()
        frozen.send(signal.SIGCONT)
        await until(lambda: old.replaced == 1 and viewers[0].last > 10_000)
        table.add("node frozen for 10 s: until its session has ended", trio.current_time() - begun, 3.0)
    table.add("node frozen for 10 s: older frames shown", _problems(viewers), 0, "")


async def lose_the_engine(cluster: Cluster, table: Table, host: FarHost | None, seconds: float, kills: int) -> None:
    """Freeze the engine, stop it, start it again empty, cut it off, and kill it many times.

    A server without a cluster has the load of one node at the same time: what else the machine does makes both late.
    """
    redis, nodes = cluster.redis, cluster.nodes
    camera = LoadCamera("engine", nodes[0].address, _FPS)
    viewers = [LoadViewer("engine", node.address) for node in nodes for _ in range(2)]

    async def go_without(what: str, begin: Callable[[], None], end: Callable[[], None]) -> None:
        begun = trio.current_time()
        await trio.to_thread.run_sync(begin)
        await _all_have(cluster, "degraded")
        table.add(f"{what}: until health says degraded", trio.current_time() - begun, 3.0)
        await trio.sleep(max(0.0, seconds - (trio.current_time() - begun)))
        await trio.to_thread.run_sync(end)
        begun = trio.current_time()
        await _all_have(cluster, "healthy")
        table.add(f"{what}: until all nodes have joined again", trio.current_time() - begun, 2.0)

    with _running_alone() as alone:
        here, there = _Local.at(nodes[0].address), _Local.at(alone)
        # The node sends the frames of this camera to two viewers and to two nodes.
        same = LoadCamera("engine", alone, _FPS), [LoadViewer("engine", alone) for _ in range(4)]
        cameras = [camera, *here.cameras, *there.cameras, same[0]]
        async with running_load(cameras, [*viewers, *here.viewers, *there.viewers, *same[1]]):
            await trio.sleep(2)
            begun, before = trio.current_time(), _memory_of(nodes)
            await go_without(f"engine frozen for {seconds:g} s", redis.freeze, redis.thaw)
            await go_without(f"engine stopped for {seconds:g} s, empty", redis.kill, redis.start)
            if host is not None:
                await go_without(f"engine cut off for {seconds:g} s", host.cut, host.mend)
            for _ in range(kills):
                await trio.to_thread.run_sync(redis.kill)
                await trio.sleep(0.2)
                await trio.to_thread.run_sync(redis.start)
                await trio.sleep(0.3)
            last = trio.current_time()
            await _all_have(cluster, "healthy")
            table.add(
                f"engine killed {kills} times: until all nodes have joined again", trio.current_time() - last, 2.0
            )
            missing = sum(viewer.missing() for viewer in (*viewers, *here.viewers))
            growth = max(after / size for after, size in zip(_memory_of(nodes), before, strict=True))
            ratio = here.p99(begun) / there.p99(begun)
    table.add("engine lost: frames that viewers of these connections missed", missing, 0, "")
    again = sum(viewer.connections - 1 for viewer in (*viewers, *here.viewers))
    table.add("engine lost: viewers that had to connect again", again, 0, "")
    table.add("engine lost: p99 of the latency at a node, to a server without a cluster", ratio, 1.1, "")
    table.add("engine lost: memory of a node afterwards, to before", growth, 1.1, "")


@frozen
class _Local:
    """Cameras and viewers at the same server."""

    cameras: list[LoadCamera]
    viewers: list[LoadViewer]

    @classmethod
    def at(cls, address: Address) -> _Local:
        ids = [f"local-{number}" for number in range(_LOCAL)]
        return cls([LoadCamera(one, address, _FPS) for one in ids], [LoadViewer(one, address) for one in ids])

    def p99(self, since: float) -> float:
        """Return the 99th percentile of the latencies in seconds."""
        latencies = [
            when - camera.sent_at[number]
            for camera, viewer in zip(self.cameras, self.viewers, strict=True)
            for when, _, number in viewer.got
            if when >= since
        ]
        return statistics.quantiles(latencies, n=100)[98]


@contextmanager
def _running_alone() -> Iterator[Address]:
    port = free_port()
    with running("serve", "--port", str(port), "--open") as program:
        program.wait_for_line(rf"127\.0\.0\.1:{port}")
        yield Address("127.0.0.1", port)


def _memory_of(nodes: list[NodeProcess]) -> list[int]:
    return [Server(node.program.process.pid, node.port).resident_bytes() for node in nodes if node.program is not None]


async def restart_all(cluster: Cluster, table: Table) -> None:
    """Restart the nodes one after the other."""
    cameras, viewers = _spread(cluster, "restarted", 6)
    async with running_load(cameras, viewers):
        await trio.sleep(1)
        begun = trio.current_time()
        for node in cluster.nodes:
            await trio.to_thread.run_sync(node.end)
            node.start()
            await trio.to_thread.run_sync(node.wait)
            await all_get_new_frames(viewers)
            await trio.sleep(1)
        table.add("rolling restart: longest time without a new frame", _gap(viewers, begun), 1.0)
    table.add("rolling restart: older frames shown", _problems(viewers), 0, "")


async def compete(cluster: Cluster, table: Table, rounds: int) -> None:
    """Let two cameras with one id connect to two nodes at the same time."""
    undecided = 0
    for number in range(rounds):
        rivals = [LoadCamera(f"rival-{number}", node.address, _FPS) for node in cluster.nodes[:2]]
        async with trio.open_nursery() as nursery:
            for rival in rivals:
                nursery.start_soon(rival.compete)
            with trio.move_on_after(5):
                await until(partial(_has_loser, rivals))
            await trio.sleep(0.2)
            undecided += sum(rival.replaced for rival in rivals) != 1
            nursery.cancel_scope.cancel()
    table.add(f"two cameras with one id, {rounds} rounds: not exactly one was live", undecided, 0, "")


def _has_loser(rivals: list[LoadCamera]) -> bool:
    return any(rival.replaced for rival in rivals)


async def measure_traffic(cluster: Cluster, table: Table, seconds: float) -> None:
    """Measure what a node and the engine say to each other, with a hundred cameras at one node."""
    cameras = [LoadCamera(f"idle-{number}", cluster.nodes[0].address, 1.0) for number in range(100)]
    async with running_load(cameras, []):
        await until(lambda: all(camera.connections for camera in cameras))
        await trio.sleep(2)
        before = await _bytes_of(cluster)
        await trio.sleep(seconds)
        rate = (await _bytes_of(cluster) - before) / seconds / len(cluster.nodes)
    table.add("traffic of a node to the engine, 100 cameras, both directions", rate / 1000, 2.0, "kB/s")


async def _bytes_of(cluster: Cluster) -> int:
    async with await trio.open_tcp_stream(cluster.redis.host, cluster.redis.port) as stream:
        await stream.send_all(b"INFO stats\r\n")
        text = b""
        while b"total_net_output_bytes" not in text or not text.endswith(b"\r\n"):
            text += await stream.receive_some()
    lines = dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
    return int(lines["total_net_input_bytes"]) + int(lines["total_net_output_bytes"])


async def _all_have(cluster: Cluster, status: str) -> None:
    for node in cluster.nodes:
        await node.address.wait_until_healthy(lambda health: health["status"] == status)


def _gap(viewers: list[LoadViewer], since: float) -> float:
    return max(viewer.longest_gap(since) for viewer in viewers)


async def run(*, quick: bool) -> int:
    """Measure everything; return the number of aims that were missed."""
    table, host, run_engine = Table(), None, running_redis
    with ExitStack() as stack:
        if can_have_far_host():
            host = stack.enter_context(far_host("1gbit", 1_000_000))
            prefix = tuple(host.command())
            run_engine = partial(running_redis, prefix=prefix, host=host.address)
        else:
            sys.stdout.write("The engine is not cut off: that needs root and iproute2.\n")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(running_cluster(folder, run_engine=run_engine))
        await measure_traffic(cluster, table, 5 if quick else 20)
        await kill_a_node(cluster, table)
        await freeze_a_node(cluster, table)
        await lose_the_engine(cluster, table, host, 4 if quick else 10, 3 if quick else 20)
        await restart_all(cluster, table)
        await compete(cluster, table, 5 if quick else 50)
    return table.missed


def simulate_faults(count: int) -> int:
    """Break simulated clusters in virtual time; return the number of aims that were missed."""
    table, wrong = Table(), 0
    logging.disable(logging.WARNING)
    for seed in range(count):
        clock = trio.testing.MockClock(autojump_threshold=0)
        wrong += bool(trio.run(simulate, seed, clock=clock))
    logging.disable(logging.NOTSET)
    table.add(f"{count} simulated clusters with faults: wrong afterwards", wrong, 0, "")
    return table.missed


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="wait less, and repeat less")
    quick = parser.parse_args().quick
    missed = simulate_faults(30 if quick else 500) + trio.run(lambda: run(quick=quick))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
