"""Cameras are recorded: which frames, at which rate, and what the cameras are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.recording_rules import RecordingRule, RecordingRules
from skysentry_trio.server.health import Health
from skysentry_trio.server.history.disk_writer import DiskWriter
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.history.recorder import Recorder
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.leases import Lease
from tests.clocks import NOON
from tests.hubs import evict_idle, make_hub, nothing, publish_nowait


@define
class Shelf:
    """Keeps what the recorder hands over, instead of the thread that writes."""

    batches: list[tuple[str, int, list[int]]] = field(factory=list)
    trouble: str | None = None
    epochs: dict[str, int] = field(factory=dict)

    def offer(self, camera_id: str, epoch: int, frames: list[JpegFrame]) -> bool:
        self.batches.append((camera_id, epoch, [frame.sequence for frame in frames]))
        return True

    def next_epoch(self, camera_id: str) -> int:
        self.epochs[camera_id] = epoch = self.epochs.get(camera_id, 0) + 1
        return epoch

    def current_trouble(self) -> str | None:
        return self.trouble

    def recorded(self, camera_id: str) -> list[int]:
        return [number for name, _, numbers in self.batches if name == camera_id for number in numbers]


class Away:
    """The link to another server, which has the camera."""

    node_id = "there"

    def send_result(self, message: bytes) -> None:
        raise AssertionError


def event_log() -> EventLog:
    """Return a log whose events nobody writes."""
    return EventLog(Path("/nonexistent"), None, time.time)  # type: ignore[arg-type]


def recorder(hub: Hub, shelf: Shelf, max_fps: float, events: EventLog | None = None, **changes: Any) -> Recorder:
    writer: DiskWriter = shelf  # type: ignore[assignment] # as much of it as the recorder uses
    rules = RecordingRules(RecordingRule(**{"fps": max_fps, "pre_roll": 0.0, **changes}))
    return Recorder(hub, writer, rules, events or event_log())


async def test_every_frame_of_a_fast_camera_is_recorded(autojump_clock: MockClock) -> None:
    """A camera of 60 fps, whose ring keeps 16 frames, loses no frame."""
    hub, shelf = make_hub(buffer_size=16), Shelf()
    recording = recorder(hub, shelf, 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recording.run, Health())
        with hub.register("door", on_end=nothing) as session:
            for _ in range(120):
                publish_nowait(hub, session)
                await trio.sleep(1 / 60)
            await trio.sleep(1)
        nursery.cancel_scope.cancel()

    assert shelf.recorded("door") == list(range(1, 121))
    assert recording.missed == 0


async def test_frames_that_a_ring_drops_too_soon_are_counted(autojump_clock: MockClock) -> None:
    """A ring of four frames is too short for 60 fps; what is missing is said."""
    hub, shelf = make_hub(buffer_size=4), Shelf()
    recording = recorder(hub, shelf, 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recording.run, Health())
        await trio.testing.wait_all_tasks_blocked()
        with hub.register("door", on_end=nothing) as session:
            for _ in range(60):
                publish_nowait(hub, session)
                await trio.sleep(1 / 60)
            await trio.sleep(1)
        nursery.cancel_scope.cancel()

    assert recording.missed > 0
    assert len(shelf.recorded("door")) + recording.missed == 60


async def test_cameras_take_turns(autojump_clock: MockClock) -> None:
    """The frames of six cameras are written two cameras at a time, and each waits for 0.6 s at most."""
    hub, shelf, lots = make_hub(max_fps=15, buffer_size=60), Shelf(), list[list[tuple[str, int]]]()
    watching = recorder(hub, shelf, 0)
    async with trio.open_nursery() as nursery:
        with ExitStack() as cameras:
            sessions = [cameras.enter_context(hub.register(f"door-{n}", on_end=nothing)) for n in range(6)]
            for number in range(60):
                for session in sessions:
                    publish_nowait(hub, session)
                await trio.sleep(1 / 15)
                if number % 3 == 2:
                    before = len(shelf.batches)
                    await watching.look()
                    lots.append([(name, len(numbers)) for name, _, numbers in shelf.batches[before:]])
        nursery.cancel_scope.cancel()

    steady = lots[8:]
    assert {len(lot) for lot in steady} == {2}
    assert {count for lot in steady for _, count in lot} == {9}
    assert {name for lot in steady[:3] for name, _ in lot} == {f"door-{n}" for n in range(6)}


async def test_the_recorder_is_no_viewer(autojump_clock: MockClock) -> None:
    """It reads the rings: it counts nowhere as a viewer, and frames and notices that it is not given not as dropped."""
    hub, shelf = make_hub(), Shelf()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder(hub, shelf, 0).run, Health())
        with hub.register("door", on_end=nothing) as session:
            await trio.testing.wait_all_tasks_blocked()
            for _ in range(30):
                publish_nowait(hub, session)
                await trio.sleep(1 / 15)
            statistics, viewers = hub.statistics(), (hub.viewer_count("door"), hub.count_viewers())
            told = hub.results.publish("door", 1, b"")
            await trio.sleep(1)
        nursery.cancel_scope.cancel()

    assert shelf.recorded("door") == list(range(1, 31))
    assert statistics.viewers == statistics.frames_superseded == statistics.frames_sent == 0
    assert (viewers, told) == ((0, 0), 0)


async def test_the_rate_is_what_was_asked_for(autojump_clock: MockClock) -> None:
    """At one frame a second, ten seconds of a camera of 15 fps are ten or eleven frames."""
    hub, shelf = make_hub(), Shelf()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder(hub, shelf, 1).run, Health())
        with hub.register("door", on_end=nothing) as session:
            for _ in range(150):
                publish_nowait(hub, session)
                await trio.sleep(1 / 15)
        nursery.cancel_scope.cancel()

    assert len(shelf.recorded("door")) in {10, 11}


async def test_a_camera_that_nobody_watches_is_asked_for_what_is_recorded(autojump_clock: MockClock) -> None:
    """Otherwise it would send one frame in five seconds."""
    hub = make_hub()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder(hub, Shelf(), 2).run, Health())
        with hub.register("door", on_end=nothing) as session:
            await trio.testing.wait_all_tasks_blocked()
            demand = hub.demand(session.camera)
        nursery.cancel_scope.cancel()

    assert demand.limits.max_fps == 2


async def test_a_camera_that_was_forgotten_begins_another_epoch(autojump_clock: MockClock) -> None:
    """It counts its frames from 1 again, and both counts are recorded."""
    hub, shelf = make_hub(client_timeout=1), Shelf()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder(hub, shelf, 0).run, Health())
        for _ in range(2):
            with hub.register("door", on_end=nothing) as session:
                publish_nowait(hub, session)
                await trio.sleep(1)
            await trio.sleep(2)
            evict_idle(hub)
            await trio.sleep(1)
        nursery.cancel_scope.cancel()

    assert shelf.batches == [("door", 1, [1]), ("door", 2, [1])]


async def test_a_camera_that_goes_to_another_server_and_comes_back_is_recorded_while_it_is_here(
    autojump_clock: MockClock,
) -> None:
    """Until its last frame, and from the first one on, although the other server may have counted from 1 again."""
    hub, shelf = make_hub(), Shelf()
    recording = recorder(hub, shelf, 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recording.run, Health())
        await trio.testing.wait_all_tasks_blocked()
        with hub.register("door", on_end=nothing) as session:
            publish_nowait(hub, session)
            await trio.sleep(1)
            for _ in range(7):
                publish_nowait(hub, session)
        away = hub.mirrored.mirror("door", Away(), Lease(1), on_end=nothing, on_demand=nothing)
        with away as session:
            hub.mirrored.drop_newest(session, restart=True)
            await trio.sleep(1)
        with hub.register("door", on_end=nothing, lease=Lease(2, 2)) as session:
            for _ in range(3):
                publish_nowait(hub, session)
            await trio.sleep(1)
        nursery.cancel_scope.cancel()

    assert shelf.batches == [("door", 1, [1]), ("door", 1, list(range(2, 9))), ("door", 2, [3, 4, 5])]
    assert recording.missed == 0


@pytest.mark.parametrize("trouble", ["No space left on device", None])
async def test_trouble_with_the_disk_shows_in_health(autojump_clock: MockClock, trouble: str | None) -> None:
    """While recording is paused, health says why; afterwards it does not."""
    health, shelf = Health(), Shelf(trouble=trouble)
    health.failing["history"] = "something old"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder(make_hub(), shelf, 1).run, health)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()

    said = {} if trouble is None else {"history": f"recording is paused: {trouble}"}
    assert health.failing == said


async def test_the_frames_of_the_last_moment_are_recorded(autojump_clock: MockClock, tmp_path: Path) -> None:
    """A frame that came just before the end is handed over at the end."""
    hub, shelf = make_hub(), Shelf()
    with hub.register("door", on_end=nothing) as session:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(recorder(hub, shelf, 0).run, Health())
            await trio.sleep(1.05)
            publish_nowait(hub, session)
            nursery.cancel_scope.cancel()

    assert shelf.recorded("door") == [1]


async def test_a_still_picture_is_recorded_once(autojump_clock: MockClock) -> None:
    """Pictures that the camera does not send again leave nothing on disk, until there is another picture."""
    hub, shelf = make_hub(), Shelf()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder(hub, shelf, 1).run, Health())
        with hub.register("door", on_end=nothing) as session:
            for _ in range(2):
                publish_nowait(hub, session, bytes(10))
                for _ in range(20):
                    await trio.sleep(0.5)
                    await hub.publish_same(session)
        nursery.cancel_scope.cancel()

    assert shelf.recorded("door") == [1, 22]


RATE = 15


class Scene:
    """A camera that sends frames at a fixed rate for some time, while something happens."""

    def __init__(self, **changes: Any) -> None:
        settings = {"history": "/recordings", "history_fps": 1, "history_pre_roll": 5, "history_post_roll": 5}
        self.hub = make_hub(**{**settings, **changes})
        self.shelf = Shelf()
        self.events = EventLog(Path("/nonexistent"), None, self.hub.wall_clock.now)  # type: ignore[arg-type]
        writer: DiskWriter = self.shelf  # type: ignore[assignment]
        self.recorder = Recorder(self.hub, writer, self.hub.settings.recording_rules(), self.events)
        self.demands: list[tuple[float, float | None]] = []

    async def play(self, seconds: float, happenings: dict[float, Callable[[], object]], fps: float = RATE) -> None:
        """Send frames, and do things at some times, in seconds from the first frame."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.recorder.run, Health())
            await trio.testing.wait_all_tasks_blocked()
            with self.hub.register("door", on_end=nothing) as session:
                start, waiting = trio.current_time(), dict(happenings)
                for number in range(int(seconds * fps)):
                    await trio.sleep_until(start + number / fps)
                    for moment in [one for one in waiting if one * fps <= number]:
                        waiting.pop(moment)()
                    publish_nowait(self.hub, session)
                    limit = self.hub.demand(session.camera).limits.max_fps
                    if not self.demands or self.demands[-1][1] != limit:
                        self.demands.append((number / fps, limit))
            nursery.cancel_scope.cancel()

    def begin(self, label: str = "person", **times: float) -> None:
        self.events.begin("door", label, EventSource.API, **times)

    def end(self) -> None:
        for one in self.events.current("door"):
            self.events.end("door", one.event.id)

    @property
    def seconds(self) -> list[float]:
        """When the recorded frames came, in seconds from the first frame."""
        return [(number - 1) / RATE for number in self.shelf.recorded("door")]


