"""The history of a server: opened at the start, filled as a service, closed when the server has stopped."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

from skysentry_trio.base.ageing_rule import parse_rules
from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.health import Health
from skysentry_trio.server.history.ageing import Ageing
from skysentry_trio.server.history.disk_writer import DiskWriter
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.events import RecordedEvent
from skysentry_trio.server.history.folder import HistoryFolder
from skysentry_trio.server.history.reader import HistoryReader
from skysentry_trio.server.history.recorder import Recorder
from skysentry_trio.server.history.retention import RetentionLimits
from skysentry_trio.server.history.score_events import ScoreEvents
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings

log = get_logger(__name__)

_SHARE_OF_MEMORY: Final = 8
"""Frames that wait for the disk may take this fraction of `Settings.max_memory`: 1/8."""
_REPORT_EVERY: Final = 5.0
"""Seconds."""
_LOOK_FOR_QUIET: Final = 1.0
"""Seconds between two looks for events of which nobody sends scores any more."""
_LAST_WRITES: Final = 5.0
"""Seconds that the disk has for the last frames when the server stops."""


@frozen
class History:
    """What the rest of the server uses of the recordings."""

    reader: HistoryReader
    writer: DiskWriter
    recorder: Recorder
    events: EventLog
    scores: ScoreEvents

    async def run(self, health: Health) -> None:
        """Enter the segments that the index does not know, then record; never returns."""
        troubles, unfinished, newest = await trio.to_thread.run_sync(self._adopt, abandon_on_cancel=True)
        self.events.resume(unfinished, newest)
        for trouble in troubles[:10]:
            log.warning("recording cannot be read", error=trouble)
        self.writer.start()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._end_quiet_events)
            await self.recorder.run(health)

    async def close(self) -> None:
        """Close the history after its last frames are written, also if the caller is cancelled."""
        with trio.CancelScope(shield=True):
            written = await trio.to_thread.run_sync(self.writer.stop, _LAST_WRITES)
        if written:
            self.reader.folder.close()
        else:
            log.error("the last frames are not recorded", error=self.writer.current_trouble())

    async def _end_quiet_events(self) -> None:
        while True:
            await trio.sleep(_LOOK_FOR_QUIET)
            self.scores.end_quiet(trio.current_time())

    def _adopt(self) -> tuple[list[str], list[RecordedEvent], dict[str, float]]:
        """Return sentences about files, the events without an end, and when the newest frames arrived."""
        reported = time.monotonic()

        def report(count: int, name: str) -> None:
            nonlocal reported
            if time.monotonic() - reported > _REPORT_EVERY:
                reported = time.monotonic()
                log.info("reading recordings", files=count, now=name)

        folder = self.reader.folder
        troubles = folder.adopt(report=report)
        return (
            troubles,
            folder.index.events.unfinished(),
            {one.camera_id: one.newest_at for one in folder.index.usage()},
        )


def open_history(settings: Settings, hub: Hub) -> History:
    """Open the history that the settings name.

    Raises:
        ConfigurationError: the folder cannot be used, or another server records in it.
    """
    folder = HistoryFolder.open(Path(settings.history), writing=True)
    limits = RetentionLimits(
        max_age=settings.history_age or math.inf,
        max_bytes=settings.history_bytes or math.inf,
        min_free=settings.history_min_free,
        max_camera_bytes=settings.history_camera_bytes or math.inf,
    )
    events = EventLog(folder.path, folder.index.events, hub.wall_clock.now)
    room = settings.max_memory // _SHARE_OF_MEMORY
    ageing = Ageing(folder, parse_rules(settings.history_ageing))
    writer = DiskWriter(folder, limits, room, settings.history_sync, events=events, ageing=ageing)
    rules = settings.recording_rules()
    reader = HistoryReader(folder, writer, rolls=lambda camera_id: rules.of(camera_id).rolls)
    ageing.ranges_of_events = reader.event_ranges
    scores = ScoreEvents(rules, events)
    hub.wants_change, hub.on_measure = scores.wants_change, scores.take_measure
    hub.results.on_found = scores.take_boxes
    return History(reader, writer, Recorder(hub, writer, rules, events), events, scores)
