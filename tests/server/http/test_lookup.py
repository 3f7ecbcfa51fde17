from __future__ import annotations

import threading

import pytest
import trio

from skysentry_trio.server.http import lookup
from skysentry_trio.server.http.lookup import draw_absence
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings
from skysentry_trio.wire.jpeg import inspect_jpeg
from tests.hubs import nothing
from tests.server.http.rest_harness import publish


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, threading.Thread]]:
    """Have what would be drawn instead of the drawing."""
    calls: list[tuple[str, str, threading.Thread]] = []

    def draw(title: str, text: str) -> bytes:
        calls.append((title, text, threading.current_thread()))
        return b""

    monkeypatch.setattr(lookup, "draw_placeholder", draw)
    return calls


async def test_the_picture_says_who_is_absent_and_why(
    written: list[tuple[str, str, threading.Thread]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the label if there is one; never seen, nothing sent, and gone are different things."""
    hub = Hub(Settings())
    await draw_absence("door", None)
    with hub.register("door", on_end=nothing) as session:
        await draw_absence("door", hub.camera("door"))
        publish(hub, session)
    session.camera.name = "Front door"
    session.camera.last_heard = trio.current_time() - 100
    monkeypatch.setattr("time.time", lambda: 1700000100.0)
    monkeypatch.setenv("TZ", "UTC")
    await draw_absence("door", hub.camera("door"))

    titles, texts, _ = zip(*written, strict=True)
    assert titles == ("door", "door", "Front door")
    assert texts[:2] == ("has not been seen yet", "has sent no picture yet")
    assert texts[2].startswith("offline since 2023-11-1")


async def test_it_is_drawn_beside_the_event_loop(written: list[tuple[str, str, threading.Thread]]) -> None:
    """Nobody waits for it but those who get it."""
    await draw_absence("door", None)
    assert written[0][2] is not threading.current_thread()


async def test_it_is_a_jpeg() -> None:
    """All of it together."""
    with trio.fail_after(30):
        assert inspect_jpeg(await draw_absence("door", None)) == (640, 360)
