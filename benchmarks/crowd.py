"""A crowd of cameras and viewers that connect all at once, with little CPU time of this process."""

from __future__ import annotations

import json
import random
import select
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from attrs import define, field, frozen

from benchmarks.client import client_frame

_TEXT = 1
_PATIENCE = 60.0
_LAST_CEILING = 4.0
"""Seconds that a client waits at most before a further attempt."""
_AT_ONCE = 256
"""Connections that are opened before answers are read."""


@frozen
class Client:
    """What one client sends, and the answers that it waits for before it sends the next part."""

    steps: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    """Each part to send, and the text that its answer contains."""

    @classmethod
    def camera(cls, camera_id: str, key: str | None) -> Client:
        """Return a camera that registers."""
        registration = {"type": "client-registration", "clientId": camera_id}
        if key is not None:
            registration["token"] = key
        message = client_frame(_TEXT, json.dumps(registration).encode())
        return cls(((_handshake("/ws", None), b"\r\n\r\n"), (message, b"registration-success")))

    @classmethod
    def viewer(cls, camera_id: str, key: str | None) -> Client:
        """Return a viewer of one camera, which waits for the list of its cameras."""
        return cls(((_handshake(f"/stream/ws?client={camera_id}", key), b'"clients"'),))


def _handshake(target: str, key: str | None) -> bytes:
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


@define(eq=False)
class _Attempt:
    client: Client
    ceiling: float = 0.5
    """The longest time to wait before the next attempt, in seconds."""
    due: float = 0.0
    """When to begin, in seconds of the monotonic clock."""
    step: int = 0
    received: bytes = b""


@contextmanager
def connected(port: int, clients: Iterable[Client]) -> Iterator[float]:
    """Connect all clients at once, and keep them connected as long as the context lasts.

    Yields:
        The seconds until the last client was served.

    Raises:
        RuntimeError: some clients are not served within a minute.
    """
    crowd = _Crowd(port)
    try:
        yield crowd.connect([_Attempt(client) for client in clients])
    finally:
        crowd.close()


class _Crowd:
    def __init__(self, port: int) -> None:
        self._port = port
        self._poller = select.epoll()
        self._open: dict[int, tuple[socket.socket, _Attempt]] = {}
        self._served: list[socket.socket] = []

    def connect(self, attempts: Sequence[_Attempt]) -> float:
        """Serve all attempts to the end; return the seconds that this took."""
        began, waiting = time.monotonic(), list(attempts)
        while len(self._served) < len(attempts):
            now = time.monotonic()
            if now > began + _PATIENCE:
                missing = len(attempts) - len(self._served)
                raise RuntimeError(f"{missing} of {len(attempts)} clients are not served after {_PATIENCE:g} s")
            due = [attempt for attempt in waiting if attempt.due <= now][:_AT_ONCE]
            waiting = [attempt for attempt in waiting if attempt not in due]
            waiting += [attempt for attempt in due if not self._begin(attempt)]
            for descriptor, _events in self._poller.poll(0.0 if due else 0.05):
                connection, attempt = self._open[descriptor]
                if not self._go_on(connection, attempt):
                    waiting.append(attempt)
        return time.monotonic() - began

    def close(self) -> None:
        """Close all connections."""
        for connection in [*self._served, *(connection for connection, _ in self._open.values())]:
            connection.close()
        self._poller.close()

    def _begin(self, attempt: _Attempt) -> bool:
        """Connect and send the first part; return False if the client has to try again later."""
        attempt.step, attempt.received = 0, b""
        try:
            # On loopback this does not wait for the server.
            connection = socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE)
            connection.sendall(attempt.client.steps[0][0])
        except OSError:
            _postpone(attempt)
            return False
        connection.settimeout(0)
        self._open[connection.fileno()] = connection, attempt
        self._poller.register(connection.fileno(), select.EPOLLIN)
        return True

    def _go_on(self, connection: socket.socket, attempt: _Attempt) -> bool:
        """Read what has come, and send the next part; return False if the client has to try again later."""
        try:
            data = connection.recv(65536)
            attempt.received += data
            if data and attempt.client.steps[attempt.step][1] not in attempt.received:
                return True
            attempt.step, attempt.received = attempt.step + 1, b""
            is_served = bool(data) and attempt.step == len(attempt.client.steps)
            if data and not is_served:
                connection.sendall(attempt.client.steps[attempt.step][0])
                return True
        except OSError:
            is_served = False
        self._poller.unregister(connection.fileno())
        del self._open[connection.fileno()]
        if is_served:
            self._served.append(connection)
            return True
        connection.close()
        _postpone(attempt)
        return False


def _postpone(attempt: _Attempt) -> None:
    # As the protocol asks of clients: a random time, up to a ceiling that grows.
    attempt.due = time.monotonic() + random.uniform(0, attempt.ceiling)  # noqa: S311  (no secret)
    attempt.ceiling = min(2 * attempt.ceiling, _LAST_CEILING)
