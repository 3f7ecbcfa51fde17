from __future__ import annotations

import os
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.cli.terminal import LiveBlock, fit, format_bytes, format_counts


@pytest.fixture
def _small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((20, 5)))


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
    assert format_counts({"bad": 1, "behind": 3}) == "4 dropped (behind 3, bad 1)"
    assert format_counts({}) == "0 dropped"
