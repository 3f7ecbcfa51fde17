from __future__ import annotations

from io import StringIO

import pytest
import trio
from attrs import evolve

from skysentry_trio.cli.camera_display import CameraDisplay, shown_state, status_line, status_lines, summary_line
from skysentry_trio.cli.terminal import Span
from skysentry_trio.client.engine.camera import CameraReport
from skysentry_trio.client.engine.uplink_controller import NO_REDUCTION, Reduction
from skysentry_trio.wire.capture import Demand

LIVE = CameraReport(
    camera_id="door",
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
    assert status_line(LIVE) == "door  live  1234 frames  29.9 fps  412 kB/s  2 dropped (behind 2)  1 not needed"


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (LIVE, "live"),
        (evolve(LIVE, frames=0), "no picture yet"),
        (evolve(LIVE, trouble="cannot open", source_trouble="cannot open"), "no picture"),
        (evolve(LIVE, trouble="the server refused a frame"), "refused"),
        (evolve(WAITING, source_trouble="cannot open"), "waiting"),
    ],
)
def test_a_camera_without_a_picture_is_not_live(report: CameraReport, state: str) -> None:
    """Being connected is not enough."""
    assert shown_state(report) == state
    assert status_line(report).startswith(f"door  {state}")


def test_a_reason_is_shown_whole() -> None:
    """On lines of its own in a window; without a window, before all figures."""
    trouble = "cannot open rtsp://camera.example.org:554/stream1: Connection refused; trying again in 3.2 s"
    report = evolve(LIVE, frames=0, dropped={}, trouble=trouble, source_trouble=trouble)
    head, *reason = [
        line if isinstance(line, str) else "".join(s.text for s in line) for line in status_lines(report, 79)
    ]
    assert head.startswith("door  no picture  0 frames")
    assert " ".join(line.strip() for line in reason) == trouble
    assert all(line.startswith("  ") and len(line) <= 79 for line in reason)
    assert status_line(report).startswith(f"door  no picture: {trouble}  0 frames")


def test_a_narrow_window_loses_no_figure() -> None:
    """They go on in further lines."""
    report = evolve(LIVE, frames=1, demand=Demand(0, 0.2), dropped={"demand": 81})
    lines = ["".join(span.text for span in line if isinstance(span, Span)) for line in status_lines(report, 39)]
    assert lines == [
        "door  live  1 frame  29.9 fps  412 kB/s",
        "  nobody watches (0.2 fps)  0 dropped",
        "  81 not needed",
    ]


@pytest.mark.parametrize(
    ("demand", "reduction", "said"),
    [
        (Demand(3), NO_REDUCTION, "3 viewers"),
        (Demand(1, 12.5, 640, 0.6), NO_REDUCTION, "1 viewer (12.5 fps, 640 px, quality 60)"),
        (Demand(0, 0.2), NO_REDUCTION, "nobody watches (0.2 fps)"),
        (None, Reduction(0.7, 0.75, 1.0), "slow uplink: quality 70 %, width 75 %"),
        (Demand(2), Reduction(0.5, 0.5, 0.4), "2 viewers  slow uplink: quality 50 %, width 50 %, rate 40 %"),
    ],
)
def test_what_is_wanted_is_shown(demand: Demand | None, reduction: Reduction, said: str) -> None:
    """Who watches and what they need, and what of it the uplink does not carry."""
    assert f"412 kB/s  {said}  2 dropped" in status_line(evolve(LIVE, demand=demand, reduction=reduction))


def test_the_status_of_a_camera_that_is_not_live() -> None:
    """Why it is not is all that matters."""
    assert status_line(WAITING) == f"door  waiting: {WAITING.trouble}"
    assert status_line(evolve(LIVE, state="connecting")) == "door  connecting"


def test_the_summary() -> None:
    """What the camera did in all; the first connection was no reconnect."""
    expected = "door: sent 1234 frames (50.0 MB), 2 dropped (behind 2), 1 not needed, reconnected 2 times"
    assert summary_line(LIVE) == expected
    assert summary_line(evolve(LIVE, connections=2, frames=1)).startswith("door: sent 1 frame (")
    assert summary_line(evolve(LIVE, connections=2)).endswith("reconnected 1 time")
    assert summary_line(evolve(LIVE, connections=0)).endswith("reconnected 0 times")


async def test_on_a_terminal_one_line_is_rewritten(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times a second, on the same line, and a summary below it in the end."""
    monkeypatch.setenv("COLUMNS", "100")
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
