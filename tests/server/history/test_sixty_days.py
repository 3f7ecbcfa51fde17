"""Sixty days of two cameras, in the time that writing takes: what is kept, and what is deleted when."""

from __future__ import annotations

from pathlib import Path

import pytest

from skysentry_trio.base.ageing_rule import parse_rules
from skysentry_trio.server.history.ageing import Ageing
from skysentry_trio.server.history.disk_writer import DiskWriter, _Batch
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.reader import HistoryReader
from skysentry_trio.server.history.retention import RetentionLimits
from tests.clocks import NOON
from tests.server.history.helpers import JPEG, frames

DAY = 86400.0
CAPACITY = 2_000_000
"""Bytes of the volume."""


class Server:
    """The thread that writes, without the thread: each day it gets a minute of each camera, and cleans up."""

    def __init__(self, path: Path, limits: RetentionLimits, *rules: str) -> None:
        self.now, self.steady, self.day = NOON, 0.0, 0
        self.folder = HistoryFolder.open(path, writing=True)
        self.path, self.limits = path, limits
        ageing = Ageing(self.folder, parse_rules(rules))
        self.writer = DiskWriter(
            self.folder,
            limits,
            max_waiting=2**26,
            sync_interval=10.0,
            clock=lambda: self.now,
            monotonic=lambda: self.steady,
            steady=lambda: self.steady,
            ageing=ageing,
        )
        self.epoch = self.writer.next_epoch("door")

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.path.glob("*/*/*/*/*.mpjpeg"))

    def live_a_day(self) -> None:
        """Record, let ten minutes go by, clean up, and let the rest of the day go by."""
        for camera_id, fps in (("door", 2), ("yard", 1)):
            chosen = frames(20, fps=fps, start=self.now + 1, first=20 * self.day + 1)
            self.writer._write(_Batch(camera_id, self.epoch, chosen, 20 * len(JPEG)))
        self.pass_time(600)
        self.maintain()
        self.pass_time(DAY - 600)
        self.day += 1

    def pass_time(self, seconds: float) -> None:
        self.now, self.steady = self.now + seconds, self.steady + seconds

    def maintain(self) -> None:
        # The first time finishes the files of today, of which the second one knows.
        for _ in range(2):
            self.writer._cleaned_at = float("-inf")
            self.writer._maintain(everything=False)
        while self.writer._ages:
            self.writer._age()

    def days(self, camera_id: str = "door") -> set[int]:
        """Return the days of which files are left."""
        return {int((one.started_at - NOON) // DAY) for one in self.folder.index.segments(camera_id)}


@pytest.mark.parametrize(
    ("limits", "doors", "yards"),
    [
        (RetentionLimits(max_age=30 * DAY), 31, 31),
        (RetentionLimits(max_bytes=400_000), 13, 13),
        (RetentionLimits(max_camera_bytes=300_000), 19, 19),
        (RetentionLimits(min_free=CAPACITY - 600_000), 19, 19),
        (RetentionLimits(max_age=30 * DAY, max_bytes=400_000), 13, 13),
        (RetentionLimits(), 60, 60),
    ],
)
def test_each_limit_is_held_on_each_day(
    tmp_path: Path, limits: RetentionLimits, doors: int, yards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest days are left, as many as the limit allows, and no day is missing among them."""
    server = Server(tmp_path, limits)
    monkeypatch.setattr(HistoryFolder, "free_bytes", lambda _: CAPACITY - server.size())
    for day in range(60):
        server.live_a_day()
        assert server.size() <= min(limits.max_bytes, 2 * limits.max_camera_bytes, CAPACITY - limits.min_free)
        assert server.days() == set(range(day + 1 - len(server.days()), day + 1))

    left = len(server.days("door")), len(server.days("yard"))
    server.folder.close()
    assert abs(left[0] - doors) <= 1
    assert abs(left[1] - yards) <= 1


def test_protected_days_stay_and_count(tmp_path: Path) -> None:
    """They are never deleted, so fewer other days fit."""
    server = Server(tmp_path, RetentionLimits(max_bytes=400_000))
    for day in range(60):
        server.live_a_day()
        if day < 5:
            server.folder.protect("door", NOON + day * DAY, NOON + (day + 1) * DAY)

    assert server.days() >= set(range(5))
    assert server.size() <= 400_000
    server.folder.close()


def test_the_thread_thins_out_when_nothing_waits(tmp_path: Path) -> None:
    """After sixty days, each file has the frames of its age."""
    server = Server(tmp_path, RetentionLimits(), "1d:1/s", "30d:1/10s")
    for _ in range(60):
        server.live_a_day()
    segments = server.folder.index.segments("door")
    server.folder.close()

    counts = [sum(one.frames for one in segments if (one.started_at - NOON) // DAY == day) for day in range(60)]
    assert counts == [2] * 30 + [10] * 29 + [20]
    assert server.writer.ageing.frames_dropped == 30 * (18 + 17) + 29 * 10


def test_a_clock_that_is_set_forward_deletes_nothing_early(tmp_path: Path) -> None:
    """A year too far for some hours costs no recording; frames have the times of the clock, and are in order."""
    server = Server(tmp_path, RetentionLimits(max_age=7 * DAY), "1d:1/s")
    for _ in range(5):
        server.live_a_day()
    server.now += 365 * DAY
    server.live_a_day()
    early = server.days()
    server.now -= 365 * DAY
    for _ in range(2):
        server.live_a_day()
    late = server.days()
    sequences = [one.sequence for one in HistoryReader(server.folder).frames("door", 0, float("inf"))]
    server.folder.close()

    assert early == {0, 1, 2, 3, 4, 370}
    assert {1, 2, 3, 4, 370, 6, 7} <= late
    assert sequences == sorted(sequences)
