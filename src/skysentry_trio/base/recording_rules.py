"""How cameras are recorded: always, around events, or never; in general, and by rules for some cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, Self

from attrs import evolve, frozen

from skysentry_trio.base.demand import MAX_WIDTH, Limits
from skysentry_trio.base.principal import CameraSet, is_pattern
from skysentry_trio.base.units import parse_duration

MAX_FPS: Final = 1000.0
MAX_ROLL: Final = 300.0
"""Seconds before or after an event."""


class RecordingMode(StrEnum):
    """When a camera is recorded."""

    OFF = "off"
    CONTINUOUS = "continuous"
    """Always, and around events at their rate."""
    EVENTS = "events"
    """Only around events."""


@frozen
class RecordingRule:
    """How one camera is recorded."""

    mode: RecordingMode = RecordingMode.CONTINUOUS
    fps: float = 1.0
    """Frames a second between events; 0 for all frames."""
    event_fps: float = 0.0
    """Frames a second around events; 0 for all frames."""
    width: int = 0
    """Maximum width that the recorder requests, in pixels; 0 for no limit."""
    pre_roll: float = 5.0
    """Seconds before an event that belong to it."""
    pre_roll_fps: float = 0.0
    """Frames a second that the camera is to send all the time, because of the time before events; 0 for `fps`."""
    post_roll: float = 5.0
    """Seconds after an event that belong to it."""

    motion: float = 0.0
    """The share of the picture whose change is an event, as the camera sees it; 0 for none."""
    result_score: float = 0.0
    """The least score of a box of a detection result that is an event; 0 for none."""

    @property
    def depends_on_events(self) -> bool:
        """Whether more frames are recorded around events than otherwise."""
        return self.mode is RecordingMode.EVENTS or (self.mode is RecordingMode.CONTINUOUS and self.fps > 0)

    @property
    def rolls(self) -> tuple[float, float]:
        """Seconds before and after an event that belong to the event."""
        return self.pre_roll, self.post_roll

    @property
    def hold(self) -> float:
        """Seconds for which a frame waits for an event that may begin, before it is recorded or not."""
        return self.pre_roll if self.depends_on_events else 0.0

    def demand(self, *, around_event: bool) -> Limits | None:
        """Return what the recorder needs of the camera now; None for nothing."""
        width = self.width or None
        if self.mode is RecordingMode.OFF:
            return None
        if around_event or (self.mode is RecordingMode.CONTINUOUS and not self.fps):
            every = not self.event_fps or not self.depends_on_events
            return Limits(max_fps=None if every else max(self.event_fps, self.fps), max_width=width)
        fps = max(self.pre_roll_fps, self.fps if self.mode is RecordingMode.CONTINUOUS else 0.0)
        return Limits(max_fps=fps, max_width=width) if fps else None


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return parse


def _roll(text: str) -> float:
    return _number(0, MAX_ROLL)(str(parse_duration(text)))


def _width(text: str) -> int:
    value = int(text)
    if not 0 <= value <= MAX_WIDTH:
        raise ValueError
    return value


_KEYS: Final[Mapping[str, Callable[[str], Any]]] = {
    "mode": RecordingMode,
    "fps": _number(0, MAX_FPS),
    "event_fps": _number(0, MAX_FPS),
    "width": _width,
    "pre_roll": _roll,
    "pre_roll_fps": _number(0, MAX_FPS),
    "post_roll": _roll,
    "motion": _number(0, 1),
    "result_score": _number(0, 1),
}


def parse_recording_rule(text: str) -> tuple[str, dict[str, Any]]:
    """Return the cameras that a rule names, and what it changes.

    Args:
        text: such as ``yard-*=events pre_roll=10s``: a mode and other keys in any order.

    Raises:
        ValueError: the text is not such a rule.
    """
    pattern, mark, rest = text.partition("=")
    changes = dict[str, Any]()
    for word in rest.split():
        key, has_value, value = word.partition("=")
        if not has_value:
            key, value = "mode", word
        key = key.replace("-", "_")
        if key not in _KEYS or key in changes:
            raise ValueError
        changes[key] = _KEYS[key](value)
    if not mark or not is_pattern(pattern) or not changes:
        raise ValueError
    return pattern, changes


def is_recording_rule(text: str) -> bool:
    """Return whether this is a rule for the recording of some cameras."""
    try:
        parse_recording_rule(text)
    except ValueError:
        return False
    return True


def rules_of_table(table: Mapping[str, object]) -> tuple[str, ...]:
    """Return the rules that a TOML table has: for each id, glob or group, a table of keys, or a mode alone."""
    rules = []
    for pattern, row in table.items():
        keys = row if isinstance(row, dict) else {"mode": row}
        rules.append(f"{pattern}={' '.join(f'{key}={value}' for key, value in keys.items())}")
    return tuple(rules)


@frozen
class RecordingRules:
    """How each camera is recorded."""

    default: RecordingRule = RecordingRule()
    _rules: tuple[tuple[CameraSet, Mapping[str, Any]], ...] = ()

    @classmethod
    def parse(cls, default: RecordingRule, rules: Iterable[str], groups: Mapping[str, Iterable[str]]) -> Self:
        """Return the rules that the settings have.

        Args:
            default: for cameras that no rule names, and for keys that a rule leaves out.
            rules: as `parse_recording_rule` reads them; the first one that names a camera counts.
            groups: the cameras of each group, for rules that name ``@GROUP``.

        Raises:
            ValueError: a rule is invalid.
        """
        parsed = []
        for text in rules:
            pattern, changes = parse_recording_rule(text)
            patterns = groups.get(pattern[1:], ()) if pattern.startswith("@") else (pattern,)
            parsed.append((CameraSet(frozenset(patterns)), changes))
        return cls(default, tuple(parsed))

    @property
    def are_alike(self) -> bool:
        """Whether all cameras are recorded in the same way."""
        return not self._rules

    def every(self) -> Iterable[RecordingRule]:
        """Return every way in which cameras are recorded."""
        return [self.default, *(evolve(self.default, **changes) for _, changes in self._rules)]

    def of(self, camera_id: str) -> RecordingRule:
        """Return how a camera is recorded."""
        for cameras, changes in self._rules:
            if cameras.covers(camera_id):
                return evolve(self.default, **changes)
        return self.default
