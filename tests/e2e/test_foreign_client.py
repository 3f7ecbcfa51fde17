"""A client that knows the description of the protocol and the `websockets` package, and nothing of our code."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.e2e.processes import running_server
from tests.jpegs import draw_jpeg

pytestmark = pytest.mark.e2e

WAIT = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run a server that takes frames of at most 100 000 bytes."""
    with running_server("--max-frame-size", "100000") as address:
        yield address


def picture(shade: int, size: int = 32) -> bytes:
    return draw_jpeg(shade, (size, size))


def told(websocket: ClientConnection) -> dict[str, Any]:
    """Return the next text message; frames of whichever cameras are passed over."""
    while isinstance(message := websocket.recv(timeout=WAIT), bytes):
        pass
    parsed = json.loads(message)
    assert isinstance(parsed, dict)
    return parsed


@contextmanager
def camera(server: str, camera_id: str) -> Iterator[ClientConnection]:
    """Register a camera."""
    with connect(f"ws://{server}/ws", open_timeout=WAIT, close_timeout=WAIT) as websocket:
        websocket.send(json.dumps({"type": "client-registration", "clientId": camera_id}))
        answer = told(websocket)
        assert answer["type"] == "registration-success"
        assert answer["clientId"] == camera_id
        yield websocket


@contextmanager
def viewer(server: str, query: str = "", *, subprotocol: str | None = None) -> Iterator[ClientConnection]:
    """Open a viewer's connection."""
    subprotocols = [Subprotocol(subprotocol)] if subprotocol else None
    with connect(
        f"ws://{server}/stream/ws{query}",
        open_timeout=WAIT,
        close_timeout=WAIT,
        max_size=None,
        subprotocols=subprotocols,
    ) as websocket:
        assert websocket.subprotocol == subprotocol
        yield websocket


def next_envelope(websocket: ClientConnection) -> tuple[dict[str, Any], bytes]:
    """Return header and JPEG of the next binary message."""
    while isinstance(message := websocket.recv(timeout=WAIT), str):
        pass
    length = int.from_bytes(message[:2], "big")
    return json.loads(message[2 : 2 + length]), message[2 + length :]


def closed_with(websocket: ClientConnection) -> int | None:
    """Read to the end and return the close code."""
    deadline = time.monotonic() + WAIT
    try:
        while time.monotonic() < deadline:
            websocket.recv(timeout=WAIT)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
    raise AssertionError("the connection was not closed")


@pytest.mark.parametrize("subprotocol", ["skysentry.v1", None])
def test_viewing_envelopes(server: str, subprotocol: str | None) -> None:
    """With the subprotocol or nothing asked for, each frame is an envelope with the JPEG as it was sent."""
    name = f"envelope-{subprotocol}"
    with viewer(server, f"?client={name}", subprotocol=subprotocol) as watching, camera(server, name) as sending:
        for number in range(1, 6):
            sending.send(picture(number))
            header, jpeg = next_envelope(watching)
            assert jpeg == picture(number)
            assert (header["type"], header["clientId"], header["sequence"]) == ("frame", name, number)
            assert (header["format"], header["size"]) == ("jpeg", len(jpeg))
            assert {"timestamp", "capturedAt", "fps"} <= header.keys()


def test_viewing_bare_jpegs(server: str) -> None:
    """With format=jpeg each message is the JPEG and nothing else."""
    with camera(server, "bare") as sending, viewer(server, "?format=jpeg&client=bare") as watching:
        for number in range(1, 6):
            sending.send(picture(number))
            assert watching.recv(timeout=WAIT) == picture(number)


