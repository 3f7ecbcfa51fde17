"""What the unchanged programs of SkySentry Go say and ask, against a server that is started as the guide says."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.e2e.processes import running_server
from tests.jpegs import draw_jpeg

pytestmark = pytest.mark.e2e

WAIT = 10.0
GUIDE = Path(__file__).parents[2] / "docs/how-to/move-from-skysentry-go.md"
CAPTURE_PAGE, VIEWER_PAGE = "http://localhost:5173", "http://localhost:3000"
STRAY = [
    "ping",
    "",
    "null",
    "[]",
    "{}",
    "7",
    "hello {",
    '{"type":"ping"}',
    '{"type":7}',
    '{"type":"telemetry","fps":3}',
]
LARGE = 5 * 1024 * 1024 + 1


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run a server with the flags of the guide's first example, on a free port."""
    found = re.search(r"```sh\n(skysentry-trio serve .*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    flags = shlex.split(found[1].replace("\\\n", " "))[2:]
    for own in ("--host", "--port"):
        at = flags.index(own)
        del flags[at : at + 2]
    with running_server(*flags) as address:
        yield address


@contextmanager
def opened(url: str, page: str) -> Iterator[ClientConnection]:
    """Open a WebSocket as a page of this origin does."""
    with connect(url, origin=Origin(page), open_timeout=WAIT, close_timeout=WAIT, max_size=None) as websocket:
        yield websocket


def registration(camera_id: str) -> str:
    return json.dumps({"type": "client-registration", "clientId": camera_id, "timestamp": "2025-09-20T10:00:00.000Z"})


@contextmanager
def capture_page(server: str, camera_id: str) -> Iterator[ClientConnection]:
    """Connect and register as the capture page does."""
    with opened(f"ws://{server}/ws", CAPTURE_PAGE) as websocket:
        websocket.send(registration(camera_id))
        assert until(websocket, "registration-success")["clientId"] == camera_id
        yield websocket


def viewer_page(server: str) -> Any:
    return opened(f"ws://{server}/stream/ws", VIEWER_PAGE)


def until(websocket: ClientConnection, kind: str, **values: Any) -> dict[str, Any]:
    """Return the next message of this type with these values; the page ignores others."""
    while True:
        message = json.loads(websocket.recv(timeout=WAIT))
        if message["type"] == kind and all(message[key] == value for key, value in values.items()):
            assert isinstance(message, dict)
            return message


def picture_of(update: dict[str, Any]) -> bytes:
    scheme, _, data = update["image"].partition(",")
    assert scheme == "data:image/jpeg;base64"
    return base64.b64decode(data)


def ask(server: str, path: str) -> httpx.Response:
    """Ask as a script does, or the viewer page."""
    answer = httpx.get(f"http://{server}/api{path}", headers={"Origin": VIEWER_PAGE}, timeout=WAIT)
    assert answer.headers["access-control-allow-origin"] == VIEWER_PAGE
    return answer


def is_open(websocket: ClientConnection) -> bool:
    """Return whether the other side answers a ping."""
    try:
        return websocket.ping().wait(WAIT)
    except ConnectionClosed:
        return False


def test_pictures_go_from_the_capture_page_to_the_viewer_and_to_scripts(server: str) -> None:
    """As they did: frame_update with the same keys, and the same replies to the scripts."""
    with viewer_page(server) as watching, capture_page(server, "phone") as sending:
        for number in range(1, 4):
            sending.send(draw_jpeg(number))
            update = until(watching, "frame_update", clientId="phone")
            assert picture_of(update) == draw_jpeg(number)
            assert {"timestamp", "size", "format", "stats"} <= update.keys()
            assert update["stats"]["frameCount"] == number
        listed, latest = ask(server, "/clients").json(), ask(server, "/clients/phone/latest").json()
        ring, streams = ask(server, "/clients/phone/stream").json(), ask(server, "/streams").json()
        health = ask(server, "/health").json()

    assert (listed["success"], listed["count"], listed["clients"]) == (True, 1, ["phone"])
    assert (latest["success"], latest["clientId"], picture_of(latest)) == (True, "phone", draw_jpeg(3))
    assert [base64.b64decode(frame["data"]) for frame in ring["frames"]] == [draw_jpeg(n) for n in range(1, 4)]
    assert (ring["count"], streams["totalClients"], list(streams["streams"])) == (3, 1, ["phone"])
    assert (health["status"], health["bufferSize"]) == ("healthy", 16)


def test_stray_texts_change_nothing(server: str) -> None:
    """Before and after the registration, and from a viewer: they are ignored, as they were."""
    with viewer_page(server) as watching, opened(f"ws://{server}/ws", CAPTURE_PAGE) as sending:
        for text in STRAY:
            sending.send(text)
            watching.send(text)
            watching.send(text.encode() or b"\0")
        sending.send(registration("stray"))
        until(sending, "registration-success")
        for text in STRAY:
            sending.send(text)
        sending.send(draw_jpeg(1))

        assert picture_of(until(watching, "frame_update", clientId="stray")) == draw_jpeg(1)
        assert is_open(sending)
        assert is_open(watching)


def test_a_frame_before_the_registration_is_lost_and_that_is_all(server: str) -> None:
    """The page may send before its registration; it hears of it, and goes on."""
    with viewer_page(server) as watching, opened(f"ws://{server}/ws", CAPTURE_PAGE) as sending:
        sending.send(draw_jpeg(1))
        assert until(sending, "error")["code"] == "not-registered"
        sending.send(registration("early"))
        until(sending, "registration-success")
        sending.send(draw_jpeg(2))

        assert picture_of(until(watching, "frame_update", clientId="early")) == draw_jpeg(2)


@pytest.mark.parametrize("fragments", [1, 100])
def test_a_frame_that_is_too_large_is_lost_and_that_is_all(server: str, fragments: int) -> None:
    """Whole or in fragments, as browsers send large messages; the next frame is taken."""
    with viewer_page(server) as watching, capture_page(server, f"large-{fragments}") as sending:
        large = draw_jpeg(1) + bytes(4 * LARGE)
        step = len(large) // fragments + 1
        pieces = [large[start : start + step] for start in range(0, len(large), step)]
        for _ in range(2):
            sending.send(large if fragments == 1 else iter(pieces))
        assert until(sending, "error")["code"] == "frame-too-large"
        sending.send(draw_jpeg(2))

        assert picture_of(until(watching, "frame_update", clientId=f"large-{fragments}")) == draw_jpeg(2)


def test_another_id_on_the_same_connection_is_ignored(server: str) -> None:
    """The camera keeps the id with which it came."""
    with viewer_page(server) as watching, capture_page(server, "first") as sending:
        sending.send(registration("second"))
        sending.send(draw_jpeg(1))

        assert picture_of(until(watching, "frame_update", clientId="first")) == draw_jpeg(1)
        assert "second" not in ask(server, "/clients").json()["clients"]


def test_a_camera_that_leaves_is_gone_at_once(server: str) -> None:
    """For scripts and new viewers; its ring is there again when it comes back."""
    with capture_page(server, "leaving") as sending, viewer_page(server) as watching:
        sending.send(draw_jpeg(1))
        until(watching, "frame_update", clientId="leaving")
    with capture_page(server, "staying") as sending, viewer_page(server) as watching:
        sending.send(draw_jpeg(2))
        until(watching, "frame_update", clientId="staying")
        assert "leaving" not in ask(server, "/clients").json()["clients"]
        assert "leaving" not in ask(server, "/streams").json()["streams"]
        for path in ("latest", "stream"):
            answer = ask(server, f"/clients/leaving/{path}")
            assert (answer.status_code, answer.json()["success"]) == (404, False)
        with viewer_page(server) as new:
            first = json.loads(new.recv(timeout=WAIT))
            assert (first["type"], first["clientId"]) == ("frame_update", "staying")
        with capture_page(server, "leaving") as back:
            back.send(draw_jpeg(3))
            assert until(watching, "frame_update", clientId="leaving")["stats"]["frameCount"] == 2
            assert ask(server, "/clients/leaving/stream").json()["count"] == 2


def test_a_camera_that_has_nothing_to_send_stays() -> None:
    """The page is connected before it streams; the client timeout is about cameras that have left."""
    with (
        running_server("--client-timeout", "0.5s", "--cleanup-interval", "0.1s") as server,
        connect(f"ws://{server}/ws", open_timeout=WAIT) as sending,
    ):
        sending.send(registration("idle"))
        until(sending, "registration-success")
        with connect(f"ws://{server}/ws", open_timeout=WAIT) as other:
            other.send(registration("left"))
            until(other, "registration-success")

        def known() -> list[str]:
            details = httpx.get(f"http://{server}/api/clients", timeout=WAIT).json()["details"]
            return [camera["clientId"] for camera in details]

        # The camera that left is forgotten later than the idle one would be.
        while "left" in known():
            pass
        assert known() == ["idle"]
        assert is_open(sending)
