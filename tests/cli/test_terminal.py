from __future__ import annotations

import os
import pty
import termios
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.colors import Color
from skysentry_trio.cli.terminal import (
    LiveBlock,
    Span,
    counted,
    draw_line,
    fit,
    format_bytes,
    format_counts,
    printable,
    window_size,
    wrap_parts,
    wrap_text,
)


@pytest.fixture
def _small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "5")


@pytest.mark.usefixtures("_small_window")
def test_a_block_is_written_over_itself() -> None:
    """The cursor goes back up over the lines that stand there; leaving begins a new line."""
    stream = StringIO()
    block = LiveBlock(stream)
    block.show(["one", "two"])
    block.show(["three"])
    block.show(["four"])
    block.leave()
    assert stream.getvalue() == (
        "\rone\x1b[K\ntwo\x1b[J"
        "\r\x1b[1Athree\x1b[J"
        "\rfour\x1b[J"
        "\n"
    )  # fmt: skip


@pytest.mark.usefixtures("_small_window")
def test_a_block_fits_into_the_window() -> None:
    """Long lines are cut off, and lines below the window are counted instead of shown."""
    stream = StringIO()
    LiveBlock(stream).show(["x" * 50, *"abcdef"])
    lines = stream.getvalue().replace("\x1b[K", "").replace("\x1b[J", "").lstrip("\r").split("\n")
    assert lines == ["x" * 18 + "…", "a", "b", "… and 4 more lines"]


def test_a_block_that_was_never_shown_leaves_nothing() -> None:
    """Leaving without having shown anything writes nothing."""
    stream = StringIO()
    LiveBlock(stream).leave()
    assert stream.getvalue() == ""


@given(st.text(), st.integers(0, 80))
def test_fitted_text_is_one_line_that_moves_no_cursor(text: str, width: int) -> None:
    """Whatever a remote party said, it stays on its line and within the width."""
    shown = fit(text, width)
    assert shown.isprintable()
    assert len(shown) <= max(1, width)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_400, "99.4 kB"),
        (412_300, "412 kB"),
        (999_600, "1.0 MB"),
        (5e9, "5.0 GB"),
        (7e12, "7.0 TB"),
    ],
)
def test_bytes_are_written_in_three_digits(count: float, text: str) -> None:
    """Large enough units, few enough digits."""
    assert format_bytes(count) == text


def test_counts_are_written_by_cause() -> None:
    """The largest comes first; none is just none."""
    assert format_counts({"bad": 1, "behind": 3}) == ["4 dropped (behind 3, bad 1)"]
    assert format_counts({}) == ["0 dropped"]


def test_frames_that_nobody_needs_are_not_lost() -> None:
    """Viewers or the user asked for fewer, so nothing was dropped."""
    assert format_counts({"demand": 81}) == ["0 dropped", "81 not needed"]
    assert format_counts({"demand": 81, "rate": 4, "uplink": 2}) == ["2 dropped (uplink 2)", "85 not needed"]


def test_one_thing_is_singular() -> None:
    """And none are several."""
    assert [counted(number, "time") for number in (0, 1, 2)] == ["0 times", "1 time", "2 times"]


def test_a_line_is_cut_where_it_is_seen_to_end() -> None:
    """Colours take no columns, and a part that is cut off still ends its colour."""
    line = [Span("front-door"), Span("  "), Span("live", Color.GOOD), Span("  15 fps")]
    assert draw_line(line, 30, in_color=True) == "front-door  \x1b[32mlive\x1b[0m  15 fps"
    assert draw_line(line, 24, in_color=False) == "front-door  live  15 fps"
    assert draw_line(line, 23, in_color=False) == "front-door  live  15 f…"
    assert draw_line(line, 16, in_color=True) == "front-door  \x1b[32mliv…\x1b[0m"
    assert draw_line(line, 12, in_color=False) == "front-door …"
    assert draw_line([Span("a\x1b[2Jb", Color.BAD)], 10, in_color=True) == "\x1b[31ma?[2Jb\x1b[0m"


@given(st.lists(st.tuples(st.text(max_size=12), st.sampled_from([None, *Color]))), st.integers(1, 40))
def test_no_line_is_wider_than_the_window(parts: list[tuple[str, Color | None]], width: int) -> None:
    """Whatever its parts are, and a line that fits is whole."""
    whole = printable("".join(text for text, _ in parts))
    shown = draw_line([Span(*part) for part in parts], width, in_color=False)
    assert len(shown) <= width
    assert shown == whole if len(whole) <= width else shown[:-1] == whole[: width - 1]


def test_a_long_reason_is_wrapped_and_whole() -> None:
    """Words stay whole if they fit; longer ones are broken; what a peer wrote moves no cursor."""
    assert wrap_text("cannot open rtsp://h/x: refused\n", 16) == ["  cannot open", "  rtsp://h/x:", "  refused?"]
    assert wrap_text("abcdefghij", 6) == ["  abcd", "  efgh", "  ij"]


def test_parts_of_a_status_go_to_further_lines() -> None:
    """Each line is as full as can be, and no part is divided."""
    parts = [Span("term"), Span("live"), Span("1 frame"), Span("0.0 fps"), Span("nobody watches")]
    lines = ["".join(span.text for span in line) for line in wrap_parts(parts, 20)]
    assert lines == ["term  live  1 frame", "  0.0 fps", "  nobody watches"]


def test_the_window_is_that_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of stdout, which may be a file; a stream without a window counts as 80 columns."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)
    assert window_size(StringIO()) == (80, 24)
    window, side = pty.openpty()
    termios.tcsetwinsize(side, (7, 33))
    with os.fdopen(side, "w") as stream:
        assert window_size(stream) == (33, 7)
        monkeypatch.setenv("COLUMNS", "20")
        assert window_size(stream) == (20, 7)
    os.close(window)