def test_viewing_json(server: str) -> None:
    """With format=json each frame is a frame_update as SkySentry Go sends it."""
    with camera(server, "json") as sending, viewer(server, "?format=json&client=json") as watching:
        for number in range(1, 6):
            sending.send(picture(number))
            update = told(watching)
            scheme, _, data = update["image"].partition(",")
            assert base64.b64decode(data) == picture(number)
            assert scheme == "data:image/jpeg;base64"
            assert (update["type"], update["clientId"], update["format"]) == ("frame_update", "json", "jpeg")
            assert update["size"] == len(picture(number))
            assert update["stats"]["frameCount"] == number
            assert {"size", "capacity", "latestTimestamp", "fps"} <= update["stats"].keys()


def test_clients_of_skysentry_go_work_as_they_did() -> None:
    """They know no envelope, acknowledgement, demand or notice: every frame arrives, and nothing else is said."""
    registration = {"type": "client-registration", "clientId": "old", "timestamp": "2024-05-01T12:00:00.000Z"}
    with (
        running_server("--viewer-format", "json", "--max-fps", "1000") as server,
        viewer(server) as watching,
        connect(f"ws://{server}/ws", open_timeout=WAIT) as sending,
    ):
        sending.send(json.dumps(registration))
        answer = json.loads(sending.recv(timeout=WAIT))
        assert (answer["type"], answer["clientId"]) == ("registration-success", "old")
        assert isinstance(answer["timestamp"], str)
        for number in range(1, 101):
            sending.send(picture(number))
            update = json.loads(watching.recv(timeout=WAIT))
            assert (update["type"], update["clientId"]) == ("frame_update", "old")
            assert base64.b64decode(update["image"].partition(",")[2]) == picture(number)
            assert update["stats"]["frameCount"] == number
        with viewer(server, "?client=old"):  # somebody else comes and goes
            pass
        listed = httpx.get(f"http://{server}/api/clients").json()
        latest = httpx.get(f"http://{server}/api/clients/old/latest").json()
        # Nothing has come to the second one either while we waited for the first.
        for websocket, seconds in ((sending, 1.5), (watching, 0.1)):
            with pytest.raises(TimeoutError):
                websocket.recv(timeout=seconds)
    assert (listed["success"], listed["count"], listed["clients"]) == (True, 1, ["old"])
    assert base64.b64decode(latest["image"].partition(",")[2]) == picture(100)


def test_a_viewer_hears_of_cameras(server: str) -> None:
    """It is told which there are, and when one comes and goes."""
    with viewer(server, subprotocol="skysentry.v1") as watching:
        assert told(watching)["type"] == "clients"
        with camera(server, "visitor"):
            while (message := told(watching))["clientId"] != "visitor":
                pass
            assert message["type"] == "client-connected"
        while (message := told(watching))["clientId"] != "visitor":
            pass
        assert message["type"] == "client-disconnected"


def test_the_newest_frame_comes_at_once(server: str) -> None:
    """Who comes late sees the last frame, also of a camera that has left."""
    with camera(server, "late") as sending:
        sending.send(picture(7))
        sending.send(picture(8))
        assert wait_for_latest(server, "late", picture(8))
    with viewer(server, "?client=late") as watching:
        header, jpeg = next_envelope(watching)
    assert (header["sequence"], jpeg) == (2, picture(8))


def wait_for_latest(server: str, camera_id: str, expected: bytes) -> bool:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        answer = httpx.get(f"http://{server}/api/clients/{camera_id}/latest", headers={"Accept": "image/jpeg"})
        if answer.status_code == 200 and answer.content == expected:
            return True
        time.sleep(0.02)
    return False


