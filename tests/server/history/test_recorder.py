"""Cameras are recorded: which frames, at which rate, and what the cameras are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.server.health import Health
from skysentry_trio.server.history.disk_writer import DiskWriter
from skysentry_trio.server.history.recorder import Recorder
from tests.hubs import make_hub, nothing, publish_nowait


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


def recorder(hub: object, shelf: Shelf, max_fps: float) -> Recorder:
    writer: DiskWriter = shelf  # type: ignore[assignment] # as much of it as the recorder uses
    return Recorder(hub, writer, max_fps)  # type: ignore[arg-type]


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
            hub.evict_idle()
            await trio.sleep(1)
        nursery.cancel_scope.cancel()

    assert shelf.batches == [("door", 1, [1]), ("door", 2, [1])]


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
