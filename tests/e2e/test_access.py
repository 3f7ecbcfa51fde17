"""A server that others can reach lets in only people and programs that prove who they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from skysentry_trio.server.access.changes import RulesEditor
from tests.e2e.browser import wait_until
from tests.e2e.namespaces import far_host
from tests.e2e.processes import running
from tests.jpegs import draw_jpeg

pytestmark = pytest.mark.e2e
ASK = """
import json, sys, urllib.error, urllib.request
answers = []
for accept in ("text/html", "*/*"):
    try:
        urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Accept": accept}), timeout=20)
    except urllib.error.HTTPError as error:
        answers.append([error.code, error.headers["Content-Type"]])
print(json.dumps(answers))
"""


def online(cameras: str, key: str) -> set[str]:
    """Return the cameras that are online."""
    answer = httpx.get(cameras, headers={"Authorization": f"Bearer {key}"}).json()
    return {camera["clientId"] for camera in answer["details"] if camera["online"]}


def close_code(socket: ClientConnection) -> int | None:
    """Return the code with which a server closes, whatever it sends before that."""
    try:
        while True:
            socket.recv(timeout=20)
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


@pytest.mark.one_server  # Other hosts do not reach several servers.
def test_on_another_address_the_first_administrator_is_invited_once(tmp_path: Path) -> None:
    """A program on another host gets JSON, a browser a page; the printed link signs in once."""
    with far_host("100mbit", 1_000_000) as host:
        arguments = ("--host", host.our_address, "--port", "0", "--state-dir", str(tmp_path))
        with running("serve", *arguments) as server:
            port = server.wait_for_line(rf"{re.escape(host.our_address)}:(\d+)").group(1)
            link = server.wait_for_line(r"http://\S+/admin\?link=\S+").group()
            asked = subprocess.run(
                host.command(sys.executable, "-c", ASK, f"http://{host.our_address}:{port}/"),
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
            page, program = json.loads(asked.stdout)
            assert (page[0], page[1].partition(";")[0]) == (401, "text/html")
            assert program == [401, "application/json"]
            with httpx.Client(headers={"Accept": "text/html"}) as browser:
                assert browser.get(link).status_code == 303
                answer = browser.get(f"http://{host.our_address}:{port}/api/keys", headers={"Accept": "*/*"})
                assert answer.json()["keys"][0]["name"] == "first administrator"
            assert httpx.get(link, headers={"Accept": "text/html"}).status_code == 401
        with running("serve", *arguments) as server:
            server.wait_for_line(rf"{re.escape(host.our_address)}:\d+")
            server.wait_for_line('"event": "serving"')
            # The invitation would follow at once.
            time.sleep(0.5)
            assert "link=" not in "".join(server.lines)


@pytest.mark.one_server  # Other hosts do not reach several servers.
def test_an_open_server_on_another_address_says_so(tmp_path: Path) -> None:
    """Everything works for a program on another host, and health and log say that it is open; nobody is invited."""
    script = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"
    with far_host("100mbit", 1_000_000) as host:
        arguments = ("--host", host.our_address, "--port", "0", "--state-dir", str(tmp_path), "--open")
        with running("serve", *arguments) as server:
            port = server.wait_for_line(rf"{re.escape(host.our_address)}:(\d+)").group(1)
            url = f"http://{host.our_address}:{port}"
            assert httpx.post(f"{url}/api/clients/door/frames", content=draw_jpeg()).status_code == 201
            for path, expected in (("/api/health", '"open":true'), ("/api/clients", '"clientId":"door"')):
                asked = subprocess.run(
                    host.command(sys.executable, "-c", script, url + path),
                    capture_output=True,
                    text=True,
                    check=True,
                    timeout=60,
                )
                assert expected in asked.stdout
            server.wait_for_line("open to everybody")
        assert "link=" not in "".join(server.lines)


def endless_parts(jpeg: bytes) -> Iterator[bytes]:
    """Yield a pushed stream: a picture every tenth of a second, until the server closes."""
    while True:
        yield b"--b\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)
        time.sleep(0.1)


def seconds_until_end(ended: Callable[[], object]) -> float:
    """Return how long it takes until a call ends, or fails because its connection was closed."""
    began = time.monotonic()
    with suppress(httpx.HTTPError, OSError):
        ended()
    return time.monotonic() - began


def test_revoking_a_key_ends_every_kind_of_connection_within_a_second(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Cameras on WebSockets, with streams and with single pictures; viewers, playbacks, streams, waits; not others'."""
    editor, jpeg = RulesEditor(tmp_path), draw_jpeg()
    allow = {"view": ["*"], "history": ["*"], "publish": ["door", "push", "post"]}
    made, admin = editor.add_key("all", allow), editor.add_key("root", {"admin": ["*"]})
    arguments = ("--state-dir", str(tmp_path), "--history", str(tmp_path / "recordings"))
    with running("serve", "--host", "127.0.0.1", "--port", "0", *arguments) as server, ThreadPoolExecutor() as pool:
        address = server.wait_for_line(r"127\.0\.0\.1:\d+").group()
        cameras, headers = f"http://{address}/api/clients", {"Authorization": f"Bearer {made.key}"}
        with (
            connect(f"ws://{address}/stream/ws?client=door", additional_headers=headers) as playback,
            connect(f"ws://{address}/ws") as camera,
            connect(f"ws://{address}/stream/ws", additional_headers=headers) as viewer,
            connect(f"ws://{address}/stream/ws", additional_headers={"Authorization": f"Bearer {admin.key}"}) as root,
            httpx.Client(headers=headers, timeout=20) as client,
        ):
            camera.send(json.dumps({"type": "client-registration", "clientId": "door", "token": made.key}))
            assert json.loads(camera.recv())["type"] == "registration-success"
            for _ in range(3):
                camera.send(jpeg)
            push = partial(
                httpx.post,
                f"{cameras}/push/frames",
                content=endless_parts(jpeg),
                headers={**headers, "Content-Type": "multipart/x-mixed-replace; boundary=b"},
                timeout=20,
            )
            assert client.post(f"{cameras}/post/frames", content=jpeg).status_code == 201
            waiting = partial(client.get, f"{cameras}/post/latest.jpg?after=1&wait=60")
            ending = [pool.submit(seconds_until_end, call) for call in (push, waiting)]
            playback.send(json.dumps({"type": "seek", "clientId": "door", "back": 0.1, "speed": -0.01}))
            with client.stream("GET", f"{cameras}/door/stream.mjpeg") as stream:
                pieces = stream.iter_raw()
                next(pieces)
                wait_until(lambda: online(cameras, admin.key) == {"door", "push", "post"}, "all cameras are online")
                revoked_at = time.monotonic()
                editor.revoke_key(made.record.id)
                with pytest.raises(httpx.HTTPError):
                    for _ in pieces:
                        pass
            for socket in (camera, viewer, playback):
                assert close_code(socket) == 4003
            wait_until(lambda: online(cameras, admin.key) == set(), "no camera is online")
            # The limit is a second; this machine may be busy.
            record_property("seconds until all have ended", took := time.monotonic() - revoked_at)
            assert took < 15
            assert all(future.result(20) < 20 for future in ending)
            # It has read nothing yet: pictures wait before the answer.
            root.send(json.dumps({"type": "clock", "sentAt": 1}))
            while isinstance(message := root.recv(timeout=20), bytes) or json.loads(message)["type"] != "clock":
                pass
        server_log = "".join(server.lines)
    assert made.key not in server_log
    assert admin.key not in server_log