def test_unsubscribing_and_pausing(server: str) -> None:
    """A viewer gets what it has subscribed to, and nothing while it pauses."""
    with (
        camera(server, "sub-a") as first,
        camera(server, "sub-b") as second,
        viewer(server, "?client=sub-a", subprotocol="skysentry.v1") as watching,
    ):
        assert told(watching)["type"] == "clients"
        watching.send(json.dumps({"type": "subscribe", "clients": ["sub-b"]}))
        watching.send(json.dumps({"type": "unsubscribe", "clients": ["sub-a"]}))
        watching.send(json.dumps({"type": "clock", "sentAt": 1}))
        while told(watching)["type"] != "clock":
            pass
        first.send(picture(1))
        assert wait_for_latest(server, "sub-a", picture(1))
        second.send(picture(2))
        header, jpeg = next_envelope(watching)
        assert (header["clientId"], jpeg) == ("sub-b", picture(2))
        watching.send(json.dumps({"type": "pause"}))
        watching.send(json.dumps({"type": "clock", "sentAt": 2}))
        while told(watching).get("sentAt") != 2:
            pass
        second.send(picture(3))
        second.send(picture(4))
        assert wait_for_latest(server, "sub-b", picture(4))
        watching.send(json.dumps({"type": "resume"}))
        header, jpeg = next_envelope(watching)
        assert (header["sequence"], jpeg) == (3, picture(4))


def test_the_clock_is_told(server: str) -> None:
    """Both kinds of clients can ask for it."""
    for path in ("ws", "stream/ws"):
        with connect(f"ws://{server}/{path}", open_timeout=WAIT, close_timeout=WAIT) as websocket:
            websocket.send(json.dumps({"type": "clock", "sentAt": 1234.5}))
            while (answer := told(websocket))["type"] != "clock":
                pass
            assert answer["sentAt"] == 1234.5
            assert abs(answer["serverAt"] / 1000 - time.time()) < 5


def test_unknown_types_and_keys_are_ignored(server: str) -> None:
    """Both sides can grow."""
    with connect(f"ws://{server}/ws", open_timeout=WAIT, close_timeout=WAIT) as websocket:
        websocket.send(json.dumps({"type": "news", "from": "the future"}))
        websocket.send(
            json.dumps({"type": "client-registration", "clientId": "future", "timestamp": {"any": 1}, "x": 2})
        )
        assert told(websocket)["type"] == "registration-success"
        websocket.send(json.dumps({"type": "news"}))
        websocket.send(picture(1))
        assert wait_for_latest(server, "future", picture(1))


@pytest.mark.parametrize("camera_id", ["", "a/b", "..", "x" * 65, "<script>", "a\0b", "tür", None, 7])
def test_a_bad_id_is_refused(server: str, camera_id: object) -> None:
    """The answer says what was wrong, and the connection is closed with 1008."""
    with connect(f"ws://{server}/ws", open_timeout=WAIT, close_timeout=WAIT) as websocket:
        websocket.send(json.dumps({"type": "client-registration", "clientId": camera_id}))
        answer = told(websocket)
        assert answer["type"] == "registration-error"
        assert answer["error"]
        assert answer["code"]
        assert closed_with(websocket) == 1008


@pytest.mark.parametrize("message", [picture(1), b"", "garbage", "[]", '{"no":"type"}', "[" * 10_000, '{"type":1}'])
def test_what_comes_before_the_registration_is_ignored(server: str, message: str | bytes) -> None:
    """A frame is an error, a text that is no message is nothing; the registration is still taken."""
    with connect(f"ws://{server}/ws", open_timeout=WAIT, close_timeout=WAIT) as websocket:
        websocket.send(message)
        if isinstance(message, bytes):
            assert told(websocket)["code"] == "not-registered"
        websocket.send(json.dumps({"type": "client-registration", "clientId": "late"}))
        assert told(websocket)["type"] == "registration-success"


