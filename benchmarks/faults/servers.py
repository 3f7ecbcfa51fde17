"""Start the server of any environment, load it with many cameras, and observe how long another peer must wait."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from socket import socket

from attrs import frozen

from benchmarks.client import client_frame, open_websocket
from benchmarks.server import Server

TEXT, BINARY = 1, 2
_URL = re.compile(rb"http://127\.0\.0\.1:(\d+)")
# Below the rate at which the server disconnects a peer.
_PROBE_INTERVAL = 0.022
_CLOCK = client_frame(TEXT, json.dumps({"type": "clock", "sentAt": 0}).encode())


def parse_arguments(description: str | None, **defaults: int) -> argparse.Namespace:
    """Return the options of the command line: ``--python``, and one for each default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environment with the server")
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    return parser.parse_args()


@contextmanager
def serving(python: str, *flags: str) -> Iterator[Server]:
    """Run ``python -m skysentry_trio serve --port 0`` with more flags until the context ends."""
    # Relative paths would be those of another directory, and PYTHONPATH might hide the installed server.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(  # noqa: S603  (our own server)
        [os.path.abspath(python), "-m", "skysentry_trio", "serve", "--port", "0", "--log-level", "info", *flags],  # noqa: PTH100  (keeps links)
        cwd="/",
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        if process.stderr is None:
            raise RuntimeError("the server has no standard error")
        for line in process.stderr:
            if found := _URL.search(line):
                break
        else:
            raise RuntimeError(f"the server of {python} did not start")
        drain = multiprocessing.get_context("fork").Process(target=_drain, args=(process.stderr.fileno(),), daemon=True)
        drain.start()
        yield Server(process.pid, int(found[1]))
    finally:
        process.kill()
        process.wait()


def _drain(descriptor: int) -> None:
    while os.read(descriptor, 65536):
        pass


def register(port: int, camera_id: str, *frames: bytes) -> socket:
    """Connect a camera, send frames, and return the connection."""
    connection, received = open_websocket(port, "/ws")
    message = json.dumps({"type": "client-registration", "clientId": camera_id}).encode()
    connection.sendall(client_frame(TEXT, message) + b"".join(client_frame(BINARY, frame) for frame in frames))
    while b"registration-success" not in received:
        more = connection.recv(4096)
        if not more:
            raise ConnectionError(f"camera {camera_id} was not registered, the server sent {received!r}")
        received += more
    return connection


def make_known(port: int, count: int, *frames: bytes) -> None:
    """Let the server meet many cameras, each of which sends frames and leaves."""
    for number in range(count):
        register(port, f"camera-{number}", *frames).close()


@frozen
class Waits:
    """How long the server let a peer wait for a short answer, in milliseconds."""

    longest: float
    p99: float


@contextmanager
def observing(port: int) -> Iterator[list[Waits]]:
    """Ask the server for its clock all the time; after the context, the list has the waits."""
    result: list[Waits] = []
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_ask, args=(port, there), daemon=True)
    process.start()
    here.recv()
    try:
        yield result
    finally:
        here.send(None)
        result.append(_summarize(here.recv()))
        process.join()


def _ask(port: int, connection: Connection) -> None:
    peer = register(port, "observer")
    connection.send(None)
    waits = list[float]()
    while not connection.poll():
        began = time.perf_counter()
        peer.sendall(_CLOCK)
        peer.recv(65536)
        waits.append(time.perf_counter() - began)
        time.sleep(_PROBE_INTERVAL)
    connection.send(waits)


def _summarize(waits: Iterable[float]) -> Waits:
    ordered = sorted(waits)
    return Waits(1000 * ordered[-1], 1000 * ordered[int(0.99 * (len(ordered) - 1))])
