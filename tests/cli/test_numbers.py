"""Numbers on the command line."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from skysentry_trio.cli.numbers import Number, WholeNumber


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (Number(0, 1000, min_open=True), "fast", "expected a number above 0 to 1000, got 'fast'"),
        (Number(0), "-1", "expected a number from 0, got '-1'"),
        (WholeNumber(1, 100), "2.5", "expected a whole number from 1 to 100, got '2.5'"),
        (WholeNumber(1), "0", "expected a whole number from 1, got '0'"),
    ],
)
def test_a_wrong_number_is_explained(kind: Number | WholeNumber, text: str, sentence: str) -> None:
    """The sentence has the limits and the text, and the exit status is 2."""
    result = CliRunner().invoke(click.Command("run", params=[click.Option(["--fps"], type=kind)]), ["--fps", text])

    assert (result.exit_code, sentence in result.stderr) == (2, True)


def test_numbers_within_the_limits_are_taken() -> None:
    """A number is a float, a whole number an int."""
    assert [Number(0, 10).convert("2.5", None, None), WholeNumber(1).convert("7", None, None)] == [2.5, 7]
