"""People who have signed in at a proxy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.group_grants import GroupGrants
from skysentry_trio.base.principal import Action
from skysentry_trio.server.access.header_sign_on import HeaderSignOn

SIGN_ON = HeaderSignOn(GroupGrants.parse(("admins=admin", "family=view:yard-*"), {}))


@pytest.mark.parametrize("groups", ["family", "staff,family", "staff, family ", "staff|family"])
def test_a_person_has_the_rights_of_the_groups(groups: str) -> None:
    """Separated as Authelia, oauth2-proxy or Authentik do it."""
    principal = SIGN_ON.identify({"remote-user": "ann", "remote-groups": groups})

    assert principal is not None
    assert (principal.name, principal.kind, principal.identity) == ("ann", "header", "header:ann")
    assert principal.rights.allow(Action.VIEW, "yard-1")
    assert not principal.rights.allow(Action.VIEW, "hall")


@pytest.mark.parametrize("groups", [{}, {"remote-groups": ""}, {"remote-groups": "staff"}])
def test_a_person_without_a_known_group_may_do_nothing(groups: dict[str, str]) -> None:
    """A person who may sign in elsewhere need not be allowed here."""
    principal = SIGN_ON.identify({"remote-user": "ann", **groups})

    assert principal is not None
    assert not any(principal.rights.allow(action) for action in Action)


@pytest.mark.parametrize("headers", [{}, {"remote-user": ""}, {"remote-user": " "}, {"remote-groups": "admins"}])
def test_without_a_name_nobody_has_signed_in(headers: dict[str, str]) -> None:
    """A group alone is nobody."""
    assert SIGN_ON.identify(headers) is None


@pytest.mark.parametrize("name", ["ann, admin", "x" * 81, "ann\x7f", "an\x85n"])
def test_what_is_not_one_name_is_refused(name: str) -> None:
    """Two headers are joined by a comma, and one of them may be the client's own."""
    with pytest.raises(ProtocolViolation, match="one person") as caught:
        SIGN_ON.identify({"remote-user": name, "remote-groups": "admins"})
    assert caught.value.code == "unauthenticated"


def test_names_may_have_umlauts() -> None:
    """Proxies send UTF-8."""
    principal = SIGN_ON.identify({"remote-user": "J\u00fcrgen".encode().decode("latin-1")})

    assert principal is not None
    assert principal.name == "J\u00fcrgen"


@given(st.text(), st.text())
def test_no_text_raises_another_error(user: str, groups: str) -> None:
    """Names come from elsewhere."""
    try:
        SIGN_ON.identify({"remote-user": user, "remote-groups": groups})
    except ProtocolViolation as violation:
        assert violation.code == "unauthenticated"  # noqa: PT017 - most texts raise nothing
