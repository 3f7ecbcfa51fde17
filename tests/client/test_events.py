"""Events from Python, against a whole server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

from skysentry_trio.client import Camera, ConfigurationError, Events, ProtocolViolation, Refused
from tests.daemons import running_daemon
from tests.jpegs import draw_jpeg

T = TypeVar("T")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[str]:
    """Return the address of a server that records, and that knows the camera ``door``."""
    with trio.fail_after(30):
        async with running_daemon(history=str(tmp_path)) as address:
            url = f"http://{address.host}:{address.port}"
            async with Camera(url, "door") as camera:
                camera.send(draw_jpeg())
                while camera.state != "live":  # noqa: ASYNC110 - there is no event to wait for
                    await trio.sleep(0.01)
                yield url


async def call(function: Callable[..., T], *args: Any, **named: Any) -> T:
    return await trio.to_thread.run_sync(partial(function, *args, **named))


async def test_an_event_is_posted_ended_and_listed(server: str) -> None:
    """With its data, and with times of the server's clock."""
    events, now = Events(server, "door"), time.time()
    begun = await call(events.post, "person", {"score": 0.93})
    (lasting,) = await call(events.between, now - 60, now + 60)
    ended = await call(events.end, begun, {"score": 0.97})
    past = await call(events.post, "bell", begin=now - 3600.5, end=now - 3600.25)
    listed = await call(events.between, now - 7200, now + 60)
    (first,) = await call(events.between, now - 7200, now + 60, limit=1)

    assert lasting == begun
    assert (begun.camera_id, begun.label, begun.source, begun.data) == ("door", "person", "api", {"score": 0.93})
    assert begun.begin == pytest.approx(now, abs=10)
    assert begun.end is None
    assert ended.data == {"score": 0.97}
    assert ended.end is not None
    assert past.begin == pytest.approx(now - 3600.5, abs=0.002)
    assert past.end == pytest.approx(now - 3600.25, abs=0.002)
    assert listed == [past, ended]
    assert first == past


async def test_what_the_server_refuses_is_raised_with_its_reason(server: str) -> None:
    """An event that does not last, and a camera that nobody knows."""
    with pytest.raises(Refused, match="no event"):
        await call(Events(server, "door").end, "0123456789abcdef")
    with pytest.raises(Refused, match="there is no camera yard"):
        await call(Events(server, "yard").post, "person")


@pytest.mark.parametrize(
    ("label", "data", "words"),
    [
        (" ", None, "a label has 1 to 80 printable characters"),
        ("person", "x" * 5000, "at most 4096 bytes, got 5002"),
        ("person", object(), "expected data that JSON can hold"),
    ],
)
def test_an_invalid_event_is_not_sent(label: str, data: object, words: str) -> None:
    """The mistake is named where it was made; nothing listens at this address."""
    with pytest.raises(ProtocolViolation, match=words):
        Events("http://127.0.0.1:9", "door").post(label, data)


def test_what_cannot_be_an_address_a_camera_or_an_event_is_refused() -> None:
    """At once."""
    with pytest.raises(ConfigurationError):
        Events("ftp://127.0.0.1", "door")
    with pytest.raises(ProtocolViolation):
        Events("http://127.0.0.1:9", "../door")
    with pytest.raises(ProtocolViolation, match="expected the id of an event"):
        Events("http://127.0.0.1:9", "door").end("../../keys")
