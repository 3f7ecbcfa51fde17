"""How old frames are behind a narrow link, for a viewer that does not acknowledge, with TLS and without.

A camera sends 12 Mbit/s. The viewer is in a network namespace, behind 4 Mbit/s and a queue of a second.
"""

from __future__ import annotations

import json
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.sync.client import connect

from benchmarks.aims import Measured
from benchmarks.client import client_frame
from benchmarks.far_host import FarHost
from benchmarks.picture import STAMP_OFFSET, STAMP_SIZE, encode_stamp, find_stamp, make_jpeg
from benchmarks.tls_peers import Peers, open_websocket

RATE, QUEUE = "4mbit", 500_000
_FRAME_SIZE = 50_000
_FPS = 30
_SETTLED = 3.0
"""Seconds after which the socket of a viewer has found its pace."""
_BINARY, _TEXT = 2, 1


def compare(peers: Peers, host: FarHost, folder: Path, rounds: int, seconds: float) -> Iterator[Measured]:
    """Yield the age of the frames with TLS and without, and the ratio."""
    trusted = folder / "authority.pem"
    peers.authority.cert_pem.write_to_path(trusted)
    ages: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(rounds):
        for name, found in ages.items():
            with peers.start(name, "--host", "0.0.0.0", "--open") as (port, _), _camera(port, peers, name):  # noqa: S104
                scheme = "ws" if name == "plain" else "wss"
                url = f"{scheme}://{host.our_address}:{port}/stream/ws"
                command = [sys.executable, "-m", "benchmarks.tls_age", url, str(trusted), str(_SETTLED + seconds)]
                done = subprocess.run(host.command(*command), capture_output=True, check=True, timeout=seconds + 60)  # noqa: S603
            found.extend(json.loads(done.stdout))
            sys.stderr.write(f"{name}: {statistics.median(found):.3f} s\n")
    for name, found in ages.items():
        late = statistics.quantiles(found, n=20)[-1]
        sys.stderr.write(f"{name:<8} {statistics.median(found):6.3f} s old, p95 {late:.3f} s\n")
    middle = {name: statistics.median(found) for name, found in ages.items()}
    yield Measured(f"age of frames behind {RATE}, without TLS, s", middle["plain"])
    yield Measured(f"age of frames behind {RATE}, with TLS, s", middle["ours"])
    yield Measured(f"age of frames behind {RATE}, TLS to plain", middle["ours"] / middle["plain"], 1.1)


@contextmanager
def _camera(port: int, peers: Peers, name: str) -> Iterator[None]:
    """Send frames with the time at which they were sent."""
    stop = threading.Event()

    def send() -> None:
        jpeg = bytearray(make_jpeg(_FRAME_SIZE))
        due, sequence = time.monotonic(), 0
        while not stop.wait(max(0.0, due - time.monotonic())):
            sequence += 1
            jpeg[STAMP_OFFSET : STAMP_OFFSET + STAMP_SIZE] = encode_stamp(time.monotonic_ns(), 0, sequence)
            connection.sendall(client_frame(_BINARY, bytes(jpeg)))
            due += 1 / _FPS

    with open_websocket(port, "/ws", None if name == "plain" else peers.trust()) as connection:
        registration = json.dumps({"type": "client-registration", "clientId": "camera"}).encode()
        connection.sendall(client_frame(_TEXT, registration))
        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def watch(url: str, trusted: str, seconds: float) -> list[float]:
    """Watch without acknowledging; return the age of each frame after the first seconds."""
    context = ssl.create_default_context(cafile=trusted) if url.startswith("wss:") else None
    ages: list[float] = []
    began = time.monotonic()
    # Without compression, and with no queue of its own.
    with connect(url, ssl=context, compression=None, max_queue=1, close_timeout=1) as server:
        while (left := began + seconds - time.monotonic()) > 0:
            try:
                message = server.recv(left)
            except TimeoutError:
                break
            if isinstance(message, bytes) and time.monotonic() - began > _SETTLED:
                ages.append((time.monotonic_ns() - find_stamp(message)[0]) / 1e9)
    return ages


if __name__ == "__main__":
    sys.stdout.write(json.dumps(watch(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
