"""Events as they happen: noted at once, written by the thread, and found again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.history import disk_writer
from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.history.retention import RetentionLimits
from tests.clocks import NOON
from tests.server.history.helpers import OpenFolder, eventually, frames

FOREVER = float("inf")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def written(opened: OpenFolder) -> None:
    eventually(lambda: not opened.events.is_waiting and not opened.events._unwritten)


def again(opened: OpenFolder, clock: Clock) -> OpenFolder:
    opened.close()
    return OpenFolder(opened.path, clock=clock)


def found(opened: OpenFolder, begin: float = 0, end: float = FOREVER) -> list[tuple[str, float, float | None]]:
    return [(one.label, one.started_at, one.ended_at) for one in opened.reader.events("door", begin, end)]


def test_an_event_is_found_at_once_and_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    """What was noted is in the answer before the thread has written it, and in the next server."""
    opened = OpenFolder(tmp_path, clock=clock)
    begun = opened.events.begin("door", "person", EventSource.API, begin=NOON - 3, data={"score": 0.5})
    at_once = opened.reader.events("door", 0, FOREVER)
    clock.now += 10
    ended = opened.events.end("door", begun.id)
    written(opened)
    opened = again(opened, clock)
    later = opened.reader.events("door", 0, FOREVER)
    opened.close()

    assert at_once == [begun]
    assert later == [ended]
    assert (ended.started_at, ended.ended_at, ended.data) == (NOON - 3, NOON + 10, {"score": 0.5})


def test_the_index_of_events_is_made_again_from_the_files(tmp_path: Path, clock: Clock) -> None:
    """Without an index, or with a line that the index does not know, the files say what happened."""
    opened = OpenFolder(tmp_path, clock=clock)
    opened.events.begin("door", "one", EventSource.API, begin=NOON - 86_400, end=NOON - 86_399)
    opened.events.begin("door", "two", EventSource.MOTION, begin=NOON - 2, end=NOON - 1)
    opened.close()
    before = OpenFolder(tmp_path, clock=clock)
    expected = before.reader.events("door", 0, FOREVER)
    before.close()
    for path in tmp_path.glob("@index.sqlite3*"):
        path.unlink()
    rebuilt = OpenFolder(tmp_path, clock=clock)
    got = rebuilt.reader.events("door", 0, FOREVER)
    rebuilt.close()
    with (tmp_path / "door/2026/11/29/events.jsonl").open("ab") as file:
        file.write(b'{"id":"00000000000000ff","label":"three","begin":"2026-11-29T13:00:00Z"}\n{"id":"00')
    more = OpenFolder(tmp_path, clock=clock)
    labels = [event.label for event in more.reader.events("door", 0, FOREVER)]
    more.close()

    assert [event.label for event in expected] == ["one", "two"]
    assert got == expected
    assert labels == ["one", "two", "three"]


def test_a_line_after_half_a_line_is_a_line_of_its_own(tmp_path: Path, clock: Clock) -> None:
    """A server that was killed while it wrote costs only that event."""
    opened = OpenFolder(tmp_path, clock=clock)
    opened.events.begin("door", "one", EventSource.API)
    written(opened)
    with (tmp_path / "door/2026/11/29/events.jsonl").open("ab") as file:
        file.write(b'{"id":"00')
    opened.events.begin("door", "two", EventSource.API)
    opened = again(opened, clock)
    labels = [event.label for event in opened.reader.events("door", 0, FOREVER)]
    opened.close()

    assert sorted(labels) == ["one", "two"]


def test_events_that_overlap_a_time_are_found(tmp_path: Path, clock: Clock) -> None:
    """An event that began before and one that lasts are part of the time; the limit cuts off the newest."""
    opened = OpenFolder(tmp_path, clock=clock)
    for label, begin, end in (("a", -100, -90), ("b", -80, -10), ("c", -20, -15), ("d", -5, None)):
        opened.events.begin("door", label, EventSource.API, begin=NOON + begin, end=None if end is None else NOON + end)
    opened.events.begin("yard", "e", EventSource.API)
    written(opened)
    inside = [label for label, _, _ in found(opened, NOON - 60, NOON - 16)]
    first = [event.label for event in opened.reader.events("door", 0, FOREVER, 2)]
    ranges = opened.reader.event_ranges("door", 0, FOREVER)
    opened.close()

    assert inside == ["b", "c"]
    assert first == ["a", "b"]
    assert ranges == [(NOON - 105, FOREVER)]


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [(60, None, "in the future"), (-7200, None, "at most 3600 s ago"), (-5, -6, "got -1.000 s"), (-1, 60, "has come")],
)
def test_impossible_times_are_refused(opened: OpenFolder, begin: float, end: float | None, words: str) -> None:
    """A sentence says what is expected."""
    with pytest.raises(ProtocolViolation, match=words):
        opened.events.begin(
            "door", "person", EventSource.API, begin=NOON + begin, end=None if end is None else NOON + end
        )

    assert found(opened) == []


def test_an_event_ends_once(opened: OpenFolder) -> None:
    """Neither an unknown event nor one of another camera nor one that is over can be ended."""
    event = opened.events.begin("door", "person", EventSource.API)
    for camera_id, event_id in (("door", "nothing"), ("yard", event.id)):
        with pytest.raises(ProtocolViolation, match="lasts"):
            opened.events.end(camera_id, event_id)
    opened.events.end("door", event.id, data=[1])

    with pytest.raises(ProtocolViolation, match="lasts"):
        opened.events.end("door", event.id)


def test_an_event_that_nobody_ends_is_over_after_an_hour(tmp_path: Path, clock: Clock) -> None:
    """Its end is noted, and it is no longer remembered after that."""
    opened = OpenFolder(tmp_path, clock=clock)
    opened.events.begin("door", "person", EventSource.API)
    clock.now += 3601
    opened.events.expire(keep=10)
    current = [one.end for one in opened.events.current("door")]
    clock.now += 11
    opened.events.expire(keep=10)
    after = opened.events.current("door")
    events = found(opened)
    opened.close()

    assert current == [NOON + 3601]
    assert after == []
    assert events == [("person", NOON, NOON + 3601)]


def test_what_lasts_goes_on_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    """A posted event can still be ended; motion, whose scores are forgotten, ends with the last recorded frame."""
    opened = OpenFolder(tmp_path, clock=clock)
    posted = opened.events.begin("door", "person", EventSource.API)
    opened.events.begin("door", "motion", EventSource.MOTION)
    clock.now += 60
    opened = again(opened, clock)
    for _ in range(2):
        opened.events.resume(opened.folder.index.events.unfinished(), {"door": NOON + 20})
    opened.events.end("door", posted.id)
    events = found(opened)
    opened.close()

    assert sorted(events) == [("motion", NOON, NOON + 20), ("person", NOON, NOON + 60)]


def test_too_many_events_are_refused_and_counted(opened: OpenFolder) -> None:
    """A program that posts without a limit does not fill the disk; other cameras may go on."""
    codes = []
    for number in range(70):
        try:
            opened.events.begin("door", f"{number}", EventSource.API, end=NOON)
        except ProtocolViolation as violation:
            codes.append(violation.code)
    opened.events.begin("yard", "person", EventSource.API)

    assert set(codes) == {"too-fast"}
    assert len(codes) == opened.events.dropped
    assert 60 <= len(found(opened)) == 70 - len(codes) < 65


def test_events_wait_for_a_full_disk(opened: OpenFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events that could not be written are written when there is room, and health says why nothing is recorded."""
    monkeypatch.setattr(disk_writer, "_RETRY", 0.05)
    real = os.write

    def refuse(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    opened.events.begin("door", "person", EventSource.API)
    eventually(lambda: opened.writer.current_trouble() is not None)
    said, waits = opened.writer.current_trouble(), opened.events.is_waiting
    monkeypatch.setattr(os, "write", real)
    written(opened)

    assert (said, waits) == ("No space left on device", True)
    assert opened.writer.current_trouble() is None
    assert (opened.path / "door/2026/11/29/events.jsonl").read_bytes().count(b"\n") == 1


def test_a_camera_whose_events_cannot_be_written_keeps_no_others(tmp_path: Path, clock: Clock) -> None:
    """A file of somebody else is where the folder of a camera should be; its events wait, others are written."""
    opened = OpenFolder(tmp_path, clock=clock)
    opened.writer.stop(20)
    (tmp_path / "yard").write_text("mine")
    for _ in range(1000):
        clock.now += 1
        with suppress(ProtocolViolation):
            opened.events.begin("yard", "person", EventSource.API, end=clock.now)
    for _ in range(5):
        opened.events.begin("door", "person", EventSource.API)
    with pytest.raises(OSError, match="yard"):
        opened.events.write()
    waiting = {line.event.camera_id for line in opened.events._waiting}
    (tmp_path / "yard").unlink()
    opened.events.write()
    opened.close()

    assert waiting == {"yard"}
    assert not opened.events.is_waiting


def test_events_go_with_the_last_recording_of_their_day(tmp_path: Path, clock: Clock) -> None:
    """A day that has recordings keeps its events; a day that has none loses them when it is too old."""
    opened = OpenFolder(tmp_path, RetentionLimits(max_age=7 * 86_400), clock)
    opened.record("door", frames(3))
    opened.events.begin("door", "person", EventSource.API)
    opened.events.begin("yard", "person", EventSource.API)
    opened.close()
    opened = OpenFolder(tmp_path, clock=clock)
    opened.folder.delete([])
    opened.folder.delete_old_events(NOON + 86_400)
    kept = found(opened), opened.reader.events("yard", 0, FOREVER)
    opened.folder.delete(opened.reader.segments("door"))
    left = found(opened), list(tmp_path.glob("*/"))
    opened.close()

    assert (len(kept[0]), kept[1]) == (1, [])
    assert left == ([], [])
