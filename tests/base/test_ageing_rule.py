"""Rules for old recordings."""

from __future__ import annotations

import pytest

from skysentry_trio.base.ageing_rule import AgeingRule, parse_rule, parse_rules


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("1d: 1/s", AgeingRule(86400, 1)),
        ("7d:1/10s", AgeingRule(7 * 86400, 10)),
        ("12h: 5/s", AgeingRule(12 * 3600, 0.2)),
        ("30d: 1/m", AgeingRule(30 * 86400, 60)),
        (" 90d : 2 / 1h ", AgeingRule(90 * 86400, 1800)),
    ],
)
def test_a_rule_has_an_age_and_a_rate(text: str, rule: AgeingRule) -> None:
    """The rate is a number of frames in a time."""
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    "text", ["", "1d", "1d: 1", "1d: 0/s", "1d: 1/week", "0s: 1/s", "1d: 1/2d", "-1d: 1/s", "1d: x/s"]
)
def test_what_makes_no_sense_is_no_rule(text: str) -> None:
    """The error repeats what was written, or says what is no duration."""
    with pytest.raises(ValueError, match=r"expected a rule|expected a duration"):
        parse_rule(text)


def test_older_recordings_keep_fewer_frames() -> None:
    """Rules may come in any order; one that would bring frames back is refused."""
    assert [rule.interval for rule in parse_rules(["7d: 1/10s", "1d: 1/s"])] == [1, 10]
    for wrong in (["1d: 1/s", "7d: 2/s"], ["1d: 1/s", "1d: 1/2s"]):
        with pytest.raises(ValueError, match="fewer frames"):
            parse_rules(wrong)
