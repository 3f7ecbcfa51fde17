"""The thread that writes a history."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.server.history import disk_writer
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.retention import RetentionLimits
from skysentry_trio.server.history.segment import OPENING, encode_record
from tests.clocks import NOON
from tests.server.history.helpers import OpenFolder, eventually, frame, frames


def recorded(opened: OpenFolder, camera_id: str = "door") -> list[int]:
    return [one.sequence for one in opened.reader.frames(camera_id, 0, float("inf"))]


def test_frames_are_read_as_they_were(opened: OpenFolder) -> None:
    """A recorded frame has the bytes, the times and the sequence that it had live, while its segment is still open."""
    sent = [frame(1, NOON), frame(2, NOON + 0.25, captured_at=NOON + 0.125)]
    opened.record("door", sent)

    got = list(opened.reader.frames("door", 0, float("inf")))

    assert [(one.sequence, one.received_at, one.captured_at, one.jpeg, one.width) for one in got] == [
        (one.sequence, one.received_at, one.captured_at, one.jpeg, 32) for one in sent
    ]


def test_a_segment_lasts_a_minute_at_most(opened: OpenFolder) -> None:
    """Three minutes of a camera are in three or four files, none of which is longer than a minute."""
    opened.record("door", frames(180, fps=1))

    segments = opened.reader.segments("door")

    assert len(segments) in {3, 4}
    assert all(one.ended_at - one.started_at < 60 for one in segments)
    assert recorded(opened) == list(range(1, 181))


def test_segments_of_cameras_do_not_end_together(opened: OpenFolder) -> None:
    """The seconds at which segments end differ from camera to camera."""
    ends = {disk_writer._end_of_segment(f"camera-{number}", NOON) for number in range(20)}

    assert len(ends) > 10
    assert all(NOON < one <= NOON + 60 for one in ends)


def test_a_clock_that_is_set_back_loses_no_frame(opened: OpenFolder) -> None:
    """Frames keep their order by sequence, and both times are found."""
    opened.record("door", [*frames(5), *frames(5, start=NOON - 3600, first=6)])

    assert recorded(opened) == list(range(1, 11))
    assert [one.sequence for one in opened.reader.frames("door", NOON - 3600, NOON - 3599)] == [6, 7, 8, 9, 10]


def test_another_count_of_frames_is_another_epoch(opened: OpenFolder) -> None:
    """A camera that counts from 1 again goes on behind what it recorded before."""
    opened.record("door", frames(3))
    opened.record("door", frames(2, start=NOON + 1))

    assert recorded(opened) == [1, 2, 3, 1, 2]
    assert [one.epoch for one in opened.reader.segments("door")] == [1, 2]


def test_the_index_has_the_times_of_the_file(opened: OpenFolder) -> None:
    """A time that the file rounds up to the next millisecond is that millisecond in the index too."""
    opened.record("door", [frame(1, NOON + 0.4999996)])
    opened.close()

    folder = HistoryFolder.open(opened.path, writing=False)
    (name,) = folder.index.names()
    assert folder.index.table(name).encode() == folder.read_table(name)[1].encode()
    folder.close()


def test_an_index_that_is_lost_is_made_again(opened: OpenFolder) -> None:
    """Reading all files gives the same index as recording them."""
    opened.record("door", frames(200, fps=2))
    opened.record("yard", frames(20))
    opened.close()
    before = HistoryFolder.open(opened.path, writing=True)
    known = {name: (before.index.table(name).encode()) for name in before.index.names()}
    described = before.index.segments("door") + before.index.segments("yard")
    before.close()
    for path in opened.path.glob("@index.sqlite3*"):
        path.unlink()

    opened.__init__(opened.path)  # type: ignore[misc]

    assert {name: opened.folder.index.table(name).encode() for name in opened.folder.index.names()} == known
    assert opened.folder.index.segments("door") + opened.folder.index.segments("yard") == described


def test_a_damaged_index_is_made_again(opened: OpenFolder) -> None:
    """An index that is no database is put aside, and what is recorded is found nevertheless."""
    opened.record("door", frames(3))
    opened.close()
    for path in opened.path.glob("@index.sqlite3*"):
        path.unlink()
    (opened.path / "@index.sqlite3").write_bytes(b"not a database" * 100)

    opened.__init__(opened.path)  # type: ignore[misc]

    assert recorded(opened) == [1, 2, 3]
    assert (opened.path / "@index.damaged").exists()


def test_foreign_files_are_left_alone(opened: OpenFolder) -> None:
    """Files that are not ours are neither read nor deleted, even if they look like segments; one is reported."""
    opened.record("door", frames(3))
    foreign = [
        opened.path / "door" / "notes.txt",
        opened.path / "door/2026/11/29/00-00-00.mpjpeg",
        opened.path / "holiday.mpjpeg",
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")

    troubles = opened.folder.adopt()

    assert troubles == ["door/2026/11/29/00-00-00.mpjpeg has no frame"]
    assert all(path.read_bytes() == b"mine" for path in foreign)
    assert recorded(opened) == [1, 2, 3]


@pytest.mark.parametrize("camera_id", ["lock", "index.sqlite3", "index.sqlite3-journal"])
def test_no_camera_has_the_name_of_a_file_of_ours(tmp_path: Path, camera_id: str) -> None:
    """Whatever the id of a camera is, it is recorded, and harms neither the index nor other cameras."""
    for number in range(2):
        opened = OpenFolder(tmp_path)
        opened.record(camera_id, frames(2, start=NOON + 100 * number))
        opened.record("door", frames(2, start=NOON + 100 * number))
        found = [recorded(opened, camera_id), recorded(opened)]
        opened.close()

    assert found == [[1, 2, 1, 2], [1, 2, 1, 2]]


def test_only_one_server_records_in_a_folder(opened: OpenFolder) -> None:
    """A second server refuses to start, with a sentence that names the folder."""
    with pytest.raises(ConfigurationError, match=f"a server records in {opened.path}"):
        HistoryFolder.open(opened.path, writing=True)


def test_an_index_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    """Something else is where the index should be."""
    (tmp_path / "@index.sqlite3").mkdir()

    with pytest.raises(ConfigurationError, match=r"history: cannot use .*: unable to open database file"):
        HistoryFolder.open(tmp_path, writing=True)


def test_a_full_disk_pauses_recording_and_ends_by_itself(opened: OpenFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are dropped and counted while the disk is full; no half frame stays; recording goes on afterwards."""
    monkeypatch.setattr(disk_writer, "_RETRY", 0.0)
    real, room = os.writev, [len(frames(1)[0].jpeg) * 2]

    def writev(descriptor: int, pieces: list[bytes]) -> int:
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        joined = b"".join(pieces)[: room[0]]
        room[0] -= len(joined)
        return real(descriptor, [joined])

    epoch = opened.record("door", frames(2))
    monkeypatch.setattr(os, "writev", writev)
    opened.record("door", frames(5, first=3, start=NOON + 1), epoch)
    said, dropped = opened.writer.current_trouble(), opened.writer.frames_dropped
    monkeypatch.undo()
    opened.record("door", frames(2, first=8, start=NOON + 2), epoch)

    assert said == "No space left on device"
    assert dropped == 5
    assert recorded(opened) == [1, 2, 8, 9]
    assert opened.writer.current_trouble() is None


