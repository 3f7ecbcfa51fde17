"""What groups of an identity provider may do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.group_grants import GroupGrants, is_group_grant
from skysentry_trio.base.principal import Action

GRANTS = GroupGrants.parse(
    (
        "admins=admin",
        "family=view",
        "family=history:yard-*",
        "guards=view:yard-*",
        "guards=view:@indoor",
        "My team=publish:a",
    ),
    {"indoor": ["hall", "cellar-*"]},
)


@pytest.mark.parametrize(
    ("groups", "action", "camera_id", "expected"),
    [
        (["admins"], Action.PUBLISH, "any", True),
        (["family"], Action.VIEW, "any", True),
        (["family"], Action.HISTORY, "yard-1", True),
        (["family"], Action.HISTORY, "hall", False),
        (["family"], Action.PUBLISH, "yard-1", False),
        (["guards"], Action.VIEW, "yard-1", True),
        (["guards"], Action.VIEW, "hall", True),
        (["guards"], Action.VIEW, "cellar-2", True),
        (["guards"], Action.VIEW, "bath", False),
        (["My team"], Action.PUBLISH, "a", True),
        (["strangers", ""], Action.VIEW, "yard-1", False),
        ([], Action.VIEW, "yard-1", False),
        (["strangers", "guards"], Action.VIEW, "yard-1", True),
        (["Admins"], Action.ADMIN, "any", False),
    ],
)
def test_a_person_may_do_what_any_of_the_groups_may(
    groups: list[str], action: Action, camera_id: str, expected: bool
) -> None:
    """Each grant has an action and cameras; without cameras it is for all; other groups give nothing."""
    assert GRANTS.rights_of(groups).allow(action, camera_id) == expected


@pytest.mark.parametrize(
    "text", ["", "family", "family=", "=view", "family=watch", "family=view:", "a=view:a b", "a=view:@", "a,b=view"]
)
def test_a_mistyped_grant_is_refused(text: str) -> None:
    """At the start, with the text."""
    assert not is_group_grant(text)
    with pytest.raises(ConfigurationError, match="expected an entry such as"):
        GroupGrants.parse((text,), {})


def test_too_many_cameras_are_refused_at_the_start() -> None:
    """Not when the first person signs in."""
    with pytest.raises(ConfigurationError, match="group_grants"):
        GroupGrants.parse([f"a=view:camera-{number}" for number in range(2000)], {})


@given(st.text())
def test_no_text_raises_another_error(text: str) -> None:
    """A text is a grant or not."""
    if is_group_grant(text):
        GroupGrants.parse((text,), {})
