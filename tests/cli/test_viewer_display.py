from __future__ import annotations

import json
from io import StringIO

import pytest
import trio
from attrs import evolve

from skysentry_trio.cli.viewer_display import Style, ViewerDisplay, json_line, plain_lines
from skysentry_trio.client.engine.viewer import ViewerReport
from skysentry_trio.wire.viewer import CameraLatency
from tests.cli.viewer_reports import DOOR, REPORT


@pytest.mark.parametrize(
    ("online", "silent", "state"),
    [
        (True, 0.1, "live"),
        (True, None, "live"),
        (True, 12.4, "silent 12 s"),
        (False, 0.1, "offline"),
        (None, 1, "unknown"),
    ],
)
def test_the_state_of_a_camera(online: bool | None, silent: float | None, state: str) -> None:
    """A camera that is connected and shows nothing is said to be silent."""
    camera = evolve(DOOR, online=online, silent=silent)
    (line,) = plain_lines(evolve(REPORT, cameras=(camera,)))
    assert line == (
        f"front-door: {state}, 15.0 fps, 300 kB/s, 640x360, age 12 ms, latency 31 ms = 20 + 1 + 9, 300 frames, 2 gaps"
    )


@pytest.mark.parametrize(
    ("age", "words"), [(0.0123, "12 ms"), (9.99, "9990 ms"), (10.0, "10s"), (3725.4, "1h2m5s"), (None, "-")]
)
def test_an_age_is_written_in_the_unit_that_fits(age: float | None, words: str) -> None:
    """The age of a living camera's frame in milliseconds, that of one that has stopped as a person would say it."""
    assert f", age {words}, " in plain_lines(evolve(REPORT, cameras=(evolve(DOOR, age=age),)))[0]


def test_one_of_a_thing_is_singular() -> None:
    """Of frames and of gaps."""
    assert plain_lines(evolve(REPORT, cameras=(evolve(DOOR, frames=1, gaps=1),)))[0].endswith(", 1 frame, 1 gap")


def test_a_hop_that_is_not_known() -> None:
    """Of a camera that does not say when it took its pictures, the rest is shown."""
    camera = evolve(DOOR, latency=CameraLatency("front-door", 15, None, 1.4, 9.1, 10.5))
    assert "latency 10 ms = ? + 1 + 9," in plain_lines(evolve(REPORT, cameras=(camera,)))[0]


def test_plain_lines_without_a_server() -> None:
    """One line says what is wrong; what a server said moves no cursor."""
    assert plain_lines(evolve(REPORT, state="waiting", trouble="\x1b[2Jrefused")) == [
        "http://h:8080  waiting: ?[2Jrefused"
    ]


def test_a_camera_that_the_server_does_not_know_gets_a_line() -> None:
    """Instead of silence for ever; the other cameras have their lines as before."""
    said = "nosuch: the server knows no such camera"
    assert plain_lines(evolve(REPORT, cameras=()), ["nosuch"]) == [said]
    assert plain_lines(REPORT, ["nosuch"])[1:] == [plain_lines(REPORT)[1], said]
    assert plain_lines(evolve(REPORT, state="waiting"), ["nosuch"]) == ["http://h:8080  waiting"]


async def test_a_key_is_obeyed_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """The table does not wait for its next report."""
    stream = StringIO()
    display = ViewerDisplay(stream, lambda: REPORT, Style.TABLE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(display.run)
        await trio.testing.wait_all_tasks_blocked()
        start, before = trio.current_time(), stream.getvalue()
        assert not display.press("?")
        await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() == start
        assert "quit" in stream.getvalue()[len(before) :]
        assert display.press("?") or display.press("q")
        nursery.cancel_scope.cancel()


def test_json_is_one_object_a_line() -> None:
    """Programs get every figure, unrounded, by name."""
    line = json_line(REPORT)
    assert "\n" not in line
    parsed = json.loads(line)
    assert parsed["state"] == "live"
    assert parsed["time"] > 1.6e9
    assert parsed["cameras"][0]["client_id"] == "front-door"
    assert parsed["cameras"][0]["age"] == 0.0123
    assert parsed["cameras"][1]["width"] is None
    assert parsed["cameras"][0]["latency"] == pytest.approx(
        {"frames": 15, "capture": 0.0204, "server": 0.0014, "delivery": 0.0091, "total": 0.0309}
    )
    assert parsed["cameras"][1]["latency"] is None


@pytest.mark.parametrize(("style", "shown"), [(Style.TABLE, 6), (Style.LINES, 1), (Style.JSON, 3)])
async def test_reports_come_at_their_time(style: Style, shown: int, autojump_clock: trio.testing.MockClock) -> None:
    """Twice a second on a terminal, once a second for programs, every ten seconds for people who read logs."""
    stream = StringIO()
    reports = 0

    def report() -> ViewerReport:
        nonlocal reports
        reports += 1
        return REPORT

    display = ViewerDisplay(stream, report, style)
    with trio.move_on_after(2.9):
        await display.run()
    assert reports == shown
    assert "front-door" in stream.getvalue()
    await display.finish()
    assert reports == shown + 1
    assert stream.getvalue().endswith("\n")
