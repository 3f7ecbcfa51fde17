from __future__ import annotations

from io import StringIO

import trio
from attrs import evolve

from skysentry_trio.clients.camera import CameraReport
from skysentry_trio.clients.camera_display import CameraDisplay, status_line, summary_line

LIVE = CameraReport(
    client_id="door",
    state="live",
    trouble=None,
    frames=1234,
    nbytes=50_000_000,
    fps=29.94,
    bytes_per_second=412_345.0,
    dropped={"rate": 1, "behind": 2},
    connections=3,
)
WAITING = evolve(LIVE, state="waiting", trouble="cannot connect to http://h: refused; trying again in 1.0 s")


def test_the_status_of_a_live_camera() -> None:
    """Frames, rate, bytes and drops in one line, and the source's trouble if it has any."""
    assert status_line(LIVE) == "door  live  1234 frames  29.9 fps  412 kB/s  3 dropped (behind 2, rate 1)"
    assert status_line(evolve(LIVE, trouble="no picture")).endswith("rate 1)  no picture")


def test_the_status_of_a_camera_that_is_not_live() -> None:
    """Why it is not is all that matters."""
    assert status_line(WAITING) == f"door  waiting: {WAITING.trouble}"
    assert status_line(evolve(LIVE, state="connecting")) == "door  connecting"


def test_the_summary() -> None:
    """What the camera did in all; the first connection was no reconnect."""
    assert summary_line(LIVE) == ("door: sent 1234 frames (50.0 MB), 3 dropped (behind 2, rate 1), reconnected 2 times")
    assert summary_line(evolve(LIVE, connections=0)).endswith("reconnected 0 times")


async def test_on_a_terminal_one_line_is_rewritten(autojump_clock: trio.testing.MockClock) -> None:
    """Four times a second, on the same line, and a summary below it in the end."""
    stream = StringIO()
    display = CameraDisplay(stream, lambda: LIVE, is_terminal=True)
    with trio.move_on_after(0.9):
        await display.run()
    assert stream.getvalue().count("\r" + status_line(LIVE)) == 4
    assert "\n" not in stream.getvalue()
    display.finish()
    assert stream.getvalue().endswith("\n" + summary_line(LIVE) + "\n")


async def test_elsewhere_a_line_comes_now_and_then(autojump_clock: trio.testing.MockClock) -> None:
    """Every ten seconds, and at once when something has changed; connecting alone is no news."""
    stream = StringIO()
    states = {0: evolve(LIVE, state="connecting", connections=0), 1: LIVE, 15: WAITING, 16: evolve(LIVE, connections=4)}
    start = trio.current_time()

    def report() -> CameraReport:
        return states[max(time for time in states if time <= trio.current_time() - start)]

    display = CameraDisplay(stream, report, is_terminal=False)
    with trio.move_on_after(30):
        await display.run()
    assert [line.split(":")[0].split()[1] for line in stream.getvalue().splitlines()] == [
        "connecting",  # 0 s
        "live",  # 1 s
        "live",  # 11 s
        "waiting",  # 15 s
        "live",  # 16 s
        "live",  # 26 s
    ]
