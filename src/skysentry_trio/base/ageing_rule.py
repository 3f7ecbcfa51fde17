"""Rules such as ``7d: 1/10s``: recordings that are a week old keep one frame in ten seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from attrs import frozen

from skysentry_trio.base.units import parse_duration

_RULE: Final = re.compile(r"\s*([^:\s]+)\s*:\s*(\d{1,6})\s*/\s*([^:\s]+)\s*")
_ONE: Final = {"s": "1s", "m": "1m", "h": "1h", "d": "1d"}
_LONGEST: Final = 86400.0
_OLDEST: Final = 100 * 365 * 86400.0


@frozen
class AgeingRule:
    """How far apart the frames of old recordings are."""

    min_age: float
    """Seconds from which on the rule holds."""
    interval: float
    """Seconds from frame to frame."""


def parse_rule(text: str) -> AgeingRule:
    """Return the rule that a text describes.

    Raises:
        ValueError: the text is not a rule, or the numbers make no sense.
    """
    match = _RULE.fullmatch(text)
    if match is None or not int(match[2]):
        raise ValueError(f"expected a rule such as 7d:1/10s, got {text!a}")
    min_age, interval = parse_duration(match[1]), parse_duration(_ONE.get(match[3], match[3])) / int(match[2])
    if not (0 < min_age <= _OLDEST and 0 < interval <= _LONGEST):
        raise ValueError(f"expected a rule such as 7d:1/10s, got {text!a}")
    return AgeingRule(min_age, interval)


def parse_rules(texts: Iterable[str]) -> tuple[AgeingRule, ...]:
    """Return rules in the order of ages.

    Raises:
        ValueError: a text is not a rule, or an older recording would keep as many frames as a newer one.
    """
    rules = tuple(sorted((parse_rule(text) for text in texts), key=lambda rule: rule.min_age))
    for newer, older in pairwise(rules):
        if older.min_age == newer.min_age or older.interval <= newer.interval:
            raise ValueError("each rule is for older recordings than the rule before, and keeps fewer frames")
    return rules
