"""How cameras are recorded, in general and by rules."""

from __future__ import annotations

import pytest

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.recording_rules import (
    RecordingMode,
    RecordingRule,
    RecordingRules,
    is_recording_rule,
    parse_recording_rule,
    rules_of_table,
)


def test_the_first_rule_that_names_a_camera_counts() -> None:
    """By id, glob or group; what the rule leaves out is as for all cameras."""
    rules = RecordingRules.parse(
        RecordingRule(fps=2), ["yard-1=fps=5", "@back=off", "yard-*=events pre-roll=10s"], {"back": ["attic", "yard-2"]}
    )

    assert rules.of("door") == RecordingRule(fps=2)
    assert rules.of("yard-1") == RecordingRule(fps=5)
    assert (rules.of("attic").mode, rules.of("yard-2").mode) == (RecordingMode.OFF, RecordingMode.OFF)
    assert rules.of("yard-3") == RecordingRule(RecordingMode.EVENTS, fps=2, pre_roll=10)


@pytest.mark.parametrize(
    "text",
    [
        *("yard", "yard=", "=off", "a b=off", "yard=never", "yard=fps", "yard=fps=-1", "yard=fps=nan", "yard=off off"),
        *("yard=pre_roll=1h", "yard=width=1.5", "yard=speed=1", "yard=motion=2", "@a=off fps=1 fps=2"),
    ],
)
def test_what_is_no_rule(text: str) -> None:
    """Cameras, and at least one key with a value that is allowed, each key once."""
    assert not is_recording_rule(text)


def test_a_table_is_a_list_of_rules() -> None:
    """A table of keys for each camera, or a mode alone; what is no rule stays none."""
    rules = rules_of_table({"yard-*": {"mode": "events", "fps": 5, "pre_roll": "10s"}, "attic": "off", "x": 3})

    assert [parse_recording_rule(rule) for rule in rules[:2]] == [
        ("yard-*", {"mode": "events", "fps": 5, "pre_roll": 10}),
        ("attic", {"mode": "off"}),
    ]
    assert not is_recording_rule(rules[2])


@pytest.mark.parametrize(
    ("rule", "between", "around"),
    [
        (RecordingRule(), Limits(max_fps=1), Limits()),
        (RecordingRule(fps=0), Limits(), Limits()),
        (RecordingRule(fps=0, event_fps=5), Limits(), Limits()),
        (RecordingRule(width=640, event_fps=5), Limits(1, 640), Limits(5, 640)),
        (RecordingRule(pre_roll_fps=10), Limits(max_fps=10), Limits()),
        (RecordingRule(RecordingMode.EVENTS), None, Limits()),
        (RecordingRule(RecordingMode.EVENTS, pre_roll_fps=10), Limits(max_fps=10), Limits()),
        (RecordingRule(RecordingMode.OFF), None, None),
    ],
)
def test_what_is_requested_of_cameras(rule: RecordingRule, between: Limits | None, around: Limits | None) -> None:
    """Between events the rate that is recorded, or the rate for the time before events; around them all frames."""
    assert (rule.demand(around_event=False), rule.demand(around_event=True)) == (between, around)
