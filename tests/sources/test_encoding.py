from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.sources.encoding import UNCHANGED, ResizeSpec, encode_jpeg, reshape_jpeg
from skysentry_trio.wire.orientation import read_orientations
from tests.jpegs import draw_jpeg, size_of
from tests.sources.videos import half_red, red_corner


@given(st.integers(16, 4000), st.integers(1, 4000), st.integers(1, 4000))
def test_a_picture_is_made_smaller_and_never_larger(limit: int, width: int, height: int) -> None:
    """The width obeys its limit, the height follows, both are even; small pictures stay as they are."""
    new_width, new_height = ResizeSpec(limit).size_for(width, height)
    if width <= limit:
        assert (new_width, new_height) == (width, height)
    else:
        assert abs(new_width - limit) <= 1
        assert new_width % 2 == new_height % 2 == 0
        assert abs(new_height - height * limit / width) <= 1 or new_height == 2


def test_a_jpeg_that_is_right_is_not_touched() -> None:
    """No wish, or one that is already fulfilled, costs no quality."""
    jpeg = draw_jpeg(3, (64, 48))
    assert reshape_jpeg(jpeg, UNCHANGED) is jpeg
    assert reshape_jpeg(jpeg, ResizeSpec(width=64)) is jpeg


def test_a_jpeg_is_encoded_anew_when_that_is_asked_for() -> None:
    """Width and quality are obeyed."""
    jpeg = draw_jpeg(3, (640, 480), quality=95)
    assert size_of(reshape_jpeg(jpeg, ResizeSpec(width=160))) == (160, 120)
    assert size_of(reshape_jpeg(jpeg, ResizeSpec(width=100))) == (100, 76)
    assert len(reshape_jpeg(jpeg, ResizeSpec(quality=5))) < len(jpeg)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_any_picture_can_be_encoded(mode: str) -> None:
    """Grey, transparent and indexed pictures become JPEGs too."""
    assert size_of(encode_jpeg(Image.new(mode, (20, 10)), None)) == (20, 10)


def test_a_jpeg_of_other_colours_is_encoded() -> None:
    """A CMYK JPEG, which few viewers show, can be made an ordinary one."""
    encoded = BytesIO()
    Image.new("CMYK", (40, 20)).save(encoded, "JPEG")
    assert size_of(reshape_jpeg(encoded.getvalue(), ResizeSpec(quality=50))) == (40, 20)


def test_what_cannot_be_decoded_is_refused() -> None:
    """A JPEG of a kind that no decoder knows is an error when it must be decoded."""
    jpeg = draw_jpeg(3, (64, 48))
    broken = jpeg.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x07")
    with pytest.raises(ProtocolViolation, match="cannot be decoded"):
        reshape_jpeg(broken, ResizeSpec(width=32))


def test_what_others_want_comes_on_top_of_the_users_wish() -> None:
    """The smaller of two limits counts, and factors come after both; nothing at all changes nothing."""
    assert UNCHANGED.within(UNLIMITED) == UNCHANGED
    assert ResizeSpec(320, 70).within(UNLIMITED) == ResizeSpec(320, 70)
    assert ResizeSpec(320, 70).within(EncoderTarget(max_width=640, max_quality=90)) == ResizeSpec(320, 70)
    assert ResizeSpec(320, 70).within(EncoderTarget(max_width=160, max_quality=50)) == ResizeSpec(160, 50)
    assert UNCHANGED.within(EncoderTarget(quality_factor=0.5, width_factor=0.75)) == ResizeSpec(None, 40, 0.75)
    assert ResizeSpec(width=320, scale=0.5).size_for(640, 480) == (160, 120)
    assert ResizeSpec(scale=0.5).size_for(640, 480) == (320, 240)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_encoded_upright(orientation: int) -> None:
    """The width is that of the upright picture; the new JPEG needs no orientation."""
    encoded, exif = BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    half_red((640, 320)).save(encoded, "JPEG", exif=exif, quality=95)
    jpeg = encoded.getvalue()
    corner, width = red_corner(jpeg), 640 if orientation < 5 else 320
    for shape, scale in ((ResizeSpec(width=width // 4), 4), (ResizeSpec(quality=50), 1)):
        small = reshape_jpeg(jpeg, shape)
        assert size_of(small) == (width // scale, (960 - width) // scale)
        assert red_corner(small) == corner
        assert read_orientations(small) == (None, None)
    assert reshape_jpeg(jpeg, ResizeSpec(width=width)) == jpeg
