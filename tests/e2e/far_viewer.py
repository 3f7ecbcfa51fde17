"""A viewer as a program of its own: it watches for a while and prints how old each frame was when it came.

``python far_viewer.py HOST:PORT SECONDS`` acknowledges each frame, and prints a JSON object: ``frames``, for each
camera a list of ``[seconds since the start, age in seconds, bytes]``, and ``told``, the ages that the server says it
sees them at, each as ``[camera, seconds since the start, frames, age in seconds]``.
"""

from __future__ import annotations

import json
import sys
import time

from websockets.sync.client import connect


def main() -> None:
    """Watch, and print what came."""
    address, seconds = sys.argv[1], float(sys.argv[2])
    seen: dict[str, list[tuple[float, float, int]]] = {}
    told: list[tuple[str, float, int, float]] = []
    # Without compression, and with no queue of its own.
    with connect(f"ws://{address}/stream/ws", compression=None, max_queue=1, close_timeout=1) as server:
        start = time.monotonic()
        while (left := start + seconds - time.monotonic()) > 0:
            try:
                message = server.recv(left)
            except TimeoutError:
                break
            if isinstance(message, str):
                words = json.loads(message)
                at = time.monotonic() - start
                cameras = words["cameras"] if words["type"] == "latency" else ()
                told += [(one["clientId"], at, one["frames"], one["total"] / 1000) for one in cameras]
                continue
            now = time.time()
            end = 2 + int.from_bytes(message[:2], "big")
            header = json.loads(message[2:end])
            words = {"type": "ack", "clientId": header["clientId"], "sequence": header["sequence"]}
            server.send(json.dumps({**words, "paintedAt": now * 1000}))
            age = now - header["capturedAt"] / 1000
            seen.setdefault(header["clientId"], []).append((time.monotonic() - start, age, len(message)))
    sys.stdout.write(json.dumps({"frames": seen, "told": told}))


main()
