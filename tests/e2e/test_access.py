"""A server that others can reach lets in only people and programs that prove who they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from skysentry_trio.server.access.changes import RulesEditor
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


def close_code(socket: ClientConnection) -> int | None:
    """Return the code with which a server closes, whatever it sends before that."""
    try:
        while True:
            socket.recv(timeout=20)
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


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


def test_revoking_a_key_ends_every_kind_of_connection_within_a_second(tmp_path: Path) -> None:
    """A camera, a viewer, and a Motion JPEG stream; an administrator's goes on."""
    editor = RulesEditor(tmp_path)
    made, admin = editor.add_key("all", {"view": ["*"], "publish": ["door"]}), editor.add_key("root", {"admin": ["*"]})
    with running("serve", "--host", "127.0.0.1", "--port", "0", "--state-dir", str(tmp_path)) as server:
        address = server.wait_for_line(r"127\.0\.0\.1:\d+").group()
        headers = {"Authorization": f"Bearer {made.key}"}
        with (
            connect(f"ws://{address}/ws") as camera,
            connect(f"ws://{address}/stream/ws", additional_headers=headers) as viewer,
            connect(f"ws://{address}/stream/ws", additional_headers={"Authorization": f"Bearer {admin.key}"}) as root,
            httpx.Client(headers=headers, timeout=20) as client,
        ):
            camera.send(json.dumps({"type": "client-registration", "clientId": "door", "token": made.key}))
            assert json.loads(camera.recv())["type"] == "registration-success"
            camera.send(draw_jpeg())
            with client.stream("GET", f"http://{address}/api/clients/door/stream.mjpeg") as stream:
                pieces = stream.iter_raw()
                next(pieces)
                revoked_at = time.monotonic()
                editor.revoke_key(made.record.id)
                with pytest.raises(httpx.HTTPError):
                    for _ in pieces:
                        pass
            for socket in (camera, viewer):
                assert close_code(socket) == 4003
            # The limit is a second; this machine may be busy.
            assert time.monotonic() - revoked_at < 5.0
            assert json.loads(root.recv(timeout=20))["type"] == "clients"
        server_log = "".join(server.lines)
    assert made.key not in server_log
    assert admin.key not in server_log
