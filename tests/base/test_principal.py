"""Who may do what, decided from rules alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.principal import (
    ANYONE,
    NOBODY,
    Action,
    CameraSet,
    Decision,
    Principal,
    Rights,
    decide,
    is_pattern,
    parse_groups,
)

YARD = Rights.of({"view": ["yard-*", "door"], "publish": ["door"]})


def make(rights: Rights, expires_at: float | None = None) -> Principal:
    return Principal("ann", rights, "user", "user:ann", expires_at=expires_at)


@pytest.mark.parametrize(
    ("action", "camera_id", "decision"),
    [
        (Action.VIEW, "yard-1", Decision.GRANTED),
        (Action.VIEW, "door", Decision.GRANTED),
        (Action.PUBLISH, "door", Decision.GRANTED),
        (Action.PUBLISH, "yard-1", Decision.FORBIDDEN),
        (Action.HISTORY, "door", Decision.FORBIDDEN),
        (Action.VIEW, "garage", Decision.HIDDEN),
        (Action.VIEW, "yard", Decision.HIDDEN),
        (Action.VIEW, None, Decision.GRANTED),
        (Action.METRICS, None, Decision.FORBIDDEN),
        (Action.ADMIN, None, Decision.FORBIDDEN),
    ],
)
def test_a_rule_allows_its_action_with_its_cameras_only(
    action: Action, camera_id: str | None, decision: Decision
) -> None:
    """Another action with one of them is forbidden, and a camera that no rule names does not exist."""
    assert decide(make(YARD), action, camera_id, 0.0) is decision


@pytest.mark.parametrize("action", list(Action))
def test_an_administrator_may_do_everything(action: Action) -> None:
    """Whatever other rules say."""
    admin = make(Rights.of({"admin": ["*"], "view": ["door"]}))
    assert decide(admin, action, "garage", 0.0) is Decision.GRANTED
    assert admin.sees is None


def test_access_ends_at_its_time() -> None:
    """Not a moment later, for every action."""
    ann = make(YARD, expires_at=100.0)
    assert decide(ann, Action.VIEW, "door", 99.9) is Decision.GRANTED
    assert decide(ann, Action.VIEW, "door", 100.0) is Decision.ENDED


def test_nobody_and_anyone() -> None:
    """Without a credential nothing is allowed on a closed server, and everything on an open one."""
    assert decide(NOBODY, Action.VIEW, "door", 0.0) is Decision.UNAUTHENTICATED
    assert decide(ANYONE, Action.ADMIN, None, 0.0) is Decision.GRANTED


def test_groups_stand_for_their_cameras() -> None:
    """A group that does not exist has no cameras."""
    rights = Rights.of({"view": ["@outdoor", "@nowhere"]}, {"outdoor": ["yard-*", "door"]})
    assert [one for one in ("yard-2", "door", "hall", "@outdoor") if rights.allow(Action.VIEW, one)] == [
        "yard-2",
        "door",
    ]


@pytest.mark.parametrize(
    "allowed",
    [{"fly": ["*"]}, {"view": ["a b"]}, {"view": ["["]}, {"view": [""]}, {"view": [f"c{n}" for n in range(1001)]}],
)
def test_invalid_rules_are_refused(allowed: dict[str, list[str]]) -> None:
    """An unknown action, a pattern with other characters, and more cameras than the limit."""
    with pytest.raises(ValueError, match=r"\w"):
        Rights.of(allowed)


def test_only_the_same_principal_or_an_administrator_takes_over() -> None:
    """Whatever they may publish."""
    ann, bob = make(YARD), Principal("bob", YARD, "user", "user:bob")
    admin = Principal("root", Rights.of({"admin": ["*"]}), "key", "key:1")
    assert [who.may_replace(ann) for who in (ann, bob, admin)] == [True, False, True]
    assert not ann.may_replace(admin)


def test_a_camera_set_is_quick_for_hostile_globs() -> None:
    """Many stars take no longer than few."""
    assert not CameraSet(frozenset({"*a" * 31 + "b"})).covers("a" * 64)


@given(st.text(alphabet="ab-*?@", max_size=8), st.text(alphabet="ab-", max_size=8))
def test_an_id_covers_exactly_itself(pattern: str, camera_id: str) -> None:
    """A pattern without wildcards is the id that it looks like."""
    if is_pattern(pattern) and not set(pattern) & set("*?@"):
        assert CameraSet(frozenset({pattern})).covers(camera_id) == (pattern == camera_id)


def test_old_frames_may_be_allowed_from_a_moment_on() -> None:
    """For ids, globs and groups; the earliest moment counts, and a camera without one has no limit."""
    rights = Rights.of(
        {"history": ["door@1970-01-01T00:01:40Z", "*@1970-01-01T01:03:20+01:00", "@out@1970-01-01T00:00:50Z", "hall"]},
        {"out": ["yard-*"]},
    )
    found = {camera_id: rights.history_begin(camera_id) for camera_id in ("door", "any", "yard-1", "hall")}
    assert found == {"door": 100.0, "any": 200.0, "yard-1": 50.0, "hall": 0.0}
    assert all(rights.allow(Action.HISTORY, camera_id) for camera_id in found)
    assert Rights.of(rights.describe()) == rights
    assert Rights.of({"history": ["door@1970-01-01T00:01:40Z"], "admin": ["*"]}).history_begin("door") == 0.0


@pytest.mark.parametrize(
    "pattern",
    [
        "door@",
        "door@noon",
        "door@2026-11-29",
        "door@2026-11-29T08:00",
        "door@0001-01-01T00:00+14:00",
        "@2026-11-29T08:00Z",
    ],
)
def test_a_moment_needs_a_time_zone(pattern: str) -> None:
    """Otherwise it would mean another time on another machine; only `history` has moments."""
    with pytest.raises(ValueError, match="expected"):
        Rights.of({"history": [pattern]})
    with pytest.raises(ValueError, match="expected"):
        Rights.of({"view": ["door@2026-11-29T08:00Z"]})


def test_rights_are_described_for_programs() -> None:
    """By action, with the patterns as they were expanded."""
    assert YARD.describe() == {"view": ["door", "yard-*"], "publish": ["door"]}
    assert set(ANYONE.rights.describe()) == {action.value for action in Action}


def test_groups_collect_their_entries() -> None:
    """In the order in which they are written."""
    assert parse_groups(("a=x", "b=y-*", "a=z")) == {"a": ["x", "z"], "b": ["y-*"]}