def test_a_camera_that_cannot_be_written_stops_no_other_one(opened: OpenFolder) -> None:
    """A file of somebody else is where the folder of a camera should be; this is said until the file is gone."""
    clock = [100.0]
    opened.writer._monotonic = lambda: clock[0]
    (opened.path / "yard").write_text("mine")
    epoch = opened.record("door", frames(1))
    opened.record("yard", frames(1))
    for number in range(2, 5):
        opened.record("door", frames(1, start=NOON + number, first=number), epoch)
    said, dropped = opened.writer.current_trouble(), opened.writer.frames_dropped
    (opened.path / "yard").unlink()
    opened.record("yard", frames(1, start=NOON + 1))
    too_early = recorded(opened, "yard")
    clock[0] += 5
    opened.record("yard", frames(2, start=NOON + 2))

    assert recorded(opened) == [1, 2, 3, 4]
    assert (said, dropped) == ("Not a directory", 1)
    assert too_early == []
    assert recorded(opened, "yard") == [1, 2]
    assert opened.writer.current_trouble() is None


def test_the_trouble_of_a_camera_that_has_left_is_forgotten(opened: OpenFolder) -> None:
    """Nobody tries to write its frames any more."""
    clock = [100.0]
    opened.writer._monotonic = lambda: clock[0]
    (opened.path / "yard").write_text("mine")
    opened.record("yard", frames(1))
    before = opened.writer.current_trouble()
    clock[0] += 100
    opened.record("door", frames(1))
    eventually(lambda: opened.writer.current_trouble() is None)

    assert before is not None


