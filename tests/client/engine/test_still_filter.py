"""Which pictures are left out, and what is measured, with a hub that gets what is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from skysentry_trio.base.recording_rules import RecordingRule, RecordingRules
from skysentry_trio.client.engine.still_filter import FrameChoice, StillFilter
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.score_events import ScoreEvents
from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.wire.capture import encode_same
from tests.client.engine.scenes import SIZE, scene
from tests.clocks import NOON
from tests.hubs import make_hub, nothing

ALL = ("same", "change", "motion")


class Street:
    """A camera that sends a scripted scene to a hub, which makes events of changes."""

    def __init__(self, still: StillFilter) -> None:
        self.still, self.hub = still, make_hub()
        self.events = EventLog(Path("/nonexistent"), None, self.hub.wall_clock.now)  # type: ignore[arg-type]
        self.scores = ScoreEvents(RecordingRules(RecordingRule(motion=0.01)), self.events)
        self.hub.on_measure = self.scores.take_measure
        self.made_still = self.sent_still = 0
        """Bytes of the pictures of a still scene, and those of them that were sent."""
        self.oldest = 0.0
        """The most seconds that the newest frame was old."""
        self.whole: list[float] = []
        """When a whole frame was sent."""

    async def play(
        self,
        seconds: float,
        fps: float,
        figure_at: Callable[[float], float | None],
        size: tuple[int, int] = SIZE,
    ) -> None:
        with self.hub.register("street", on_end=nothing) as session:
            start = trio.current_time()
            for number in range(int(seconds * fps)):
                await trio.sleep_until(start + number / fps)
                jpeg, now = scene(figure_at(number / fps), size=size), trio.current_time()
                sending, measure = await self.still.look(jpeg, UNLIMITED, now)
                is_still = figure_at(number / fps) is None
                self.made_still += len(jpeg) * is_still
                if sending is FrameChoice.WHOLE:
                    self.sent_still += len(jpeg) * is_still
                    self.whole.append(number / fps)
                    await self.hub.publish(session, jpeg, width=320, height=180)
                elif sending is FrameChoice.SAME:
                    self.sent_still += len(encode_same(trio.current_time(), measure))
                    await self.hub.publish_same(session)
                if measure is not None and sending is not FrameChoice.NOTHING:
                    self.hub.note_measure(session.camera, measure)
                self.scores.end_quiet(trio.current_time())
                newest = session.camera.ring.newest
                assert newest is not None
                self.oldest = max(self.oldest, trio.current_time() - newest.arrived)

    @property
    def found(self) -> list[tuple[float, float | None]]:
        return [
            (one.event.started_at - NOON, None if one.event.ended_at is None else one.event.ended_at - NOON)
            for one in self.events.current("street")
        ]


async def test_a_figure_that_walks_through_is_one_event(wall_clock: MockClock) -> None:
    """It begins and ends within a second of the figure's coming and going."""
    street = Street(StillFilter(ALL))
    await street.play(20, 5, lambda second: (second - 6) / 6 if 6 <= second <= 12 else None)

    ((begin, end),) = street.found
    assert begin == pytest.approx(6, abs=1)
    assert end == pytest.approx(12, abs=1)


async def test_a_still_scene_with_noise_is_no_event(wall_clock: MockClock) -> None:
    """Not in ten minutes, at the rate that an unwatched camera sends for its recording."""
    street = Street(StillFilter(ALL))
    await street.play(600, 1, lambda _second: None, (128, 72))

    assert street.found == []
    assert street.sent_still == street.made_still


async def test_still_pictures_are_left_out_and_the_camera_stays_live(wall_clock: MockClock) -> None:
    """More than 80 % of the bytes of a still scene are saved, and the newest frame is never older than a second."""
    street = Street(StillFilter(ALL, leaves_out=True))
    await street.play(25, 5, lambda second: (second - 20) / 3 if 20 <= second < 23 else None)

    still = [second for second in street.whole if second < 20]
    assert street.sent_still < 0.2 * street.made_still
    assert still == [0, 10]
    assert street.oldest < 1
    assert [second for second in street.whole if 20 <= second < 23] == [20 + number / 5 for number in range(15)]
    assert len(street.found) == 1


async def test_a_new_demand_is_answered_with_a_whole_picture(autojump_clock: MockClock) -> None:
    """A viewer that needs a larger picture gets one at once; too many messages that say the same are not sent."""
    still, jpeg = StillFilter(ALL, leaves_out=True), scene()
    sent = []
    for number, target in enumerate([UNLIMITED, UNLIMITED, UNLIMITED, EncoderTarget(max_width=640), UNLIMITED]):
        sent.append((await still.look(jpeg, target, number * 0.09))[0])

    assert sent == [FrameChoice.WHOLE, FrameChoice.NOTHING, FrameChoice.SAME, FrameChoice.WHOLE, FrameChoice.WHOLE]


@pytest.mark.parametrize(
    ("capabilities", "measured"), [((), 0), (("change",), 5), (("change", "motion"), 50), (("same",), 0)]
)
async def test_pictures_are_measured_as_often_as_the_server_wants(
    autojump_clock: MockClock, capabilities: tuple[str, ...], measured: int
) -> None:
    """Never for a server that does not know it, every two seconds for one that does, and at each frame for motion."""
    still, jpeg = StillFilter(capabilities), scene()
    results = [await still.look(jpeg, UNLIMITED, number / 5) for number in range(50)]

    assert sum(measure is not None for _, measure in results) == pytest.approx(measured, abs=5 if measured == 5 else 0)
    assert {sending for sending, _ in results} == {FrameChoice.WHOLE}
