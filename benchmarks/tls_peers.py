"""The relays that are compared with TLS: ours with and without TLS, picows, aiohttp, and nginx in front of ours."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from benchmarks.client import wait_for_port
from benchmarks.server import Server, running

PATIENCE = 10.0
SERVE = ("-m", "skysentry_trio", "serve", "--port", "0", "--log-level", "info", "--ping-interval", "5m")
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
"""Returns the CPU time of a relay so far, in seconds."""


class Peers:
    """Starts the relays that are compared; each start gives a port and a function that returns the CPU time so far."""

    def __init__(self, folder: Path, processors: frozenset[int], *names: str) -> None:
        self._folder, self._processors = folder, processors
        self.authority = trustme.CA()
        issued = self.authority.issue_cert("127.0.0.1", *names)
        self._cert, self._key = folder / "cert.pem", folder / "key.pem"
        self._cert.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        self._key.write_bytes(issued.private_key_pem.bytes())

    @property
    def tls_flags(self) -> tuple[str, ...]:
        """Flags of our server for TLS."""
        return ("--tls-cert", str(self._cert), "--tls-key", str(self._key))

    def trust(self) -> ssl.SSLContext:
        """Return what a client needs to trust the certificate."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    @contextmanager
    def start(self, name: str, *flags: str) -> Iterator[tuple[int, Cpu]]:
        """Run a relay: ``plain``, ``ours``, ``picows``, ``aiohttp`` or ``nginx``.

        Args:
            name: of the relay; ``plain`` is our server without TLS.
            flags: for our server.
        """
        arguments = (*SERVE, *flags) if name in {"plain", "nginx"} else (*SERVE, *self.tls_flags, *flags)
        if name in {"picows", "aiohttp"}:
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
            wait_for_port(port, PATIENCE)
            yield port, Server(process.pid, port).cpu_seconds
        finally:
            process.kill()
            process.wait()


def open_websocket(port: int, path: str, context: ssl.SSLContext | None) -> socket.socket:
    """Open a WebSocket to a relay on loopback, with TLS if there is a context; return the socket."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
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