async def test_around_an_event_every_frame_is_recorded(wall_clock: MockClock) -> None:
    """From 5 s before to 5 s after the event at the full rate, within one frame; one frame a second otherwise."""
    scene = Scene()
    await scene.play(60, {20: scene.begin, 30: scene.end})
    around = [one for one in scene.seconds if 14.5 < one < 35.5]
    others = [one for one in scene.seconds if not 14.5 < one < 35.5]

    assert scene.shelf.recorded("door") == sorted(set(scene.shelf.recorded("door")))
    full = [one for one in around if 15 <= one <= 35]
    assert abs(full[0] - 15) <= 1 / RATE
    assert abs(full[-1] - 35) <= 1 / RATE
    assert len(full) == pytest.approx(20 * RATE, abs=1)
    assert len(others) == pytest.approx(39, abs=2)
    assert scene.recorder.missed == 0


async def test_an_event_that_was_over_when_it_was_posted(wall_clock: MockClock) -> None:
    """Its frames are still in the ring if it is not older than the time before events."""
    scene = Scene(history_mode="events", history_post_roll=1)
    await scene.play(
        30, {20: lambda: scene.begin(begin=NOON + trio.current_time() - 3, end=NOON + trio.current_time() - 2)}
    )

    # The server decided a moment ago about the frames of 5 s ago.
    assert 14.4 <= scene.seconds[0] <= 15 + 1 / RATE
    assert scene.seconds[-1] == pytest.approx(19, abs=1 / RATE)


