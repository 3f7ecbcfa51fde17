"""Old recordings are thinned out: how far, what stays, and what a kill in the middle costs."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.ageing_rule import parse_rules
from skysentry_trio.server.history.ageing import Ageing, choose_kept
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.index import HistoryIndex, Segment
from skysentry_trio.server.history.layout import find_segments
from skysentry_trio.server.history.reader import HistoryReader
from skysentry_trio.server.history.segment import OPENING, encode_record
from skysentry_trio.server.history.tape import Tape
from tests.clocks import NOON
from tests.server.history.helpers import OpenFolder, frame, frames

DAY = 86400.0
RULES = parse_rules(["1d: 1/s", "7d: 1/10s"])
TIMES = st.lists(st.integers(1, 5000), max_size=60).map(
    lambda steps: [NOON + sum(steps[: number + 1]) / 1000 for number in range(len(steps))]
)
RANGES = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)).map(lambda one: (NOON + one[0], NOON + sum(one))))


def test_a_playback_goes_on_while_its_file_is_thinned_out(closed: HistoryFolder) -> None:
    """It knows the old places, and shows the frames that are left; the others show nothing."""
    tape = Tape.at(HistoryReader(closed), "door", NOON + 90)
    assert tape is not None
    before = tape.read()
    finish(Ageing(closed, RULES), NOON + 2 * DAY)
    shown = []
    while tape.move(forwards=True):
        if (frame := tape.read()) is not None:
            shown.append(frame.sequence)

    assert before is not None
    assert shown == [number for number in range(1, 361, 2) if number > before.sequence]


@given(TIMES, st.sampled_from([0.2, 1.0, 10.0, 600.0]), RANGES, st.none() | st.floats(-20, 0))
def test_thinning_out_again_changes_nothing(
    times: list[float], interval: float, ranges: list[tuple[float, float]], before: float | None
) -> None:
    """What stays once stays for ever; all frames in a range stay; and no longer pauses than necessary arise."""
    last = None if before is None else NOON + before

    kept = [times[number] for number in choose_kept(times, interval, ranges, last)]

    assert [kept[number] for number in choose_kept(kept, interval, ranges, last)] == kept
    assert {one for one in times if any(begin <= one <= end for begin, end in ranges)} <= set(kept)
    for moment in times:
        assert any(abs(moment - one) <= interval for one in [*kept, *([] if last is None else [last])])


def test_each_second_keeps_its_first_frame() -> None:
    """Of a camera of 15 fps, 60 frames of a minute stay, a second apart."""
    times = [NOON + 0.031 + number / 15 for number in range(900)]

    kept = [times[number] for number in choose_kept(times, 1.0, [], NOON - 0.03)]

    assert len(kept) == 60
    assert all(abs(after - before - 1) < 0.07 for before, after in pairwise(kept))


def test_a_camera_of_this_rate_keeps_all_frames() -> None:
    """Even if, because they come a little early or late, some seconds have two frames and others have none."""
    times = [NOON + number + (0.004 if number % 2 else -0.004) for number in range(60)]

    assert choose_kept(times, 1.0, [], NOON - 1.004) == list(range(60))


def test_long_intervals_reach_over_files() -> None:
    """Nothing stays of a minute whose ten minutes have their frame already."""
    minutes = [[NOON + 60 * minute + second for second in range(60)] for minute in range(30)]
    last, kept = None, list[float]()
    for times in minutes:
        kept += [times[number] for number in choose_kept(times, 600.0, [], last)]
        last = kept[-1]

    assert kept == [NOON, NOON + 600, NOON + 1200]


def sequences(folder: HistoryFolder, camera_id: str = "door") -> list[int]:
    return [one.sequence for one in HistoryReader(folder).frames(camera_id, 0, float("inf"))]


@pytest.fixture
def closed(opened: OpenFolder) -> Iterator[HistoryFolder]:
    """Return a folder with three minutes of a camera at 2 fps, in which nobody writes."""
    opened.record("door", frames(360, fps=2))
    opened.close()
    folder = HistoryFolder.open(opened.path, writing=True)
    yield folder
    folder.close()
    opened.__init__(opened.path)  # type: ignore[misc]


def finish(ageing: Ageing, now: float) -> int:
    steps = 0
    while ageing.step(now):
        steps += 1
    return steps


def test_old_files_are_thinned_out(closed: HistoryFolder) -> None:
    """The bytes of the frames that stay are the same, the index and the files agree, and it is done once."""
    ageing = Ageing(closed, RULES)
    before = {one.sequence: one.jpeg for one in HistoryReader(closed).frames("door", 0, float("inf"))}
    count, size = len(closed.index.names()), sum(closed.index.sizes().values())

    young, waiting = finish(ageing, NOON + DAY - 60), ageing.waiting(NOON + DAY + 300)
    steps = finish(ageing, NOON + DAY + 300)

    assert (young, steps, waiting, ageing.waiting(NOON + DAY + 300)) == (0, count, count, 0)
    kept = {one.sequence: one.jpeg for one in HistoryReader(closed).frames("door", 0, float("inf"))}
    assert list(kept) == list(range(1, 361, 2))
    assert all(before[sequence] == jpeg for sequence, jpeg in kept.items())
    assert ageing.frames_dropped == 180
    assert (
        size - ageing.bytes_freed
        == sum(closed.index.sizes().values())
        == sum((closed.path / name).stat().st_size for name in find_segments(closed.path))
    )
    for name in closed.index.names():
        assert closed.read_table(name)[1].encode() == closed.index.table(name).encode()


def test_older_files_are_thinned_out_further(closed: HistoryFolder) -> None:
    """From step to step, the frames of the next rule are among those that are left."""
    ageing = Ageing(closed, RULES)
    finish(ageing, NOON + DAY + 300)
    finish(ageing, NOON + 7 * DAY + 300)

    assert sequences(closed) == list(range(1, 361, 20))


def test_protected_times_and_events_keep_all_frames(closed: HistoryFolder) -> None:
    """Around them, the rule holds; when a range is protected no more, it is thinned out, too."""
    ageing = Ageing(closed, RULES, lambda *_: [(NOON + 100, NOON + 105)])
    closed.protect("door", NOON + 20, NOON + 30)
    finish(ageing, NOON + 7 * DAY + 300)
    before = sequences(closed)
    closed.unprotect("door", NOON + 20, NOON + 30)
    finish(ageing, NOON + 7 * DAY + 300)

    event = list(range(201, 212))
    assert set(before) == {*range(1, 361, 20), *range(41, 62), *event}
    assert set(sequences(closed)) - {61} == {*range(1, 361, 20), *event} - {61}


def test_a_range_that_is_protected_has_whole_files(closed: HistoryFolder) -> None:
    """They are not deleted, and stay protected when they are thinned out around the range."""
    closed.protect("door", NOON + 20, NOON + 21)
    finish(Ageing(closed, RULES), NOON + 7 * DAY + 300)

    assert [one.protected for one in closed.index.segments("door", NOON + 20, NOON + 21)] == [True]


class Killed(BaseException):
    """The process ends here: nothing is cleaned up."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let a call that changes the disk, or the index, not return; give the names of the calls."""
    calls = list[str]()

    def dying(name: str, real: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            calls.append(name)
            if len(calls) == step and not after:
                raise Killed
            result = real(*arguments, **more)
            if len(calls) == step:
                if name == "open":
                    result.close()
                raise Killed
            return result

        return call

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", dying("fsync", os.fsync, after=False))
        patched.setattr(Path, "open", dying("open", Path.open, after=True))
        patched.setattr(Path, "replace", dying("replace", Path.replace, after=step % 2 == 0))
        patched.setattr(Path, "unlink", dying("unlink", Path.unlink, after=False))
        for name in ("put", "remove", "set_interval"):
            patched.setattr(HistoryIndex, name, dying(name, getattr(HistoryIndex, name), after=False))
        with pytest.raises(Killed):
            yield calls


def test_a_kill_at_any_step_loses_nothing(opened: OpenFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wherever the server is killed, the next one finds each frame that stays once, and finishes the work."""
    opened.record("door", frames(150, fps=2))
    opened.close()
    wanted, rules = set(range(1, 151, 20)), parse_rules(["1d: 1/10s"])
    deaths = Counter[str]()
    for step in range(1, 200):
        place = tmp_path / f"copy-{step}"
        shutil.copytree(opened.path, place)
        folder = HistoryFolder.open(place, writing=True)
        calls = list[str]()
        try:
            with killed_at(step, monkeypatch) as calls:
                finish(Ageing(folder, rules), NOON + 2 * DAY)
                pytest.fail("done")
        except pytest.fail.Exception:
            folder.close()
            break
        deaths[calls[step - 1]] += 1
        folder.close()

        again = HistoryFolder.open(place, writing=True)
        assert again.adopt() == []
        found = sequences(again)
        assert found == sorted(set(found))
        assert wanted <= set(found) <= set(range(1, 151))
        assert all(
            again.read_table(name)[1].encode() == again.index.table(name).encode() for name in again.index.names()
        )
        finish(Ageing(again, rules), NOON + 2 * DAY)
        assert set(sequences(again)) == wanted
        assert list(place.rglob("*.thinned")) == []
        again.close()
    assert {"fsync", "open", "replace", "put"} <= set(deaths)
    opened.__init__(opened.path)  # type: ignore[misc]


def test_a_full_disk_leaves_the_old_file(closed: HistoryFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says why; no new file is left, and the work goes on later."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            Ageing(closed, RULES).step(NOON + 2 * DAY)

    assert list(closed.path.rglob("*.thinned")) == []
    assert sequences(closed) == list(range(1, 361))
    finish(Ageing(closed, RULES), NOON + 2 * DAY)
    assert len(sequences(closed)) == 180


def test_a_recording_that_is_deleted_meanwhile_stays_deleted(
    closed: HistoryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that was to replace it goes too."""
    real, deleted = os.fsync, list[Segment]()

    def fsync(descriptor: int) -> None:
        real(descriptor)
        if not deleted:
            deleted.append(closed.index.segments("door")[0])
            closed.delete(deleted)

    monkeypatch.setattr(os, "fsync", fsync)
    Ageing(closed, RULES).step(NOON + 2 * DAY)

    assert not (closed.path / deleted[0].name).exists()
    assert list(closed.path.rglob("*.thinned")) == []


def test_a_file_that_was_cut_is_read_up_to_the_cut(closed: HistoryFolder) -> None:
    """A moment behind the cut is answered with the last frame before it, and a part of the time ends there."""
    (name,) = [one.name for one in closed.index.segments("door", NOON + 90, NOON + 90)]
    path = closed.path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    last = closed.read_table(name)[0].last_sequence
    reader = HistoryReader(closed)
    segment = closed.index.segments("door", NOON + 90, NOON + 90)[0]

    found = reader.last_until("door", segment.ended_at)
    part = reader.part("door", segment.started_at, segment.ended_at)

    assert last < segment.last_sequence
    assert found is not None
    assert part is not None
    assert (found.sequence, part.last.sequence, part.first.sequence) == (last, last, segment.first_sequence)


def test_a_file_that_was_cut_in_the_middle_keeps_its_first_half(closed: HistoryFolder) -> None:
    """The index learns what is left, and that is thinned out."""
    name = max(closed.index.sizes().items(), key=lambda one: one[1])[0]
    path = closed.path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    left = len(closed.read_table(name)[1])
    finish(Ageing(closed, RULES), NOON + 2 * DAY)

    assert closed.index.table(name).encode() == closed.read_table(name)[1].encode()
    assert left // 2 - 1 <= len(closed.index.table(name)) <= left // 2 + 1


def test_a_damaged_file_is_left_as_it_is(closed: HistoryFolder) -> None:
    """What lies behind the damage can still be read by the index, and would be lost otherwise."""
    name = max(closed.index.sizes().items(), key=lambda one: one[1])[0]
    path = closed.path / name
    table = closed.index.table(name)
    content = bytearray(path.read_bytes())
    place = table.place(len(table) // 2)
    content[place.offset : place.offset + 20] = bytes(20)
    path.write_bytes(content)
    count = len(sequences(closed))
    finish(Ageing(closed, RULES), NOON + 2 * DAY)

    assert path.read_bytes() == content
    assert count == 359
    assert len(closed.index.table(name)) == len(table)


def test_who_reads_meanwhile_gets_the_frames_that_stay(closed: HistoryFolder) -> None:
    """An export that knows the old places goes on in the new file."""
    reading = HistoryReader(closed).frames("door", 0, float("inf"))
    first = [next(reading).sequence for _ in range(3)]
    finish(Ageing(closed, RULES), NOON + 2 * DAY)
    read = HistoryReader(closed)
    (segment, table) = (closed.index.segments("door")[0], closed.index.table(closed.index.segments("door")[0].name))

    rest = [one.sequence for one in reading]

    assert first == [1, 2, 3]
    assert set(range(5, 361, 2)) <= set(rest)
    assert read.read(segment.name, table.place(0)._replace(offset=5)) is not None
    assert read.read(segment.name, table.place(0)._replace(offset=5, sequence=2)) is None


def test_days_are_kept_as_promised(tmp_path: Path) -> None:
    """Each day has exactly the promised frames of its age, and all those of events."""
    rate = 3
    folder = HistoryFolder.open(tmp_path, writing=True)
    ageing = Ageing(
        folder, RULES, lambda _camera, begin, end: [one for one in EVENTS if one[0] <= end and one[1] >= begin]
    )
    for day in range(12):
        write_minutes(folder, "door", NOON + day * DAY, rate)
        finish(ageing, NOON + day * DAY + 600)
    found = [one.received_at for one in HistoryReader(folder).frames("door", 0, float("inf"))]
    folder.close()

    by_day = Counter(int((moment - NOON) // DAY) for moment in found)
    events = Counter(int((begin - NOON) // DAY) for begin, _ in EVENTS)
    extra = {1.0: 5 * rate - 5, 10.0: 5 * rate}
    assert set(by_day) == set(range(12))
    for day, count in by_day.items():
        interval = 0.0 if day >= 11 else 1.0 if day >= 5 else 10.0
        if interval == 0.0:
            assert count == 120 * rate
        else:
            assert abs(count - 120 / interval - events[day] * extra[interval]) <= 1, day


EVENTS = [(NOON + day * DAY + 61, NOON + day * DAY + 66) for day in range(0, 12, 3)]


def write_minutes(folder: HistoryFolder, camera_id: str, start: float, rate: int) -> None:
    """Write two files of a minute each, as the server does."""
    first = len(folder.index.segments(camera_id)) * 1_000_000 + 1
    for minute in range(2):
        name = f"{camera_id}/{_stamp(start + 60 * minute)}.mpjpeg"
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        chosen = [
            frame(first + 60 * minute * rate + number, start + 60 * minute + number / rate + 0.01)
            for number in range(60 * rate)
        ]
        path.write_bytes(OPENING + b"".join(piece for one in chosen for piece in encode_record(one, 1)))
        folder.enter(*folder.read_table(name))


def _stamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y/%m/%d/%H-%M-%S}"
