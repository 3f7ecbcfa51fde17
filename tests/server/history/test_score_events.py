"""Events that scores make: of the change that cameras see, and of detection results."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from skysentry_trio.base.recording_rules import RecordingMode, RecordingRule, RecordingRules
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.history.score_events import ScoreEvents
from skysentry_trio.wire.capture import PictureMeasure
from skysentry_trio.wire.results import Box
from tests.clocks import NOON
from tests.hubs import make_hub, nothing, publish_nowait


@define
class Scene:
    """A camera whose frames have scores."""

    rule: RecordingRule = field(factory=lambda: RecordingRule(motion=0.01, result_score=0.5))
    events: EventLog = field(init=False)
    scores: ScoreEvents = field(init=False)
    now: float = field(default=0.0, init=False)

    async def play(self, changes: Iterable[float | list[Box]], fps: float = 5) -> list[tuple[str, float, float | None]]:
        """Send one frame for each change or list of boxes; return the events with times in seconds from the start."""
        hub = make_hub()
        self.events = EventLog(Path("/nonexistent"), None, hub.wall_clock.now)  # type: ignore[arg-type]
        self.scores = ScoreEvents(RecordingRules(self.rule), self.events)
        start = hub.wall_clock.now()
        with hub.register("door", on_end=nothing) as session:
            for change in changes:
                frame = publish_nowait(hub, session)
                if isinstance(change, list):
                    self.scores.take_boxes(session.camera, frame, change)
                else:
                    self.scores.take_measure(session.camera, PictureMeasure(change))
                self.scores.end_quiet(trio.current_time())
                await trio.sleep(1 / fps)
        return [
            (
                one.event.label,
                round(one.event.started_at - start, 2),
                None if one.event.ended_at is None else round(one.event.ended_at - start, 2),
            )
            for one in self.events.current("door")
        ]


async def test_a_figure_that_moves_is_one_event(wall_clock: MockClock) -> None:
    """It begins with the first change and ends with the last one, although the score goes up and down meanwhile."""
    changes = [*[0.0] * 25, *[0.05, 0.004, 0.02, 0.006, 0.03, 0.0] * 5, *[0.0] * 50]

    assert await Scene().play(changes) == [("motion", 5.0, 10.6)]


async def test_noise_is_no_event(wall_clock: MockClock) -> None:
    """Ten minutes of scores below the threshold, and single ones above it, begin nothing."""
    assert await Scene().play(([0.003] * 20 + [0.02]) * 140) == []


async def test_a_large_change_is_an_event_at_once(wall_clock: MockClock) -> None:
    """One score of four times the threshold is enough, as of a bird."""
    assert await Scene().play([0.0, 0.04, *[0.0] * 20]) == [("motion", 0.2, 0.2)]


async def test_two_figures_are_two_events(wall_clock: MockClock) -> None:
    """If nothing moves for more than two seconds, what moves then is another event."""
    moves, still = [0.05] * 5, [0.0] * 15

    events = await Scene().play([*moves, *still, *moves, *still])

    assert [(begin, end) for _, begin, end in events] == [(0.0, 0.8), (4.0, 4.8)]


async def test_scores_that_are_not_wanted(wall_clock: MockClock) -> None:
    """Without a threshold, and of a camera that is never recorded, scores begin nothing."""
    off = Scene(RecordingRule(RecordingMode.OFF, motion=0.01, result_score=0.1))

    assert await Scene(RecordingRule()).play([0.5] * 10) == []
    assert await off.play([0.5, [Box(0, 0, 1, 1)]] * 10) == []
    assert (off.scores.wants_change("door"), Scene().rule.motion) == (False, 0.01)


async def test_a_camera_that_leaves_ends_its_event(wall_clock: MockClock) -> None:
    """If no more scores come, the event ends with the last one."""
    scene = Scene()
    lasting = await scene.play([0.05] * 5)
    await trio.sleep(10)
    scene.scores.end_quiet(trio.current_time())
    (over,) = scene.events.current("door")

    assert lasting == [("motion", 0.0, None)]
    assert over.event.ended_at == pytest.approx(NOON + 0.8, abs=0.01)


async def test_motion_that_lasts_for_hours_is_several_events(wall_clock: MockClock) -> None:
    """The log ends an event after an hour; the change that goes on begins another one."""
    scene = Scene()
    await scene.play([0.05] * 5, fps=1)
    (one,) = scene.events.current("door")
    scene.events.end("door", one.event.id)
    hub = make_hub()
    with hub.register("door", on_end=nothing) as session:
        for _ in range(2):
            publish_nowait(hub, session)
            scene.scores.take_measure(session.camera, PictureMeasure(0.05))

    assert [one.end is None for one in scene.events.current("door")] == [False, True]


async def test_boxes_with_scores_are_events(wall_clock: MockClock) -> None:
    """Each label is an event of its own; a box without a score is certain, one below the threshold is none."""
    cat, person, shadow = (
        Box(0, 0, 9, 9, "cat", 0.7),
        Box(0, 0, 9, 9, "person"),
        Box(0, 0, 9, 9, "shadow", 0.4),
    )
    scene = Scene()
    events = await scene.play([*[[cat, shadow]] * 5, *[[cat, person, shadow]] * 5, *[[shadow]] * 20, *[[]] * 20])

    assert events == [("cat", 0.0, 1.8), ("person", 1.0, 1.8)]
    assert scene.events.noted == {EventSource.RESULT: 2}
