"""Names of cameras: ids that are refused, and labels that are cleaned."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.identity import MAX_LABEL_LENGTH, check_camera_id, clean_label

ANY_TEXT = st.text(st.characters(codec=None))


@given(
    camera_id=st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True).filter(
        lambda text: text.strip(".") or len(text) > 2
    )
)
def test_an_id_is_returned_as_it_is(camera_id: str) -> None:
    """Letters, digits and the three signs are allowed, up to 64 of them."""
    assert check_camera_id(camera_id) == camera_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "../etc/passwd",
        "a/b",
        "a b",
        " a",
        "a\n",
        "a\r\nSet-Cookie: x",
        "a\0",
        "<script>alert(1)</script>",
        "caf\u00e9",
        "\uff41",
        "\u0661",
        "a\u202eb",
        "\ud800",
        "a" * 65,
        "a" * 10_000,
    ],
)
def test_what_is_no_id_is_refused_with_what_it_was(text: str) -> None:
    """The refusal shows a harmless, short form of what was given."""
    with pytest.raises(ProtocolViolation) as refused:
        check_camera_id(text)

    assert (refused.value.code, refused.value.close_code) == ("invalid-client-id", 1008)
    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1200


@given(text=ANY_TEXT)
def test_any_text_is_an_id_or_refused(text: str) -> None:
    """Nothing else is raised, and what passes needs no quoting in addresses and file names."""
    with suppress(ProtocolViolation):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", check_camera_id(text), re.ASCII)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (None, None),
        ("", None),
        (" \t\n", None),
        ("\u202e\u200f", None),
        ("  Front door ", "Front door"),
        ("Caf\u00e9 \u2013 <b>", "Caf\u00e9 \u2013 <b>"),
        ("a\x1b[2Jb\x00c", "a[2Jbc"),
        ("x" * 100, "x" * 80),
        ("\ud800a", "a"),
    ],
)
def test_of_a_label_stays_what_can_be_shown(text: str | None, label: str | None) -> None:
    """Control characters, direction marks and lone surrogates go, and so does what is too long."""
    assert clean_label(text) == label


@given(text=ANY_TEXT)
def test_every_label_can_be_shown_and_sent(text: str) -> None:
    """Whatever was said, the label is short, printable, valid Unicode and clean already."""
    label = clean_label(text)

    if label is not None:
        assert 0 < len(label) <= MAX_LABEL_LENGTH
        assert label.isprintable()
        assert label.encode()
        assert clean_label(label) == label
