"""Which language the pages have that the server writes itself."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from skysentry_trio.base.languages import choose_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-US,de;q=0.3", "en"),
        ("en;q=0.2,DE-ch", "de"),
        ("fr,de;q=0.5", "de"),
        ("fr", "en"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_best_of_the_languages_that_there_are(header: str | None, language: str) -> None:
    """A variant counts as its language, and English is for everybody else."""
    assert choose_language(parse_accept_header(header, LanguageAccept)) == language