async def test_between_events_nothing_is_recorded(wall_clock: MockClock) -> None:
    """In the mode `events`, a camera without an event leaves nothing on disk, and need not send more."""
    scene = Scene(history_mode="events")
    await scene.play(30, {})

    assert scene.shelf.batches == []
    assert [limit for _, limit in scene.demands] == [0.2]


async def test_a_short_ring_shortens_the_time_before_an_event(wall_clock: MockClock) -> None:
    """With 30 frames in memory, an event has the frames of about the last 1.5 s, and no frame is missed."""
    scene = Scene(buffer_size=30, history_pre_roll=5, history_post_roll=0)
    await scene.play(40, {20: scene.begin, 25: scene.end})
    full = [one for one, following in pairwise(scene.seconds) if following - one < 1.5 / RATE]

    assert 18 < full[0] < 19
    assert full[-1] == pytest.approx(25, abs=2 / RATE)
    assert scene.recorder.missed == 0
    assert len([one for one in scene.seconds if one < 16.5]) == 17


async def test_the_demand_rises_when_an_event_begins(wall_clock: MockClock) -> None:
    """A camera that nobody watches is asked for all frames until an event is over, and before it if settings say so."""
    scene, always = Scene(history_width=640), Scene(history_pre_roll_fps=10)
    await scene.play(30, {10: scene.begin, 12: scene.end})
    await always.play(30, {10: always.begin, 12: always.end})

    (first, *_), (rise, _), (fall, _) = scene.demands
    assert [limit for _, limit in scene.demands] == [1, None, 1]
    assert (first, rise) == (0, 10)
    assert fall == pytest.approx(17, abs=0.5)
    assert [limit for _, limit in always.demands] == [10, None, 10]


