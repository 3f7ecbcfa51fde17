"""What the browser tests need around a page: a server to kill, a proxy to pull wires on, cameras to look at."""

from __future__ import annotations

import itertools
import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cache
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from skysentry_trio.sources.drawing import DUSK, MORNING, NIGHT, Look, Pattern
from tests.e2e.loaded_server import start_server
from tests.e2e.processes import PATIENCE
from tests.e2e.several_nodes import count_nodes, serve_program
from tests.ports import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page

T = TypeVar("T")
ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "src"
WINDOWED_CHROMIUM: Final = Path("/usr/bin/chromium")
"""Chromium as people have it, which shows pages of its own, such as a warning of a certificate."""
_HEADLESS_SHELL: Final = Path("/usr/bin/chromium-headless-shell")
CHROMIUM: Final = _HEADLESS_SHELL if _HEADLESS_SHELL.exists() else WINDOWED_CHROMIUM
"""Chromium without windows, which takes half as much CPU time; where it is not installed, the one with windows."""
CHROMIUM_FLAGS: Final = (
    # A container has no user namespaces for the sandbox, nor a graphics card.
    "--no-sandbox",
    "--disable-gpu",
    # A machine without a way out: Chromium would ask for its own hosts all the time.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def wait_until(done: Callable[[], object], what: str, patience: float = PATIENCE) -> float:
    """Ask ``done`` until it says so; return how long that took in seconds.

    Args:
        done: what is asked.
        what: that is waited for, for people.
        patience: seconds; a test that measures how long something takes has its own.

    Raises:
        AssertionError: it did not within ``patience``.
    """
    started = time.monotonic()
    while not done():
        waited = time.monotonic() - started
        assert waited < patience, f"not within {patience:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - started


def silent_for(server: Server, camera_id: str) -> float:
    """Return the seconds since a camera's newest frame came; 0 without one."""
    details = server.camera(camera_id)
    newest = details and details["latestTimestamp"]
    return 0.0 if not newest else time.time() - datetime.fromisoformat(newest).timestamp()


def wait_for_frames(server: Server, camera_id: str, count: int) -> None:
    """Wait until the server has taken this many more frames of a camera, which takes their time and no more."""

    def taken() -> int:
        details = server.camera(camera_id)
        return 0 if details is None else int(details["frameCount"])

    goal = taken() + count
    wait_until(lambda: taken() >= goal, f"{count} more frames of {camera_id}", patience=30 + count / 2)


class Server:
    """A server in a process of its own, which can be killed and started again on the same port."""

    def __init__(self, *arguments: str, source: Path = SOURCE) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._arguments = arguments
        self._source = source
        self._process: subprocess.Popen[bytes] | ForkServerProcess | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = ["serve", "--host", "127.0.0.1", "--port", str(self.port), *self._arguments]
        if count_nodes() == 1 and self._source == SOURCE:
            self._process = start_server(arguments)
        else:
            environment = {**os.environ, "PYTHONPATH": str(self._source)}
            # A killed process cannot save its coverage, and measuring the coverage makes it slow.
            environment.pop("COVERAGE_PROCESS_CONFIG", None)
            self._process = subprocess.Popen([sys.executable, *serve_program(), *arguments], env=environment)
        wait_until(self.answers, "the server answers")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            if isinstance(self._process, subprocess.Popen):
                self._process.wait(timeout=10)
            else:
                self._process.join(timeout=10)
            self._process = None

    def answers(self) -> bool:
        """Tell whether it is healthy."""
        try:
            return bool(self.get_json("/api/clients")["success"])
        except OSError:
            return False

    def get_json(self, path: str) -> dict[str, Any]:
        """Return the answer to a GET of ``path``."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def camera(self, camera_id: str) -> dict[str, Any] | None:
        """Return what the server knows of a camera."""
        for details in self.get_json("/api/clients")["details"]:
            if details["clientId"] == camera_id:
                found: dict[str, Any] = details
                return found
        return None


class Proxy:
    """A TCP proxy before a server that can add a path prefix, change the Host, and refuse the viewers' WebSocket."""

    def __init__(self, server: Server, prefix: str = "", host: str = "") -> None:
        self.blocked = False
        self.is_down = False
        """Whether it lets nothing through, as if the server could not be reached."""
        self._host = host.encode()
        self._target = ("127.0.0.1", server.port)
        self._prefix = prefix.encode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._listener.getsockname()[1]}{prefix}"
        self._viewers: set[socket.socket] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def block(self) -> None:
        """Cut the viewers' WebSockets and let no new ones through."""
        self.blocked = True
        for viewer in list(self._viewers):
            viewer.shutdown(socket.SHUT_RDWR)

    def unblock(self) -> None:
        """Let WebSockets through again."""
        self.blocked = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            head = client.recv(65536)
            if self.is_down:
                return
            method, _, rest = head.partition(b" ")
            if not rest.startswith(self._prefix + b"/"):
                client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            # Only the first head is rewritten, so there must not be a second one on this connection.
            rest = rest.removeprefix(self._prefix).replace(b"Connection: keep-alive", b"Connection: close")
            if self._host:
                rest = re.sub(rb"(?i)\r\nHost: [^\r]*", b"\r\nHost: " + self._host, rest, count=1)
            viewer = rest.startswith(b"/stream/ws")
            if viewer and self.blocked:
                return
            try:
                with socket.create_connection(self._target) as server:
                    server.sendall(method + b" " + rest)
                    if viewer:
                        self._viewers.add(client)
                    pump(client, server)
            except OSError:
                return
            finally:
                self._viewers.discard(client)


def pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until either side ends."""
    peers = {one: other, other: one}
    while True:
        readable, _, _ = select.select(list(peers), [], [], 30)
        for source in readable:
            data = source.recv(1 << 16)
            if not data:
                return
            peers[source].sendall(data)


@cache
def moving_pictures(label: str, look: Look, count: int = 15, size: tuple[int, int] = (640, 360)) -> list[bytes]:
    """Return a second of the test pattern as JPEGs."""
    pattern = Pattern(label, *size, look=look)
    started = time.time()
    return [pattern.draw(index, started + index / count) for index in range(count)]


@contextmanager
def cameras(
    server: Server, names: Sequence[tuple[str, str]], fps: float, size: tuple[int, int] = (640, 360)
) -> Iterator[None]:
    """Have cameras of these ids and labels send moving pictures at ``fps`` from a thread."""
    over = threading.Event()
    looks = itertools.cycle([DUSK, MORNING, NIGHT])
    scenes = [moving_pictures(camera_id, next(looks), size=size) for camera_id, _ in names]

    def feed(connections: Sequence[ClientConnection]) -> None:
        due = time.monotonic()
        for turn in itertools.count():
            for connection, scene in zip(connections, scenes, strict=True):
                try:
                    connection.send(scene[turn % len(scene)])
                except ConnectionClosed:
                    return
            due += 1 / fps
            if over.wait(max(0.0, due - time.monotonic())):
                return

    with ExitStack() as stack:
        connections = [stack.enter_context(registered(server, *name)) for name in names]
        with feeding(feed, connections, over):
            yield


@contextmanager
def feeding(feed: Callable[[T], None], connections: T, over: threading.Event) -> Iterator[None]:
    """Run ``feed`` in a thread; it ends when ``over`` is set, which is done in the end."""
    feeder = threading.Thread(target=feed, args=(connections,), daemon=True)
    feeder.start()
    try:
        yield
    finally:
        over.set()
        feeder.join(timeout=5)


def link(page: Page) -> str:
    """Return how the page says it is connected, in its own key words."""
    return page.locator(".sky-link").get_attribute("data-link") or ""


@contextmanager
def registered(server: Server, camera_id: str, name: str | None = None) -> Iterator[ClientConnection]:
    """Give a capture connection on which ``camera_id`` is registered."""
    with connect(f"ws://127.0.0.1:{server.port}/ws", compression=None) as connection:
        label = {} if name is None else {"name": name}
        connection.send(json.dumps({"type": "client-registration", "clientId": camera_id, **label}))
        answer = json.loads(connection.recv(timeout=5))
        assert answer["type"] == "registration-success", answer
        yield connection
