"""Run several servers that an engine connects, with a balancer in front; needs redis-server and HAProxy."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import define

from benchmarks.client import wait_for_port, wait_until_ready
from benchmarks.server import Server

_PATIENCE = 30.0
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


def add_server_alone(stack: ExitStack, cluster: Cluster) -> None:
    """Run a server that belongs to no cluster until the stack is closed, as the last one of ``cluster.nodes``."""
    port, state = _free_port(), Path(stack.enter_context(tempfile.TemporaryDirectory()))
    cluster.nodes.append(port)
    cluster.processes.append(_serve(stack, port, state))
    wait_until_ready(port, _PATIENCE)


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
