from __future__ import annotations

from attrs import evolve

from skysentry_trio.base.colors import Color
from skysentry_trio.cli.terminal import Line, draw_line
from skysentry_trio.cli.viewer_table import TableView
from skysentry_trio.client.engine.viewer import ViewerReport
from skysentry_trio.wire.viewer import CameraLatency
from tests.cli.viewer_reports import DOOR, NEW, REPORT

MANY = evolve(REPORT, cameras=tuple(evolve(NEW, camera_id=f"cam-{number:02}") for number in range(30)))


def plain(lines: list[Line], width: int = 200) -> list[str]:
    return [draw_line(line, width, in_color=False) for line in lines]


def drawn(view: TableView, report: ViewerReport, width: int = 200, height: int = 24) -> list[str]:
    return plain(view.draw(report, (), width, height))


def shown_ids(view: TableView, report: ViewerReport, height: int = 24) -> list[str]:
    return [line.split()[0] for line in drawn(view, report, height=height)[2:-1]]


def test_the_table() -> None:
    """A line for the connection, one for the columns, one a camera; numbers stand to the right."""
    assert drawn(TableView(), REPORT) == [
        "http://h:8080  live",
        "CAMERA      STATE   FPS      RATE     SIZE    AGE             LATENCY  FRAMES  GAPS",
        "front-door  live   15.0  300 kB/s  640x360  12 ms  31 ms = 20 + 1 + 9     300     2",
        "yard        live    0.0     0 B/s        -      -                   -       0     0",
    ]


def test_the_state_has_a_color() -> None:
    """Green, yellow, red: trouble is seen from afar."""
    cameras = (
        DOOR,
        evolve(NEW, silent=9.0),
        evolve(NEW, camera_id="yard2", condition="frozen"),
        evolve(NEW, camera_id="z", online=False),
    )
    lines = TableView().draw(evolve(REPORT, cameras=cameras), (), 200, 24)
    colors = [
        next(span.color for span in line if not isinstance(span, str) and span.text.strip() == state)
        for line, state in zip(lines[2:], ["live", "silent 9 s", "frozen", "offline"], strict=True)
    ]
    assert colors == [Color.GOOD, Color.WARNING, Color.WARNING, Color.BAD]


def test_the_table_without_cameras() -> None:
    """It is said that there are none, and what is wrong, whole and on lines of its own."""
    report = evolve(REPORT, cameras=(), state="waiting", trouble="cannot connect: Connection refused; trying again")
    assert drawn(TableView(), report, width=30) == [
        "http://h:8080  waiting",
        "  cannot connect: Connection",
        "  refused; trying again",
        "no cameras yet",
    ]


def test_a_camera_that_the_server_does_not_know_is_named() -> None:
    """A mistyped id is no camera that is yet to come."""
    lines = plain(TableView().draw(evolve(REPORT, cameras=()), ("nosuch",), 80, 24))
    assert lines == ["http://h:8080  live", "  the server knows no camera nosuch"]
    assert plain(TableView().draw(REPORT, ("nosuch",), 80, 24))[-1] == "  the server knows no camera nosuch"


def test_a_narrow_window_drops_columns_by_priority() -> None:
    """What matters least goes first, and no row is cut."""
    titles = {width: drawn(TableView(), REPORT, width)[1].split() for width in (83, 80, 70, 55, 40, 34, 22, 10)}
    assert titles == {
        83: ["CAMERA", "STATE", "FPS", "RATE", "SIZE", "AGE", "LATENCY", "FRAMES", "GAPS"],
        80: ["CAMERA", "STATE", "FPS", "RATE", "SIZE", "AGE", "LATENCY", "GAPS"],
        70: ["CAMERA", "STATE", "FPS", "RATE", "AGE", "LATENCY", "GAPS"],
        55: ["CAMERA", "STATE", "FPS", "RATE", "AGE", "LATENCY", "GAPS"],
        40: ["CAMERA", "STATE", "FPS", "AGE", "LATENCY"],
        34: ["CAMERA", "STATE", "FPS", "LATENCY"],
        22: ["CAMERA", "STATE"],
        10: ["CAMERA", "STATE"],
    }
    for width in range(16, 90):
        rows = plain(TableView().draw(REPORT, (), width, 24), width)[1:]
        assert not any(row.endswith("…") for row in rows), width
    assert "31 ms  " in drawn(TableView(), REPORT, 55)[2], "the sum stays when its parts have no room"