def test_a_second_registration_under_another_id_is_an_error(server: str) -> None:
    """One connection is one camera; the same id again is no error, and another id changes nothing."""
    with camera(server, "one") as websocket:
        websocket.send(json.dumps({"type": "client-registration", "clientId": "one"}))
        assert told(websocket)["type"] == "registration-success"
        websocket.send(json.dumps({"type": "client-registration", "clientId": "two"}))
        assert told(websocket)["code"] == "already-registered"
        websocket.send(json.dumps({"type": "client-registration", "clientId": "one"}))
        assert told(websocket)["type"] == "registration-success"


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("nothing", b""),
        ("gif", b"GIF89a"),
        ("cut-off", picture(1)[:-2]),
        ("no-picture", b"\xff\xd8\xff\xd9"),
        ("envelope-unasked", b"\x00\x02{}" + picture(1)),
    ],
)
def test_what_is_no_jpeg_reaches_nobody(server: str, name: str, frame: bytes) -> None:
    """The camera is told what was wrong; a viewer sees the good frames around it, numbered as if it had not been."""
    with camera(server, name) as sending, viewer(server, f"?client={name}") as watching:
        sending.send(picture(1))
        assert next_envelope(watching)[1] == picture(1)
        sending.send(frame)
        assert told(sending)["error"]
        sending.send(picture(2))
        header, jpeg = next_envelope(watching)
        assert (header["sequence"], jpeg) == (2, picture(2))


@pytest.mark.parametrize("size", [100_001, 300_000, 20_000_000])
def test_a_frame_that_is_too_large_is_dropped(server: str, size: int) -> None:
    """The camera is told, nobody sees the frame, and the next one is taken."""
    jpeg = picture(1)
    large = jpeg[:2] + (b"\xff\xfe\xff\xff" + bytes(65533)) * (size // 65537 + 1) + jpeg[2:]
    name = f"large-{size}"
    with camera(server, name) as sending, viewer(server, f"?client={name}") as watching:
        sending.send(large)
        assert told(sending)["code"] == "frame-too-large"
        sending.send(jpeg)
        header, shown = next_envelope(watching)
        assert (header["sequence"], shown) == (1, jpeg)


def test_a_frame_of_just_the_limit_is_taken(server: str) -> None:
    """100 000 bytes are allowed here."""
    jpeg = picture(1)
    padding = 100_000 - len(jpeg) - 4
    first = min(padding, 65_533)
    second = padding - first - 4
    comments = b"\xff\xfe" + (first + 2).to_bytes(2, "big") + bytes(first)
    comments += b"\xff\xfe" + (second + 2).to_bytes(2, "big") + bytes(second)
    exact = jpeg[:2] + comments + jpeg[2:]
    assert len(exact) == 100_000
    with camera(server, "exact") as sending:
        sending.send(exact)
        assert wait_for_latest(server, "exact", exact)


@pytest.mark.parametrize("path", ["ws", "stream/ws"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_pages_of_others_are_refused(server: str, path: str, origin: str) -> None:
    """A browser on a foreign page does not get in: HTTP status 403."""
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(f"ws://{server}/{path}", origin=Origin(origin), open_timeout=WAIT),
    ):
        pass
    assert caught.value.response.status_code == 403


def test_our_own_pages_are_let_in(server: str) -> None:
    """The page that this server serves may open its sockets."""
    # Without the frames of the cameras of other tests, which would have to be read before the end is.
    url = f"ws://{server}/stream/ws?client=nobody"
    with connect(url, origin=Origin(f"http://{server}"), open_timeout=WAIT) as websocket:
        assert told(websocket)["type"] == "clients"


@pytest.mark.parametrize("query", ["?format=gif", "?format=jpeg", "?client=a%2Fb", "?maxFps=0", "?maxFps=many"])
def test_a_viewer_that_asks_for_nonsense_is_refused(server: str, query: str) -> None:
    """With close code 1008, whose reason a browser can read, unlike the status of a refused handshake."""
    with viewer(server, query) as watching:
        assert closed_with(watching) == 1008


def test_the_same_id_takes_over(server: str) -> None:
    """The old connection is closed with 4001; the count and the viewers stay."""
    with viewer(server, "?client=twice") as watching, camera(server, "twice") as old:
        old.send(picture(1))
        assert next_envelope(watching)[0]["sequence"] == 1
        with camera(server, "twice") as new:
            assert closed_with(old) == 4001
            new.send(picture(2))
            header, jpeg = next_envelope(watching)
            assert (header["sequence"], jpeg) == (2, picture(2))
