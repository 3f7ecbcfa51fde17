"""Whatever a client asks, it gets the same answer from every node: over HTTP and over a viewer's WebSocket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from skysentry_trio.server.history.events import EventSource
from tests.clocks import NOON
from tests.jpegs import draw_jpeg
from tests.raw_peer import Answer
from tests.server.cluster.nodes import two_nodes_with_frames, until
from tests.server.cluster.test_proxy import post
from tests.server.cluster.test_remote_playback import talking
from tests.server.history.helpers import OpenFolder, frames

_AT_NOON = "2026-11-29T12:00:05Z"
ROUTES: Final = [
    "/api/clients/door/latest",
    "/api/clients/door/latest.jpg",
    "/api/clients/door/latest.jpg?back=3600",
    "/api/clients/door/latest.jpg?after=1",
    "/api/clients/door/latest.jpg?after=99",
    "/api/clients/door/latest.jpg?at=yesterday",
    "/api/clients/door/stream",
    "/api/clients/door/clip",
    "/api/clients/door/clip?format=mjpeg",
    "/api/clients/door/clip?format=gif",
    "/api/clients/door/history",
    "/api/clients/door/history?from=2026-11-29T12:00:00Z&to=2026-11-29T12:01:00Z&buckets=7",
    "/api/clients/door/history?from=2&to=1",
    "/api/clients/door/history/days?zone=Asia/Kathmandu",
    "/api/clients/door/history/days?zone=Atlantis",
    "/api/clients/door/history/events",
    f"/api/clients/door/latest.jpg?at={_AT_NOON}",
    f"/api/clients/door/clip?to={_AT_NOON}",
    "/api/history",
    "/api/streams",
    "/api/clients",
    "/api/exports",
    "/api/exports/0123456789ab0123456789ab01234567",
    "/api/clients/door/nothing",
    "/api/clients/attic/latest.jpg",
    "/api/clients/<>/latest.jpg",
    "/api/frame.jpeg?src=door",
    "/snapshot?client=door",
    "/snapshot",
    "/?action=snapshot",
]
"""What is read."""
_JSON, _JPEG = "Content-Type: application/json", "Content-Type: image/jpeg"
POSTS: Final[list[tuple[str, str, bytes, str]]] = [
    ("POST", "/api/clients/door/frames", draw_jpeg(), _JPEG),
    ("POST", "/api/clients/door/frames", b"no picture", _JPEG),
    ("POST", "/api/stream.mjpeg?dst=door", draw_jpeg(), _JPEG),
    ("POST", "/api/clients/door/results", b'{"sequence": 3, "data": 1}', _JSON),
    ("POST", "/api/clients/door/results", b'{"sequence": 99}', _JSON),
    ("POST", "/api/clients/door/results", b"{}", _JPEG),
    ("POST", "/api/clients/door/events", b'{"label": "bell", "begin": 1, "end": 2}', _JSON),
    ("POST", "/api/clients/door/events", b'{"label": ""}', _JSON),
    ("POST", "/api/clients/door/events/none", b"{}", _JSON),
    ("POST", "/api/clients/door/history/protected?from=1&to=2", b"", _JSON),
    ("DELETE", "/api/clients/door/history/protected", b"", _JSON),
    ("DELETE", "/api/clients/door/history?from=1&to=2", b"", _JSON),
    ("DELETE", "/api/clients/door/latest.jpg", b"", _JSON),
]
"""What is sent: method, path, body and its type. Each is sent twice, so that it has to have the same effect twice."""
SEEK = {"type": "seek", "clientId": "door", "sequence": 3, "speed": 0}
TALKS: list[list[dict[str, Any]]] = [
    [{"type": "playback", "clientId": "door"}],
    [SEEK],
    [{"type": "seek", "clientId": "door", "back": 3600, "speed": 0}],
    [{"type": "seek", "clients": ["door"], "back": 3600, "speed": 0}],
    [SEEK, {"type": "live", "clientId": "door"}],
    [SEEK, {"type": "seek", "clientId": "door", "sequence": 5, "speed": 0}],
    [{"type": "seek", "clientId": "yard", "back": 5}],
    [{"type": "playback", "clientId": "yard"}],
    [{"type": "seek", "clientId": "door", "speed": 99, "back": 1}],
    [{"type": "result", "clientId": "door", "sequence": 99}],
    [{"type": "result", "clientId": "yard", "sequence": 1}],
    [{"type": "subscribe", "clients": ["yard"]}, {"type": "unsubscribe", "clients": ["door"]}],
]
"""What viewers say, one connection after the other."""


_OF_THE_MOMENT: Final = {"fps", "since", "bytesFree", "id", "connected", "timestamp", "latestTimestamp"}
"""Keys of answers that differ from one moment to the next one."""
_COUNTS: Final = {"sequence", "viewers", "segments"}
"""Keys that differ because what is sent is sent twice."""
_HEADERS: Final = {"date", "content-length"}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[dict[str, OpenFolder]]:
    """What both nodes have recorded: the node of the camera some frames of noon, and the other one nothing."""
    opened = {node_id: OpenFolder(tmp_path / node_id) for node_id in ("a", "b")}
    opened["a"].record("door", frames(20, fps=1))
    opened["a"].events.begin("door", "person", EventSource.MOTION, begin=NOON, end=NOON + 3, data={"score": 1})
    opened["a"].settle()
    yield opened
    for one in opened.values():
        one.close()


def comparable(answer: Answer, left_out: set[str]) -> Any:
    """Return the body of an answer without what need not be the same."""
    if answer.headers.get("content-type") != "application/json":
        return answer.body
    return json.loads(answer.body, object_hook=lambda found: {k: v for k, v in found.items() if k not in left_out})


async def test_every_node_answers_as_the_one_that_has_the_camera(folders: dict[str, OpenFolder]) -> None:
    """Status, headers and body are the same, also those of errors."""
    async with two_nodes_with_frames(folders) as (a, b):
        for route in ROUTES:
            near, far = await a.address.ask(route), await b.address.ask(route)
            assert far.status == near.status, route
            assert comparable(far, _OF_THE_MOMENT) == comparable(near, _OF_THE_MOMENT), route
            differing = dict(near.headers.items() ^ far.headers.items()).keys()
            assert differing <= _HEADERS, route


async def test_what_is_sent_to_any_node_reaches_the_one_that_has_the_camera(folders: dict[str, OpenFolder]) -> None:
    """So a balancer may send each request to another node."""
    async with two_nodes_with_frames(folders) as (a, b):
        for method, route, body, kind in POSTS:
            near, far = [await post(node.address, route, body, kind, method=method) for node in (a, b)]
            assert far.status == near.status, route
            left_out = _OF_THE_MOMENT | _COUNTS
            assert comparable(far, left_out) == comparable(near, left_out), route


async def test_every_node_answers_messages_as_the_one_that_has_the_camera(folders: dict[str, OpenFolder]) -> None:
    """The answers are the same, and so are the frames that are shown."""
    async with two_nodes_with_frames(folders) as (a, b):
        for messages in TALKS:
            async with talking(a) as near, talking(b) as far:
                await until(lambda near=near, far=far: near.frames and far.frames)  # type: ignore[misc]
                for message in messages:
                    await near.say(**message)
                    await far.say(**message)
                    if message["type"] not in {"subscribe", "unsubscribe"}:
                        await near.hear_more()
                        await far.hear_more()
                await until(lambda near=near, far=far: near.frames == far.frames)  # type: ignore[misc]
                # The first message is the list of cameras, with their rates.
                assert far.said[1:] == near.said[1:], messages