def test_without_keys_cameras_below_the_window_are_counted() -> None:
    """As many as are not shown."""
    lines = drawn(TableView(), MANY, height=10)
    assert len(lines) == 10
    assert lines[-1] == "… and 23 more cameras"
    assert lines[-2].startswith("cam-06 ")


def test_the_table_scrolls() -> None:
    """By lines and by pages, never past an end, and says where it is."""
    view = TableView(has_keys=True)
    assert shown_ids(view, MANY, 10) == [f"cam-{number:02}" for number in range(7)]
    assert drawn(view, MANY, height=10)[-1].startswith("1 to 7 of 30  q quit")
    for key, first in [("down", 1), ("down", 2), ("page down", 9), ("end", 23), ("down", 23), ("up", 22), ("home", 0)]:
        view.press(key)
        assert shown_ids(view, MANY, 10)[0] == f"cam-{first:02}"
    view.press("up")
    assert shown_ids(view, MANY, 10)[0] == "cam-00"
    view.press("end")
    few = evolve(MANY, cameras=MANY.cameras[:3])
    assert shown_ids(view, few, 10) == ["cam-00", "cam-01", "cam-02"], "cameras may leave"
    assert drawn(view, few, height=10)[-1].startswith("q quit")


def test_the_table_is_sorted_worst_first() -> None:
    """By each column in turn, and the last line names it."""
    cameras = (
        evolve(DOOR, camera_id="a"),
        evolve(DOOR, camera_id="b", online=False),
        evolve(DOOR, camera_id="c", fps=1.0, gaps=7),
        evolve(DOOR, camera_id="d", silent=12.0, age=3.0, bytes_per_second=1e6),
        evolve(DOOR, camera_id="e", latency=CameraLatency("e", 1, None, 400.0, 0.0, 400.0)),
    )
    view, orders = TableView(has_keys=True), {}
    for _ in range(8):
        orders[view.sorted_by] = "".join(shown_ids(view, evolve(REPORT, cameras=cameras)))
        assert view.sorted_by == "CAMERA" or f"by {view.sorted_by}" in drawn(view, REPORT)[-1]
        view.press("s")
    assert orders == {
        "CAMERA": "abcde",
        "STATE": "bdace",
        "FPS": "cabde",
        "RATE": "dabce",
        "AGE": "dabce",
        "LATENCY": "eabcd",
        "GAPS": "cabde",
    }


def test_cameras_are_found_by_a_part_of_their_id() -> None:
    """What is typed is text, not keys, until Enter or Escape."""
    view = TableView(has_keys=True)
    for key in ["/", "q", "backspace", "2", "up"]:
        assert not view.press(key)
    assert drawn(view, MANY)[-1].startswith("/2")
    assert shown_ids(view, MANY) == ["cam-02", "cam-12", *(f"cam-2{digit}" for digit in range(10))]
    view.press("enter")
    assert "/2" in drawn(view, MANY)[-1]
    assert len(shown_ids(view, MANY)) == 12
    for key in "/x":
        view.press(key)
    assert drawn(view, MANY)[1] == "no camera's id contains this text"
    view.press("escape")
    assert (view.find, view.is_typing) == ("", False)
    assert view.press("q")


def test_the_help_lists_the_keys() -> None:
    """Until it is asked for again."""
    view = TableView(has_keys=True)
    view.press("?")
    assert any(line.startswith("s ") for line in drawn(view, REPORT))
    view.press("?")
    assert drawn(view, REPORT)[2].startswith("front-door")


def test_a_window_of_any_size_is_not_overfilled() -> None:
    """There are as many lines as it has, at most, unless it is too small for anything."""
    for height in range(4, 20):
        for view in (TableView(), TableView(has_keys=True), TableView(has_keys=True, shows_help=True)):
            assert len(view.draw(MANY, (), 80, height)) <= height