async def test_cameras_are_recorded_by_rules(wall_clock: MockClock) -> None:
    """By id, glob and group: one never, one at a rate of its own, the others as usual; each is asked for that."""
    scene = Scene(
        history_pre_roll=0, groups=("back=yard-*",), history_rules=("yard-1=fps=5", "@back=off", "attic=events")
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.recorder.run, Health())
        await trio.testing.wait_all_tasks_blocked()
        with ExitStack() as stack:
            names = ("door", "yard-1", "yard-2", "attic")
            sessions = [stack.enter_context(scene.hub.register(name, on_end=nothing)) for name in names]
            for _ in range(10 * RATE):
                for session in sessions:
                    publish_nowait(scene.hub, session)
                await trio.sleep(1 / RATE)
            demands = [scene.hub.demand(session.camera).limits.max_fps for session in sessions]
        nursery.cancel_scope.cancel()

    assert [len(scene.shelf.recorded(name)) for name in names] == [
        pytest.approx(10, abs=1),
        pytest.approx(50, abs=2),
        0,
        0,
    ]
    assert demands == [1, 5, 0.2, 0.2]


async def test_what_waited_for_an_event_is_recorded_at_the_end(wall_clock: MockClock) -> None:
    """A server that stops, and a camera that is forgotten, lose no frame of the last seconds."""
    scene = Scene(client_timeout=0.5)
    await scene.play(3, {2: scene.begin})
    first = list(scene.seconds)
    forgotten = Scene(client_timeout=0.5)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(forgotten.recorder.run, Health())
        with forgotten.hub.register("door", on_end=nothing) as session:
            for _ in range(3):
                publish_nowait(forgotten.hub, session)
                await trio.sleep(1)
        await trio.sleep(1)
        evict_idle(forgotten.hub)
        await trio.sleep(1)
        recorded = forgotten.shelf.recorded("door")
        nursery.cancel_scope.cancel()

    assert first[-1] == pytest.approx(3, abs=1.5 / RATE)
    assert len(first) > 2 * RATE
    assert recorded == [1, 2, 3]
