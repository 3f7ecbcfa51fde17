"""Make events of scores: of the change that cameras see in their pictures, and of detection results.

An event begins when two scores in succession reach the threshold, or one that is far above it; its beginning is the
time of the first. It ends when no score has reached half of the threshold for two seconds; its end is the time of the
last that did. So neither noise nor a score that goes up and down makes many events of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.recording_rules import RecordingMode, RecordingRules
from skysentry_trio.server.history.event_log import EventLog
from skysentry_trio.server.history.events import EventSource
from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.wire.capture import PictureMeasure
from skysentry_trio.wire.results import Box

MOTION: Final = "motion"
"""The label of an event that a change of the picture has begun."""
UNNAMED: Final = "result"
"""The label of an event of a box without a label."""
_QUIET: Final = 2.0
"""Seconds without a score of half of the threshold after which an event is over."""
_PAIR: Final = 3.0
"""Seconds between two scores in succession; cameras that nobody watches send one a second."""
_AT_ONCE: Final = 4.0
"""Times the threshold: a score that begins an event alone."""
_MOST_LABELS: Final = 16
"""Labels of one camera of which events last at the same time."""


@define(eq=False)
class _Score:
    """The scores of one label at one camera."""

    first: JpegFrame
    """The first frame whose score reached the threshold."""
    last: JpegFrame
    """The last frame whose score reached half of the threshold."""
    heard_at: float
    """When the last of their frames arrived: seconds of the monotonic clock."""
    event_id: str | None = None
    """Id of the event that lasts; None before it begins."""


@define(eq=False)
class ScoreEvents:
    """The events that last because of scores."""

    _rules: RecordingRules
    _events: EventLog
    _scores: dict[tuple[str, str], _Score] = field(factory=dict, init=False, repr=False)
    """By camera and label."""

    def wants_change(self, camera_id: str) -> bool:
        """Return whether a change of the picture of a camera is an event."""
        rule = self._rules.of(camera_id)
        return rule.motion > 0 and rule.mode is not RecordingMode.OFF

    def take_measure(self, camera: HubCamera, measure: PictureMeasure) -> None:
        """Take what a camera has measured in its newest frame."""
        rule, frame = self._rules.of(camera.id), camera.ring.newest
        if measure.change is not None and frame is not None and rule.mode is not RecordingMode.OFF:
            self._take(camera.id, MOTION, EventSource.MOTION, measure.change, rule.motion, frame)

    def take_boxes(self, camera: HubCamera, frame: JpegFrame, boxes: Sequence[Box]) -> None:
        """Take the boxes that a program has found in a frame."""
        rule = self._rules.of(camera.id)
        if not rule.result_score or rule.mode is RecordingMode.OFF:
            return
        best = dict[str, float]()
        for box in boxes:
            label = box.label or UNNAMED
            # A program that gives no score is sure.
            best[label] = max(best.get(label, 0.0), 1.0 if box.score is None else box.score)
        for label, score in sorted(best.items(), key=lambda one: -one[1])[:_MOST_LABELS]:
            self._take(camera.id, label, EventSource.RESULT, score, rule.result_score, frame)

    def _take(  # noqa: PLR0917 - the parts of one score
        self, camera_id: str, label: str, source: EventSource, value: float, threshold: float, frame: JpegFrame
    ) -> None:
        if not threshold:
            return
        key = (camera_id, label)
        score = self._scores.get(key)
        if score is not None and score.event_id is not None and not self._events.lasts(camera_id, score.event_id):
            # It was ended because it lasted too long, or by a program.
            score = None
        if score is not None and score.event_id is not None:
            score.heard_at = frame.arrived
            if value >= threshold / 2:
                score.last = frame
            elif frame.arrived - score.last.arrived >= _QUIET:
                self._end(key, score)
            return
        if value < threshold:
            self._scores.pop(key, None)
            return
        if score is None or frame.arrived - score.last.arrived > _PAIR:
            if key not in self._scores and sum(known == camera_id for known, _ in self._scores) >= _MOST_LABELS:
                return
            score = self._scores[key] = _Score(frame, frame, frame.arrived)
            if value < _AT_ONCE * threshold:
                return
        score.last, score.heard_at = frame, frame.arrived
        self._begin(key, score, source)

    def end_quiet(self, now: float) -> None:
        """End the events of cameras and programs that send no scores any more.

        Args:
            now: in seconds of the monotonic clock.
        """
        for key, score in list(self._scores.items()):
            if score.heard_at < now - _QUIET - _PAIR:
                self._end(key, score)

    def _begin(self, key: tuple[str, str], score: _Score, source: EventSource) -> None:
        camera_id, label = key
        try:
            score.event_id = self._events.begin(camera_id, label, source, begin=score.first.received_at).id
        except ProtocolViolation:
            # Too many events wait for the disk, or last: the log has counted this one.
            self._scores.pop(key, None)

    def _end(self, key: tuple[str, str], score: _Score) -> None:
        del self._scores[key]
        if score.event_id is None or not self._events.lasts(key[0], score.event_id):
            return
        end = score.last.received_at
        # If the clock was set back meanwhile, the event ends now.
        self._events.end(key[0], score.event_id, end=end if end >= round(score.first.received_at, 3) else None)
