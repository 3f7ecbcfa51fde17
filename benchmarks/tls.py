"""Compare what a delivery costs with TLS and without: ``python -m benchmarks.tls [--viewers N] [--rounds N]``.

One camera sends frames of 50 kB to many viewers. A viewer shakes hands, and then discards the ciphertext unread, so
that the load needs little CPU time. The relays alternate. With nginx, the CPU time of nginx and of our server is added.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trustme

from benchmarks.client import client_frame
from benchmarks.picture import make_jpeg
from benchmarks.server import Server, running

FRAME_SIZE = 50_000
FPS = 30
_WARM_UP = 1.0
_BINARY, _TEXT = 2, 1
_PATIENCE = 10.0
_SERVE = ("-m", "skysentry_trio", "serve", "--port", "0", "--log-level", "info", "--ping-interval", "5m")
_NGINX = """\
daemon off; master_process off; error_log stderr; pid {folder}/pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096; ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{
      proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_buffering off;
    }}
  }}
}}
"""

Cpu = Callable[[], float]


class Peers:
    """Starts the relays that are compared; each start gives a port and a function that returns the CPU time so far."""

    def __init__(self, folder: Path, processors: frozenset[int]) -> None:
        self._folder, self._processors = folder, processors
        self.authority = trustme.CA()
        issued = self.authority.issue_cert("127.0.0.1")
        self._cert, self._key = folder / "cert.pem", folder / "key.pem"
        self._cert.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        self._key.write_bytes(issued.private_key_pem.bytes())

    @contextmanager
    def start(self, name: str) -> Iterator[tuple[int, Cpu]]:
        """Run a relay: ``plain``, ``ours``, ``picows``, ``aiohttp`` or ``nginx``."""
        tls = ("--tls-cert", str(self._cert), "--tls-key", str(self._key))
        arguments: tuple[str, ...] = (*_SERVE, *tls)
        if name in {"plain", "nginx"}:
            arguments = _SERVE
        elif name != "ours":
            arguments = ("-m", f"benchmarks.peers.with_{name}", str(self._cert), str(self._key))
        with running(arguments, self._processors) as server:
            if name != "nginx":
                yield server.port, server.cpu_seconds
                return
            with self._nginx(server.port) as (port, cpu):
                yield port, lambda: server.cpu_seconds() + cpu()

    @contextmanager
    def _nginx(self, upstream: int) -> Iterator[tuple[int, Cpu]]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = self._folder / "nginx.conf"
        config.write_text(
            _NGINX.format(folder=self._folder, port=port, cert=self._cert, key=self._key, upstream=upstream)
        )
        process = subprocess.Popen(  # noqa: S603
            ["/usr/sbin/nginx", "-p", str(self._folder), "-c", str(config)], stderr=subprocess.DEVNULL
        )
        os.sched_setaffinity(process.pid, self._processors)
        try:
            _wait_for_port(port)
            yield port, Server(process.pid, port).cpu_seconds
        finally:
            process.kill()
            process.wait()


def main() -> None:
    """Measure, and print the median of each relay and its ratio to our server without TLS."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tls", description=__doc__)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    names = ["plain", "ours", "picows", "aiohttp", *(["nginx"] if Path("/usr/sbin/nginx").exists() else [])]
    cpus = sorted(os.sched_getaffinity(0))
    results: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        # The servers get the first processor, and the load the others.
        peers = Peers(Path(folder), frozenset(cpus[:1]))
        os.sched_setaffinity(0, cpus[1:] or cpus)
        for _ in range(options.rounds):
            for name in names:
                with peers.start(name) as (port, cpu):
                    trust = None if name == "plain" else peers.authority
                    results[name].append(measure(port, cpu, trust, options.viewers, options.seconds))
                    sys.stderr.write(f"{name}: {results[name][-1]:.1f} µs\n")
    plain = statistics.median(results["plain"])
    for name, figures in results.items():
        middle = statistics.median(figures)
        sys.stdout.write(f"{name:<8} {middle:6.1f} µs per delivered frame, {middle / plain:.2f} times plain\n")


def measure(port: int, cpu: Cpu, authority: trustme.CA | None, viewers: int, seconds: float) -> float:
    """Return the CPU time of the server for each delivered frame, in microseconds."""
    context = None
    if authority is not None:
        context = ssl.create_default_context()
        authority.configure_trust(context)
    with ExitStack() as stack:
        camera = stack.enter_context(_open(port, "/ws", context))
        camera.sendall(client_frame(_TEXT, json.dumps({"type": "client-registration", "clientId": "c"}).encode()))
        camera.recv(4096)
        poller = select.epoll()
        sockets = {}
        for _ in range(viewers):
            viewer = stack.enter_context(_open(port, "/stream/ws", context))
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


def _open(port: int, path: str, context: ssl.SSLContext | None) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    if context is not None:
        connection = context.wrap_socket(connection, server_hostname="127.0.0.1")
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = connection.recv(4096)
    if b" 101 " not in answer:
        raise ConnectionError(f"expected status 101 on {path}, got {answer[:100]!r}")
    return connection


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    main()
