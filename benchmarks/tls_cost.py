"""What a delivery costs with TLS.

One camera sends frames of 50 kB to many viewers. A viewer shakes hands, and then discards the ciphertext unread, so
that the load needs little CPU time. The relays alternate. With nginx, the CPU time of nginx and of our server is added.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.aims import Measured
from benchmarks.client import client_frame
from benchmarks.picture import make_jpeg
from benchmarks.tls_peers import Cpu, Peers, open_websocket

FRAME_SIZE = 50_000
FPS = 30
_WARM_UP = 1.0
_TITLES = {
    "plain": "without TLS",
    "ours": "with TLS",
    "picows": "picows with TLS",
    "aiohttp": "aiohttp with TLS",
    "nginx": "nginx with TLS in front of this server, both together",
}
_BINARY, _TEXT = 2, 1


def compare(peers: Peers, rounds: int, viewers: int, seconds: float) -> Iterator[Measured]:
    """Yield the CPU time of each relay, and the ratios."""
    names = ["plain", "ours", "picows", "aiohttp", *(["nginx"] if Path("/usr/sbin/nginx").exists() else [])]
    results: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            with peers.start(name) as (port, cpu):
                context = None if name == "plain" else _like_a_browser(peers.trust())
                results[name].append(measure(port, cpu, context, viewers, seconds))
            sys.stderr.write(f"{name}: {results[name][-1]:.1f} µs\n")
    middle = {name: statistics.median(figures) for name, figures in results.items()}
    for name, figure in middle.items():
        yield Measured(f"CPU per delivered frame, {_TITLES[name]}, µs", figure)
    yield Measured("CPU per delivered frame, TLS to plain", middle["ours"] / middle["plain"], 2.2)
    yield Measured("CPU per delivered frame, to picows with TLS", middle["ours"] / middle["picows"], 1.15)
    if "nginx" in middle:
        yield Measured("CPU per delivered frame, to nginx in front of us", middle["ours"] / middle["nginx"], 1.0)


def _like_a_browser(context: ssl.SSLContext) -> ssl.SSLContext:
    """Ask for AES-128 first, as browsers do on processors with instructions for AES.

    Python can order only the ciphers of TLS 1.2. A record costs the same there as in TLS 1.3.
    """
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AES128:ECDHE+AESGCM:ECDHE+CHACHA20")
    return context


def measure(port: int, cpu: Cpu, context: ssl.SSLContext | None, viewers: int, seconds: float) -> float:
    """Return the CPU time of the server for each delivered frame, in microseconds."""
    with ExitStack() as stack:
        camera = stack.enter_context(open_websocket(port, "/ws", context))
        camera.sendall(client_frame(_TEXT, json.dumps({"type": "client-registration", "clientId": "c"}).encode()))
        camera.recv(4096)
        poller = select.epoll()
        sockets = {}
        for _ in range(viewers):
            viewer = stack.enter_context(open_websocket(port, "/stream/ws", context))
            # From now on, the ciphertext is only counted.
            raw = stack.enter_context(socket.socket(fileno=viewer.detach()))
            raw.settimeout(0)
            sockets[raw.fileno()] = raw
            poller.register(raw.fileno(), select.EPOLLIN)
        frame = client_frame(_BINARY, make_jpeg(FRAME_SIZE))
        scratch = bytearray(1 << 20)
        received, began, measured_from, due = 0, 0.0, time.monotonic() + _WARM_UP, time.monotonic()
        while time.monotonic() < measured_from + seconds:
            if not began and time.monotonic() >= measured_from:
                received, began = 0, cpu()
            if time.monotonic() >= due:
                camera.sendall(frame)
                due += 1 / FPS
            for descriptor, _events in poller.poll(max(0.0, due - time.monotonic())):
                # With MSG_TRUNC, the kernel drops the bytes instead of copying them.
                received += sockets[descriptor].recv_into(scratch, len(scratch), socket.MSG_TRUNC)
        return (cpu() - began) / (received / FRAME_SIZE) * 1e6
