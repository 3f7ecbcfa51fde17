from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("2m", 120),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1m0.5s", 60.5),
        ("1.5h", 5400),
        ("30", 30),
        ("2.5", 2.5),
        ("0", 0),
        ("2m500ms", 120.5),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """Hours, minutes, seconds and milliseconds add up; a plain number is seconds."""
    assert seconds == parse_duration(text)


@pytest.mark.parametrize("text", ["", "s", "5 parsecs", "-1s", "1s1m", "1m1m", "1e3", "nan", "inf", "1h 30m", "٣s!"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Other units, signs, exponents, wrong order and nothing at all are no durations."""
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "500ms"), (0.0005, "0.5ms"), (1.5, "1.5s"), (30.0, "30s"), (90, "1m30s"), (5400, "1h30m")],
)
def test_durations_are_written_in_the_units_people_use(seconds: float, text: str) -> None:
    """Each duration has one short form."""
    assert text == format_duration(seconds)


@given(st.floats(min_value=0, max_value=1e9))
def test_durations_survive_writing_and_reading(seconds: float) -> None:
    """Any float comes back as the very same float."""
    assert seconds == parse_duration(format_duration(seconds))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("5MiB", 5 * 1024 * 1024),
        ("512KiB", 512 * 1024),
        ("1GB", 1_000_000_000),
        ("1.5 kB", 1500),
        ("2tib", 2 * 1024**4),
        ("17B", 17),
        ("4096", 4096),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    """Binary and decimal units in any case, and a plain number of bytes."""
    assert size == parse_size(text)


@pytest.mark.parametrize("text", ["", "MiB", "5M", "-5MiB", "5iB", "1e3", "5 parsecs", "²"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """Ambiguous or unknown units, signs and nothing at all are no sizes."""
    with pytest.raises(ValueError, match="expected a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (1, "1B"), (1536, "1536B"), (5 * 1024**2, "5MiB"), (1024**3, "1GiB"), (10**9, "1GB"), (1023, "1023B")],
)
def test_sizes_are_written_without_a_remainder(size: int, text: str) -> None:
    """The largest unit that divides the size evenly is taken."""
    assert text == format_size(size)


@given(st.integers(min_value=0, max_value=2**60))
def test_sizes_survive_writing_and_reading(size: int) -> None:
    """Any number of bytes comes back unchanged."""
    assert size == parse_size(format_size(size))
