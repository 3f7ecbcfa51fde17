from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from skysentry_trio.wire.jpeg import inspect_jpeg
from skysentry_trio.wire.orientation import orient, read_orientations
from tests.jpegs import draw_jpeg
from tests.wire.pictures import exif_jpeg, with_segment, xmp_jpeg


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_size_is_that_of_the_upright_picture(orientation: int, order: str) -> None:
    """As browsers and Pillow show it."""
    jpeg = exif_jpeg(orientation, order)
    with Image.open(BytesIO(jpeg)) as image:
        assert inspect_jpeg(jpeg) == ImageOps.exif_transpose(image).size
    assert read_orientations(jpeg) == (orientation, None)


def test_browsers_ignore_xmp() -> None:
    """So the size that viewers are told is not turned by it."""
    jpeg = xmp_jpeg(6)
    assert read_orientations(jpeg) == (None, 6)
    assert inspect_jpeg(jpeg) == (32, 24)


@pytest.mark.parametrize(
    "text",
    [b'tiff:Orientation="8"', b"tiff:Orientation = '8'", b"<tiff:Orientation>8</tiff:Orientation>"],
)
def test_xmp_is_written_in_several_ways(text: bytes) -> None:
    """As an attribute and as an element."""
    jpeg = with_segment(draw_jpeg(), b"http://ns.adobe.com/xap/1.0/\0" + text)
    assert read_orientations(jpeg) == (None, 8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_can_be_written(orientation: int) -> None:
    """It comes before others, and the pixels stay as they are."""
    for jpeg in (draw_jpeg(), xmp_jpeg(3), exif_jpeg(4)):
        turned = orient(jpeg, orientation)
        assert read_orientations(turned)[0] == orientation
        with Image.open(BytesIO(turned)) as image, Image.open(BytesIO(jpeg)) as before:
            assert image.tobytes() == before.tobytes()
        assert inspect_jpeg(turned) == ((32, 24) if orientation < 5 else (24, 32))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_invalid_orientation_is_ignored(orientation: int) -> None:
    """As browsers do."""
    assert read_orientations(exif_jpeg(orientation)) == (None, None)
    assert inspect_jpeg(exif_jpeg(orientation)) == (32, 24)


@given(st.binary(max_size=80))
def test_damaged_exif_is_ignored(content: bytes) -> None:
    """Nothing in it can raise an error or cost much time."""
    jpeg = with_segment(draw_jpeg(), b"Exif\0\0" + content)
    read_orientations(jpeg)
    inspect_jpeg(jpeg)
    read_orientations(content)


def test_a_directory_that_claims_to_be_long_is_searched_to_the_end_of_the_segment() -> None:
    """What is behind the segment is not part of it."""
    tiff = b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x11\0\x03\0\0\0\x01\0\x06\0\0"
    assert read_orientations(with_segment(draw_jpeg(), b"Exif\0\0" + tiff)) == (None, None)
