"""How much of a time was recorded."""

from __future__ import annotations

import pytest
from attrs import evolve

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.history.coverage import QUARTER, days, find_zone
from skysentry_trio.server.history.index import Tally
from tests.clocks import NOON
from tests.server.history.helpers import OpenFolder, frames


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-29", 24)])
def test_days_are_as_long_as_in_their_zone(day: str, hours: int) -> None:
    """Where clocks change, a day has 23 or 25 hours, and each quarter of an hour belongs to one day."""
    zone = find_zone("Europe/Berlin")
    first = int(NOON - 300 * 86400) // int(QUARTER)
    quarters = [Tally(first + number, 1, 10, 0.0) for number in range(330 * 96)]

    (found,) = [one for one in days(quarters, zone) if one.day.isoformat() == day]

    assert found.end - found.begin == 3600 * hours
    assert (found.frames, found.nbytes) == (4 * hours, 40 * hours)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../../etc/passwd", "", "x" * 100, "Europe", "\0", "/etc/passwd"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    """The sentence shows an example."""
    with pytest.raises(ProtocolViolation, match="such as Europe/Berlin"):
        find_zone(name)


def test_short_parts_have_the_frames_that_arrived_in_them(opened: OpenFolder) -> None:
    """A part without a frame in the middle of a recording has one; a part in a gap has none."""
    opened.record("door", frames(30, fps=0.5))
    opened.record("door", frames(60, fps=10, start=NOON + 90))

    found = opened.reader.coverage("door", NOON, NOON + 100, 100)

    assert found.counts == [1] * 59 + [0] * 31 + [10] * 6 + [0] * 4
    assert found.frames == 90


def test_long_parts_are_counted_by_files(opened: OpenFolder) -> None:
    """Parts of an hour of two days: those in which the camera was recorded have all of its frames."""
    opened.record("door", frames(120, fps=1, start=NOON + 5 * 3600))
    opened.record("door", frames(90, fps=1, start=NOON + 40 * 3600))

    found = opened.reader.coverage("door", NOON, NOON + 48 * 3600, 48)

    assert {number: count for number, count in enumerate(found.counts) if count} == {5: 120, 40: 90}


def test_a_thinned_recording_has_no_holes(opened: OpenFolder) -> None:
    """Frames that ageing leaves far apart are one span, and the parts between them count as recorded."""
    opened.record("door", frames(3, fps=1 / 600))
    for segment in opened.folder.index.segments("door"):
        opened.folder.index.put(evolve(segment, interval=600.0), opened.folder.index.table(segment.name))

    assert [one.frames for one in opened.reader.spans("door", NOON, NOON + 4000)] == [2, 1]
    assert opened.reader.coverage("door", NOON, NOON + 660, 11).counts == [1] * 11
