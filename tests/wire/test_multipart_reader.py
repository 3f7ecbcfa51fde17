"""Motion JPEG bodies as cameras send them: how they are cut into parts, what is mended, and what is refused."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame, RingStatistics
from skysentry_trio.wire.multipart import OPENING, encode_part
from skysentry_trio.wire.multipart_reader import MultipartReader, Part, read_timestamp
from tests.jpegs import draw_jpeg

STATS = RingStatistics(1, 16, 1, 0.0, 0.0)
LIMIT = 1000


def read_all(body: bytes, sizes: list[int] | None = None, limit: int = LIMIT, boundary: str = "") -> list[Part]:
    """Feed a body in pieces of these sizes, again and again, and return all parts."""
    reader, parts, turn = MultipartReader(limit, boundary), list[Part](), 0
    while body:
        size = (sizes or [len(body)])[turn % len(sizes or [0])]
        turn += 1
        reader.feed(body[:size])
        body = body[size:]
        while (part := reader.next_part()) is not None:
            parts.append(part)
    if (last := reader.finish()) is not None:
        parts.append(last)
    return parts


def read_data(body: bytes, sizes: list[int] | None = None, boundary: str = "") -> list[bytes]:
    return [part.data for part in read_all(body, sizes, boundary=boundary)]


frames = st.lists(
    st.builds(
        JpegFrame,
        sequence=st.integers(1, 10**9),
        received_at=st.floats(0, 4e9),
        captured_at=st.none(),
        jpeg=st.binary(max_size=300),
        width=st.just(1),
        height=st.just(1),
    ),
    max_size=5,
)
pieces = st.lists(st.integers(1, 50), min_size=1, max_size=20)


@given(frames, pieces)
def test_what_we_write_we_read_however_it_is_cut(sent: list[JpegFrame], sizes: list[int]) -> None:
    """Any bytes may be in a part whose length is given, the boundary included, and any split gives the same parts."""
    parts = read_all(OPENING + b"".join(encode_part(frame) for frame in sent), sizes)
    assert [part.data for part in parts] == [frame.jpeg for frame in sent]
    assert [part.headers["x-sequence"] for part in parts] == [str(frame.sequence) for frame in sent]
    assert [part.captured_at for part in parts] == [pytest.approx(frame.received_at, abs=1e-6) for frame in sent]


delimiters = st.text("abcXYZ0123456789'()+_,-./:=?", min_size=1, max_size=70).map(lambda text: f"--{text}".encode())
line_ends = st.sampled_from([b"\r\n", b"\n"])


@given(delimiters, line_ends, st.lists(st.binary(max_size=100), min_size=1, max_size=5), pieces, st.booleans())
def test_parts_without_a_length_end_at_the_boundary(
    delimiter: bytes, line_end: bytes, contents: list[bytes], sizes: list[int], closed: bool
) -> None:
    """Whatever the boundary, the line ends, the split, and whether the body is ended properly or just stops."""
    contents = [content.replace(delimiter, b"").rstrip(b"\r\n") + b"!" for content in contents]
    body = b"".join(
        delimiter + line_end + b"Content-Type: image/jpeg" + 2 * line_end + content + line_end for content in contents
    )
    if closed:
        body += delimiter + b"--"
    assert [part.data for part in read_all(body, sizes)] == contents


@given(st.binary(max_size=300), pieces)
def test_nothing_but_a_violation_comes_of_garbage(garbage: bytes, sizes: list[int]) -> None:
    """And the same one for every split, or none for every split."""
    outcomes = []
    for split in (sizes, [1], None):
        try:
            outcomes.append(repr(read_all(OPENING + garbage, split)))
        except ProtocolViolation as violation:
            outcomes.append(violation.code)
    assert len(set(outcomes)) == 1


def test_a_form_as_cameras_post_it_is_read() -> None:
    """One part without a length, a boundary that ends the body, and an empty line before all of it."""
    assert read_data(
        b"\r\n--RandomBoundary\r\n"
        b'Content-Disposition: form-data; name="imageFile"; filename="esp32-cam.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n"
        b"\xff\xd8 \r\n \xff\xd9\r\n--RandomBoundary--\r\nepilogue"
    ) == [b"\xff\xd8 \r\n \xff\xd9"]


def test_lines_may_be_missing_or_too_many_between_parts_of_known_length() -> None:
    """Cameras agree on little but on the length."""
    part = b"content-length:  3 \r\n\r\nabc"
    assert read_data(b"--b\n" + part + b"--b\n" + part + b"\r\n\r\n\r\n--b \r\n" + part) == 3 * [b"abc"]


def test_a_part_may_be_empty() -> None:
    """It is for others to say that this is no JPEG."""
    assert read_data(b"--b\r\nContent-Length: 0\r\n\r\n\r\n--b\r\n\r\n\r\n--b--\r\n") == [b"", b""]


JPEGS = [draw_jpeg(shade) for shade in (1, 2, 3)]


def multipart(
    *, before: bytes = b"\r\n--b\r\n", head: bytes = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n", off: int = 0
) -> bytes:
    """Return three JPEGs as some camera sends them; ``off`` is added to each announced length."""
    heads = [head % (len(jpeg) + off) if b"%d" in head else head for jpeg in JPEGS]
    return b"".join(before + head + b"\r\n" + jpeg for head, jpeg in zip(heads, JPEGS, strict=True)) + before


ODD_BODIES = {
    "the first part has no boundary (Tasmota, esp32cam)": multipart().removeprefix(b"\r\n--b\r\n"),
    "the first part has neither boundary nor head": multipart(before=b"\r\n--b\r\n").partition(b"\r\n\r\n")[2],
    "two bytes too few are announced": multipart(off=-2),
    "two bytes too many are announced": multipart(off=2),
    "the boundary is counted in": multipart(off=7),
    "the boundary is counted in, and the head": multipart(off=40),
    "a length of zero": multipart(head=b"Content-Length: 0\r\n"),
    "a length that is no number": multipart(head=b"Content-Length: many\r\n"),
    "a negative length": multipart(head=b"Content-Length: -1\r\n"),
    "a length with thousands of digits": multipart(head=b"Content-Length: " + b"9" * 5000 + b"\r\n"),
    "a length that is too large": multipart(head=b"Content-Length: 99999\r\n"),
    "no length": multipart(head=b"Content-Type: image/jpeg\r\n"),
    "no length and no line end before the boundary": multipart(before=b"--b\r\n", head=b"Content-Type: image/jpeg\r\n"),
    "no head": multipart(head=b""),
    "no empty line behind the boundary": multipart(head=b"").replace(b"--b\r\n\r\n", b"--b\r\n"),
    "an empty line before the head": multipart(before=b"\r\n--b\r\n\r\n"),
    "an empty line too many behind the head": multipart(head=b"Content-Type: image/jpeg\r\n\r\n"),
    "line feeds alone": multipart(before=b"\n--b\n", head=b"Content-Type: image/jpeg\nContent-Length: %d\n").replace(
        b"\n\r\n", b"\n\n"
    ),
    "a status line in each part": multipart(head=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"),
    "dashes come and go": multipart().replace(b"--b", b"----b", 1),
    "zeros behind each picture": multipart(head=b"Content-Type: image/jpeg\r\n").replace(
        b"\xff\xd9\r\n", b"\xff\xd9" + bytes(40) + b"\r\n"
    ),
    "the same, counted in": b"".join(
        b"--b\r\nContent-Length: %d\r\n\r\n%b" % (len(jpeg) + 600, jpeg + bytes(600)) for jpeg in JPEGS
    ),
    "heads without boundaries": multipart(before=b"\r\n"),
    "heads without boundaries and lengths": multipart(before=b"\r\n", head=b"Content-Type: image/jpeg\r\n"),
    "pictures alone": b"".join(JPEGS),
}


@pytest.mark.parametrize("sizes", [None, [1], [7, 300]], ids=["whole", "bytes", "pieces"])
@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES.keys())
def test_bodies_that_browsers_show_are_read(body: bytes, sizes: list[int] | None) -> None:
    """No camera loses a picture because it departs from the standard."""
    read = [part.data for part in read_all(body, sizes, limit=2000)]
    assert [data for data in read if data] == JPEGS


@pytest.mark.parametrize("boundary", ["frame", "--frame", ""])
def test_the_boundary_may_have_other_dashes_than_announced(boundary: str) -> None:
    """The body shows which it is; only one without dashes must be announced."""
    sent = boundary.encode() or b"--frame"
    body = b"".join(sent + b"\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n" for jpeg in JPEGS) + sent + b"\r\n"
    for announced in (boundary, boundary.strip("-"), "--" + boundary if boundary.startswith("-") else boundary):
        assert read_data(body, boundary=announced) == JPEGS


def test_a_wrong_length_costs_no_other_part() -> None:
    """What is no JPEG is left to others; the parts around it are whole."""
    body = b"--b\r\nContent-Length: 3\r\n\r\nabcdef\r\n--b\r\nContent-Length: %d\r\n\r\n%b\r\n--b\r\n"
    assert read_data(body % (len(JPEGS[0]), JPEGS[0])) == [b"abcdef", JPEGS[0]]


def test_a_part_with_a_right_length_does_not_wait_for_the_next() -> None:
    """A picture is handed on when its last byte is there, or viewers would see it one picture later."""
    reader = MultipartReader(LIMIT)
    reader.feed(multipart()[: -len(b"\r\n--b\r\n")])
    assert [part.data for part in (reader.next_part(), reader.next_part(), reader.next_part()) if part] == JPEGS


def test_after_a_length_that_is_too_large_no_picture_waits_for_the_next() -> None:
    """From the second part on, the boundary behind a picture is enough."""
    body = multipart(off=700, before=b"--b\r\n").replace(b"\xff\xd9--b", b"\xff\xd9\r\n--b")
    reader, read = MultipartReader(5000), list[bytes]()
    reader.feed(body)
    while (part := reader.next_part()) is not None:
        read.append(part.data)
    assert read == JPEGS


def test_a_part_that_is_too_large_costs_no_other_part() -> None:
    """It is refused once, and the next part is read."""
    huge = b"--b\r\nContent-Length: 5000\r\n\r\n" + JPEGS[0][:-2] + bytes(4000) + b"\xff\xd9\r\n"
    small = b"--b\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(JPEGS[1]), JPEGS[1])
    body = small + huge + small + huge + huge + small + b"--b--\r\n"
    for size in (1, 100, len(body)):
        reader, read = MultipartReader(LIMIT), list[bytes | str]()
        for start in range(0, len(body), size):
            reader.feed(body[start : start + size])
            while True:
                try:
                    part = reader.next_part()
                except ProtocolViolation as violation:
                    read.append(violation.code)
                    continue
                if part is None:
                    break
                read.append(part.data)
        assert read == [JPEGS[1], "frame-too-large", JPEGS[1], "frame-too-large", "frame-too-large", JPEGS[1]]
        assert reader.ended


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n" + b"a: b\r\n" * 1300,
        b"--b\r\n" + b"a" * 8000,
        b"--" + b"b" * 8000,
        b"\r\n" * 4000,
        b"--b\r\nContent-Length: 8000\r\n\r\n" + b"\xff\xd8" + b"--b" * 2600,
        b"--b\r\n\r\n" + b"\xff" * 8000,
        b"--b\r\nContent-Length: 3\r\n\r\n" + b"\n--c\n" * 1300,
        b"\xff\xd8" + b"-" * 8000,
    ],
    ids=["headers", "a header", "a boundary", "empty lines", "boundaries", "data", "other boundaries", "dashes"],
)
def test_small_pieces_cost_no_more_than_their_bytes(body: bytes) -> None:
    """The reader touches each byte a bounded number of times, so a peer that sends single bytes costs little.

    Counted are the lines of Python that run, because times depend on the machine.
    """

    def lines_run(body: bytes) -> int:
        count = 0

        def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
            nonlocal count
            count += event == "line"
            return trace if "multipart" in frame.f_code.co_filename else None

        reader = MultipartReader(100_000)
        previous = sys.gettrace()
        sys.settrace(trace)
        try:
            for position in range(len(body)):
                reader.feed(body[position : position + 1])
                while reader.next_part() is not None:
                    pass
        finally:
            sys.settrace(previous)
        return count

    assert lines_run(body) < 2.5 * lines_run(body[: len(body) // 2])


def test_after_the_end_nothing_counts() -> None:
    """What comes behind the last boundary is not kept, however much it is."""
    reader = MultipartReader(LIMIT)
    reader.feed(b"--b\r\n\r\nabc\r\n--b--\r\n")
    first, second = reader.next_part(), reader.next_part()
    reader.feed(b"--b\r\n\r\nabc\r\n--b--\r\n")

    assert first is not None
    assert first.data == b"abc"
    assert (second, reader.next_part(), reader.finish(), reader.ended) == (None, None, None, True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"GIF89a\n", "expected a boundary first, a line that begins with --, got 'GIF89a'"),
        (b"--\r\n", "expected a boundary first"),
        (b"--" + b"b" * 300 + b"\r\n", "expected a boundary first"),
        (b"--" + b"b" * 10_000, "a boundary may have 200 bytes"),
        (b"--b\r\n" + b"a: b\r\n" * 2000, "the head of a part may have 8192 bytes"),
        (b"--b\r\nContent-Length: 3\r\n\r\nab", "ends in the middle of a part"),
    ],
)
def test_what_is_no_such_body_is_refused(body: bytes, words: str) -> None:
    """The message says what was expected, and what came."""
    with pytest.raises(ProtocolViolation, match=words):
        read_all(body)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("ended", [True, False])
def test_a_part_has_a_largest_size(announced: bool, ended: bool) -> None:
    """One byte more is refused: from the announcement alone, or as soon as it is there."""
    head = b"--b\r\nContent-Length: %d\r\n\r\n" if announced else b"--b\r\n\r\n"
    for size in (LIMIT, LIMIT + 1):
        body = (head % size if announced else head) + bytes(size) + (b"\r\n--b\r\n" if ended else b"")
        if size == LIMIT:
            assert read_data(body) == [bytes(LIMIT)]
        else:
            with pytest.raises(ProtocolViolation) as refused:
                read_all(body, [7])
            assert (refused.value.code, refused.value.http_status) == ("frame-too-large", 413)


def test_a_part_that_never_ends_is_not_kept() -> None:
    """Without an announced length and without a boundary, no more than one frame's worth is held."""
    reader = MultipartReader(LIMIT)
    reader.feed(b"--b\r\n\r\n")
    for _ in range(10):
        reader.feed(bytes(100))
        assert reader.next_part() is None
    reader.feed(bytes(100))
    with pytest.raises(ProtocolViolation, match="a frame may have 1000 bytes"):
        reader.next_part()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1700000000.25", 1700000000.25),
        ("0", 0.0),
        (None, None),
        ("", None),
        (" ", None),
        ("-1", -1.0),
        ("now", math.nan),
        ("nan", math.nan),
        ("inf", math.inf),
    ],
)
def test_a_timestamp_is_a_number(text: str | None, value: float | None) -> None:
    """Anything else is not a number; nothing is nothing."""
    assert read_timestamp(text) == pytest.approx(value, nan_ok=True)
