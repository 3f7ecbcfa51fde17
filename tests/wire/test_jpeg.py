"""The JPEG check against real pictures, cut, prolonged and bent."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.jpeg import inspect_jpeg, trim_jpeg
from tests.wire.pictures import KINDS, draw_jpeg, exif_with_thumbnail, multi_picture_segment

BASELINE = KINDS["baseline"][0]
SOI, EOI = b"\xff\xd8", b"\xff\xd9"
FRAME_HEADER = b"\xff\xc0\x00\x0b\x08\x00\x18\x00\x20\x01\x01\x11\x00"
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x55"


def refusal_of(data: bytes) -> str:
    """Return why the data is no JPEG."""
    with pytest.raises(ProtocolViolation) as refused:
        inspect_jpeg(data)
    assert (refused.value.code, refused.value.close_code, refused.value.http_status) == ("not-a-jpeg", 1008, 415)
    return str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_jpeg_has_the_size_its_decoder_finds(kind: str) -> None:
    """Every kind of JPEG that encoders write passes, with the right width and height."""
    jpeg, size = KINDS[kind]
    with Image.open(BytesIO(jpeg)) as image:
        assert image.size == size

    assert inspect_jpeg(jpeg) == size


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_is_refused(kind: str) -> None:
    """Wherever a JPEG was cut off, even where a thumbnail or comment ends like one, it is noticed."""
    jpeg, _ = KINDS[kind]
    for length in range(len(jpeg)):
        refusal_of(jpeg[:length])


@given(junk=st.binary(min_size=1).filter(lambda junk: not junk.endswith(EOI)))
def test_what_follows_the_end_is_refused(junk: bytes) -> None:
    """A JPEG with something after its end is none."""
    assert "to end with FF D9" in refusal_of(BASELINE + junk)


@given(data=st.binary())
def test_other_bytes_are_no_jpeg(data: bytes) -> None:
    """Whatever does not begin as a JPEG is refused, and the message shows how it begins."""
    if data[:2] != SOI:
        assert "begins with FF D8" in refusal_of(data)


@given(
    middle=st.lists(
        st.one_of(
            st.binary(max_size=6), st.sampled_from([FRAME_HEADER, SCAN, b"\xff", b"\xff\xd0", b"\xff\xe0\x00\x02"])
        )
    )
)
def test_whatever_is_between_start_and_end_only_a_refusal_is_raised(middle: list[bytes]) -> None:
    """No bytes make the walk fail in another way."""
    with suppress(ProtocolViolation):
        width, height = inspect_jpeg(SOI + b"".join(middle) + EOI)
        assert width
        assert height


@given(position=st.integers(0, len(BASELINE) - 1), value=st.integers(0, 255))
def test_a_wrong_byte_raises_nothing_but_a_refusal(position: int, value: int) -> None:
    """A JPEG with any one byte changed passes or is refused."""
    with suppress(ProtocolViolation):
        inspect_jpeg(BASELINE[:position] + bytes((value,)) + BASELINE[position + 1 :])


def test_fill_bytes_and_markers_that_stand_alone_are_stepped_over() -> None:
    """FF may be repeated before a marker, and RST and TEM have no length (T.81 section B.1.1)."""
    assert inspect_jpeg(SOI + b"\xff\xff\xff\x01\xff\xd3" + FRAME_HEADER + b"\xff" + SCAN + EOI) == (32, 24)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty message"),
        (b"\x89PNG\r\n\x1a\n", "begin with 89 50 4E 47"),
        (SOI, "end with FF D9"),
        (SOI + EOI, "FF D9 at byte 2 comes before any frame header"),
        (SOI + SOI + EOI, "FF D8 at byte 2 comes before"),
        (SOI + SCAN + EOI, "FF DA at byte 2 comes before"),
        (SOI + FRAME_HEADER + EOI, "FF D9 at byte 15 comes before"),
        (SOI + b"\x00\x10" + EOI, "expected a JPEG marker at byte 2, got 0x00"),
        (SOI + b"\xff\xe0\x00\x01" + EOI, "at byte 2 says it is 1 bytes long"),
        (SOI + b"\xff\xe0\xff\xff" + EOI, "cut off"),
        (SOI + b"\xff\xc0\x00\x0b\x08\x00\x00\x00\x20\x01\x01\x11\x00" + SCAN + EOI, "32x0 pixels"),
        (SOI + b"\xff\xc0\x00\x0b\x08\x00\x18\x00\x00\x01\x01\x11\x00" + SCAN + EOI, "0x24 pixels"),
        (SOI + b"\xff\xc0\x00\x08\x08\x00\x18\x00\x20\x00" + SCAN + EOI, "frame header at byte 2"),
        (SOI + b"\xff\xe0\x00\x02" * 300 + FRAME_HEADER + SCAN + EOI, "more than 256 segments"),
    ],
)
def test_the_refusal_says_what_was_found(data: bytes, reason: str) -> None:
    """Whoever sent it can see from the message what is wrong with it."""
    assert reason in refusal_of(data)


def test_the_size_is_that_of_the_picture_and_not_of_its_thumbnail() -> None:
    """A thumbnail in the Exif segment has a frame header too, which does not count."""
    jpeg = draw_jpeg((320, 200), exif=exif_with_thumbnail())

    assert jpeg.count(SOI) == 2
    assert inspect_jpeg(jpeg) == (320, 200)


# Trimming

SAMSUNG = b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data1777636800250SEFHk\0\0\0\1\0\0\0\0\0\1\x0a#\0\0\0#\0\0\0\x18\0\0\0SEFT"
MOTION_PHOTO = (
    b"MotionPhoto_Data" + b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40 + EOI + b"mdat" + SOI + b"\xff" + EOI + b"free"
)
JUNK = [b"\0", 512 * b"\0", b"\r\n", b"\n", 96 * b"\xa5", 3 * b"\xff", EOI + b"\0", SAMSUNG, MOTION_PHOTO]


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_one_jpeg_is_not_copied(kind: str) -> None:
    """Whatever is in it, it comes back as the same object, with the size that its decoder finds."""
    jpeg, size = KINDS[kind]

    trimmed = trim_jpeg(jpeg)

    assert trimmed.data is jpeg
    assert trimmed.size == size
    assert jpeg[trimmed.scan : trimmed.scan + 2] == b"\xff\xda"
    assert trimmed.has_tables


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk[:12]))
def test_what_follows_the_end_is_cut_off(kind: str, junk: bytes) -> None:
    """The trailer of a phone, padding and line ends; a thumbnail's or comment's end is not the end."""
    jpeg, size = KINDS[kind]

    assert trim_jpeg(jpeg + junk)[:2] == (jpeg, size)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "junk", [b"\0", 512 * b"\0", b"\r\n\r\n", 4000 * b"\xff", EOI], ids=lambda junk: repr(junk[:8])
)
def test_what_comes_before_the_start_is_cut_off(kind: str, junk: bytes) -> None:
    """Line ends of a form, what is left of the picture before, and the first half of a marker."""
    jpeg, size = KINDS[kind]

    assert trim_jpeg(junk + jpeg)[:2] == (jpeg, size)
    assert trim_jpeg(junk + jpeg + junk, thorough=True)[:2] == (jpeg, size)


def test_a_picture_inside_of_a_file_of_another_kind_is_not_meant() -> None:
    """The preview in a raw file or a document is not the picture that was sent."""
    with pytest.raises(ProtocolViolation, match="begins with FF D8"):
        trim_jpeg(b"%PDF-1.7\n" + bytes(5000) + BASELINE)


@pytest.mark.parametrize("kind", KINDS)
def test_of_two_pictures_the_first_is_taken(kind: str) -> None:
    """A second picture of the same encoder behind the first costs bytes and is shown by no decoder."""
    jpeg, size = KINDS[kind]

    for between in (b"", b"\r\n", bytes(100)):
        assert trim_jpeg(jpeg + between + jpeg)[:2] == (jpeg, size)


def test_data_of_the_size_of_one_picture_is_not_searched_for_a_second_one() -> None:
    """The caller knows how large pictures of this camera are, and the search would take a while for every picture."""
    two = BASELINE + BASELINE

    assert trim_jpeg(two, surely_single=len(two)).data == two
    assert trim_jpeg(two, surely_single=len(two) - 1).data == BASELINE


def test_announced_pictures_are_cut_off() -> None:
    """A phone announces its gain map or second view in the first picture (CIPA DC-007); it begins otherwise."""
    first = BASELINE[:2] + multi_picture_segment() + BASELINE[2:]

    assert trim_jpeg(first).data == first
    assert trim_jpeg(first + draw_jpeg((8, 8), quality=10, mode="L"))[:2] == (first, (32, 24))


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_without_an_end_is_refused(kind: str) -> None:
    """Wherever it was cut off, with or without padding: decoders would show a part of the picture or nothing."""
    jpeg, _ = KINDS[kind]
    for length in range(len(jpeg)):
        with pytest.raises(ProtocolViolation) as refused:
            trim_jpeg(jpeg[:length])
        assert refused.value.code == "not-a-jpeg"
    with pytest.raises(ProtocolViolation, match="have no end"):
        trim_jpeg(BASELINE[:-2] + bytes(64))


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_whatever_is_around_a_jpeg_the_jpeg_comes_out_or_a_refusal(before: bytes, behind: bytes) -> None:
    """Only bytes that look like the start of another JPEG in front of it can hide it."""
    if SOI + b"\xff" not in (before + BASELINE)[: len(before) + 2]:
        assert trim_jpeg(before + BASELINE + behind, thorough=True).data == BASELINE
        if not behind.endswith(EOI):
            assert trim_jpeg(before + BASELINE + behind).data == BASELINE
    with suppress(ProtocolViolation):
        trim_jpeg(before + behind)
