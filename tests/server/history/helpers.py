"""Frames and folders of a history, as tests need them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.recording_rules import RecordingRules
from skysentry_trio.server.history.disk_writer import DiskWriter
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.history import History
from skysentry_trio.server.history.reader import HistoryReader
from skysentry_trio.server.history.recorder import Recorder
from skysentry_trio.server.history.retention import RetentionLimits
from skysentry_trio.server.history.score_events import ScoreEvents
from skysentry_trio.server.relay.hub import Hub
from tests.clocks import NOON
from tests.jpegs import draw_jpeg

JPEG = draw_jpeg()


def frame(sequence: int, received_at: float, jpeg: bytes = JPEG, captured_at: float | None = None) -> JpegFrame:
    return JpegFrame(sequence, received_at, captured_at, jpeg, 32, 24, received_at)


def frames(count: int, *, start: float = NOON, fps: float = 15, first: int = 1) -> list[JpegFrame]:
    return [frame(first + number, start + number / fps) for number in range(count)]


def eventually(condition: Callable[[], bool]) -> None:
    """Wait in real time, as the thread that writes does."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class OpenFolder:
    """A folder that is recorded in, with the thread that writes."""

    def __init__(
        self, path: Path, limits: RetentionLimits | None = None, clock: Callable[[], float] = lambda: NOON
    ) -> None:
        self.path = path
        self.folder = HistoryFolder.open(path, writing=True)
        self.folder.adopt()
        self.events = EventLog(path, self.folder.index.events, clock, clock)
        self.writer = DiskWriter(self.folder, limits or RetentionLimits(), 2**26, 10.0, clock, events=self.events)
        self.reader = HistoryReader(self.folder, self.writer)
        self.writer.start()

    def record(self, camera_id: str, chosen: list[JpegFrame], epoch: int | None = None) -> int:
        """Record frames, and wait until they are on disk; return their epoch."""
        epoch = self.writer.next_epoch(camera_id) if epoch is None else epoch
        assert self.writer.offer(camera_id, epoch, chosen)
        self.settle()
        return epoch

    def settle(self) -> None:
        deadline = time.monotonic() + 20
        while self.writer.waiting_bytes:
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def close(self) -> None:
        assert self.writer.stop(20)
        self.folder.close()


def history_of(hub: Hub, opened: OpenFolder) -> History:
    """Return the history of a server that records in the folder."""
    rules = RecordingRules()
    recorder = Recorder(hub, opened.writer, rules, opened.events)
    return History(opened.reader, opened.writer, recorder, opened.events, ScoreEvents(rules, opened.events))