def test_a_segment_that_the_disk_does_not_keep_is_found_all_the_same(
    opened: OpenFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its frames can be read, perhaps only until the next power cut, so the index has them."""
    epoch = opened.record("door", frames(2))

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)
    opened.record("door", frames(1, first=3, start=NOON + 100), epoch)
    said = opened.writer.current_trouble()
    monkeypatch.undo()

    assert said == "Input/output error"
    assert recorded(opened) == [1, 2]


def test_a_disk_that_hangs_makes_nobody_wait(opened: OpenFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a write does not return, frames beyond the bound are refused at once, and the trouble has a sentence."""
    hanging, clock = [True], [0.0]
    real = os.writev

    def writev(descriptor: int, pieces: list[bytes]) -> int:
        while hanging[0]:
            time.sleep(0.002)
        return real(descriptor, pieces)

    monkeypatch.setattr(os, "writev", writev)
    opened.writer._monotonic = lambda: clock[0]
    opened.writer.max_waiting = 3 * len(frames(1)[0].jpeg)
    taken = [opened.writer.offer("door", 1, [frame(number, NOON + number)]) for number in range(1, 6)]
    eventually(lambda: opened.writer._busy_since is not None)
    clock[0] = 12.0
    said = opened.writer.current_trouble()
    hanging[0] = False
    opened.settle()

    assert taken == [True, True, True, False, False]
    assert said == "the disk has not answered for 12s"
    assert recorded(opened) == [1, 2, 3]
    assert opened.writer.frames_dropped == 2


def test_old_recordings_are_deleted(tmp_path: Path) -> None:
    """What is older than the limit goes, with the folders of days that become empty; protected segments stay."""
    now = [NOON]
    opened = OpenFolder(tmp_path, RetentionLimits(max_age=3600), lambda: now[0])
    opened.record("door", frames(60, fps=1, start=NOON - 86400))
    opened.record("door", frames(60, fps=1, start=NOON - 7200))
    opened.record("door", frames(10, fps=1))
    opened.close()
    opened = OpenFolder(tmp_path, RetentionLimits(max_age=3600), lambda: now[0])
    opened.folder.protect("door", NOON - 7200, NOON - 7200)
    opened.writer._cleaned_at = float("-inf")

    opened.record("door", frames(1, start=NOON + 20))
    eventually(lambda: not (tmp_path / "door/2026/11/28").exists())
    times = [one.received_at for one in opened.reader.frames("door", 0, float("inf"))]
    opened.close()

    assert min(times) == NOON - 7200
    assert max(times) == NOON + 20


def test_a_file_that_cannot_be_deleted_keeps_no_other(opened: OpenFolder) -> None:
    """The index has forgotten all of them, so nobody would delete them until the next start."""
    opened.record("door", frames(180, fps=1))
    first, *others = opened.folder.index.segments("door")
    path = opened.path / first.name
    path.unlink()
    path.mkdir()

    with pytest.raises(OSError, match="Is a directory"):
        opened.folder.delete([first, *others])

    assert len(others) >= 2
    assert not any((opened.path / one.name).exists() for one in others)


def test_a_camera_has_a_limit_of_its_own(tmp_path: Path) -> None:
    """A camera beyond it loses its oldest files, the other one loses nothing; the next deletion is known."""
    opened = OpenFolder(tmp_path, RetentionLimits(max_camera_bytes=60_000))
    opened.record("yard", frames(10, fps=1))
    opened.record("door", frames(120, fps=1))
    opened.record("door", frames(1, start=NOON + 300, first=121), 1)
    opened.writer._cleaned_at = float("-inf")
    eventually(lambda: recorded(opened)[0] > 1 and "door" in opened.writer.forecast.by_camera)
    by_camera, left = opened.writer.forecast.by_camera, recorded(opened)
    opened.close()

    assert left[-1] == 121
    assert recorded_count(opened, "yard") == 10
    assert by_camera["door"].cause == "cameraBytes"


def recorded_count(opened: OpenFolder, camera_id: str) -> int:
    opened.__init__(opened.path)  # type: ignore[misc]
    count = len(recorded(opened, camera_id))
    opened.close()
    return count


def test_a_kill_loses_no_frame_that_was_written(tmp_path: Path) -> None:
    """The next server finds all frames of a segment that nobody finished."""
    opened = OpenFolder(tmp_path)
    opened.record("door", frames(7))
    # The thread ends without finishing anything, as in a process that is killed.
    opened.writer._open.clear()
    opened.close()

    again = OpenFolder(tmp_path)

    assert recorded(again) == [1, 2, 3, 4, 5, 6, 7]
    assert again.writer.next_epoch("door") == 2
    again.close()


def test_a_long_file_of_somebody_else_is_found_by_each_of_its_moments(opened: OpenFolder) -> None:
    """A file that was exported, and put back, may be longer than those that a server makes."""
    sent = frames(60, fps=0.1)
    path = opened.path / "old/2026/11/29/12-00-00.mpjpeg"
    path.parent.mkdir(parents=True)
    path.write_bytes(OPENING + b"".join(piece for one in sent for piece in encode_record(one, 1)))
    opened.folder.adopt()

    found = opened.reader.last_until("old", NOON + 595)
    opened.close()
    opened.__init__(opened.path)  # type: ignore[misc]
    again = opened.reader.last_until("old", NOON + 595)

    assert found is not None
    assert again is not None
    assert (found.sequence, again.sequence) == (60, 60)
