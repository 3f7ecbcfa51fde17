from __future__ import annotations

import io

import pytest

from skysentry_trio.base.colors import Color, paint, wants_color


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "wanted"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colors_are_for_people_who_want_them(stream: io.StringIO, environ: dict[str, str], wanted: bool) -> None:
    """On a terminal, unless NO_COLOR is set to something; a file gets none."""
    assert wants_color(stream, environ) == wanted


def test_a_painted_text_ends_its_color() -> None:
    """What follows is as before; nothing is painted without a colour or a text."""
    assert paint("live", Color.GOOD) == "\x1b[32mlive\x1b[0m"
    assert (paint("live", None), paint("", Color.BAD)) == ("live", "")
