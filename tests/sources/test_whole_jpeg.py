from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.sources.whole_jpeg import standard_huffman_tables, whole_jpeg
from skysentry_trio.wire.jpeg import inspect_jpeg
from tests.jpegs import draw_jpeg, size_of
from tests.wire.pictures import exif_jpeg, xmp_jpeg


def without_tables(jpeg: bytes) -> bytes:
    """Return the JPEG without its DHT segments, as AVI cameras send it."""
    out, position = bytearray(jpeg[:2]), 2
    while jpeg[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        if jpeg[position + 1] != 0xC4:
            out += jpeg[position:end]
        position = end
    return bytes(out + jpeg[position:])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"comment": b"\xff\xd9"}])
def test_a_whole_jpeg_stays_as_it_is(options: dict[str, object]) -> None:
    """Not a byte is changed in a JPEG that needs nothing, whatever is in it."""
    jpeg = draw_jpeg(5, (200, 160), **options)
    assert whole_jpeg(jpeg) == jpeg


@given(st.binary(max_size=200))
def test_what_follows_the_picture_is_cut_off(junk: bytes) -> None:
    """Padding, a second picture or anything else behind the end is gone."""
    jpeg = draw_jpeg(1)
    assert whole_jpeg(jpeg + junk) == jpeg
    assert whole_jpeg(jpeg + junk + jpeg) == jpeg


def test_missing_huffman_tables_are_put_in() -> None:
    """A frame without tables, which no browser shows, becomes a JPEG that can be decoded."""
    stripped = without_tables(draw_jpeg(9, (64, 48)))
    assert b"\xff\xc4" not in stripped
    mended = whole_jpeg(stripped)
    inspect_jpeg(mended)
    assert size_of(mended) == (64, 48)


def test_the_standard_tables_are_those_of_the_standard() -> None:
    """Four tables of the lengths in annex K.3: 12 and 162 codes, for luminance and chrominance."""
    tables = standard_huffman_tables()
    values = tables.count(bytes([0x7D, 1, 2, 3])), tables.count(bytes([0x77, 0, 1, 2]))
    assert values == (1, 1)
    assert tables.startswith(b"\xff\xc4")


def test_fill_bytes_before_a_marker_are_passed_over() -> None:
    """FF may be repeated before a marker (section B.1.1.2)."""
    jpeg = draw_jpeg(1)
    filled = jpeg[:2] + b"\xff\xff" + jpeg[2:]
    assert whole_jpeg(filled) == filled


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"GIF89a",
        b"\xff\xd8\xff\xd9",
        draw_jpeg()[:-2],
        draw_jpeg()[:50],
        b"\xff\xd8\x00\x00",
    ],
)
def test_what_is_no_whole_jpeg_is_refused(data: bytes) -> None:
    """Nothing, fragments and other formats are no JPEG."""
    with pytest.raises(ProtocolViolation):
        whole_jpeg(data)


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    """Arbitrary bytes behind a beginning that looks right give a JPEG or a refusal, nothing else."""
    try:
        result = whole_jpeg(b"\xff\xd8\xff" + data)
    except ProtocolViolation:
        return
    inspect_jpeg(result)


def test_very_many_fill_bytes_are_skipped_in_one_step() -> None:
    """A megabyte of them between two segments takes less time than one step for each byte would."""
    jpeg = draw_jpeg()
    padded = jpeg[:2] + b"\xff" * 1_000_000 + jpeg[2:]
    started = time.thread_time()
    with pytest.raises(ProtocolViolation, match="the picture itself"):
        whole_jpeg(padded)
    assert time.thread_time() - started < 0.1


@pytest.mark.parametrize("orientation", [1, 6])
def test_an_orientation_that_browsers_ignore_is_written_where_they_see_it(orientation: int) -> None:
    """XMP is not obeyed by them, EXIF is; nothing else changes."""
    jpeg = xmp_jpeg(orientation)
    whole = whole_jpeg(jpeg)
    assert inspect_jpeg(whole) == ((32, 24) if orientation == 1 else (24, 32))
    assert (whole == jpeg) == (orientation == 1)
    assert whole_jpeg(whole) == whole
    assert whole_jpeg(exif_jpeg(6)) == exif_jpeg(6)
