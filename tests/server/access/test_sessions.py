"""Access ends at once for connections that are open."""

from __future__ import annotations

import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE
from skysentry_trio.server.access.admission import Admission
from tests.server.access.rules import Rules


async def test_a_revoked_key_ends_its_connections_only(rules: Rules) -> None:
    """Each is told once, and why."""
    one = await rules.access.verify_token(rules.key("one", view=["*"]))
    two = await rules.access.verify_token(rules.key("two", view=["*"]))
    ended: list[str] = []
    sessions = rules.access.sessions
    with (
        sessions.attend(one, "viewer", "a", lambda: ended.append("one")) as first,
        sessions.attend(two, "viewer", "b", lambda: ended.append("two")),
    ):
        rules.revoke("one")
        rules.watcher.look()
        assert ended == ["one"]
        assert first.violation().code == "access-ended"
        assert "revoked" in str(first.violation())
    assert list(sessions) == []


async def test_connections_end_when_their_time_is_over(rules: Rules) -> None:
    """Not before; one that was renewed goes on."""
    principals = [
        await rules.access.verify_token(rules.key(str(seconds), rules.time + seconds, view=["*"]))
        for seconds in (10, 20, 30)
    ]
    ended: list[int] = []
    sessions = rules.access.sessions
    with (
        sessions.attend(principals[0], "viewer", "a", lambda: ended.append(10)),
        sessions.attend(principals[1], "viewer", "a", lambda: ended.append(20)) as renewed,
    ):
        rules.watcher.look()
        assert ended == []
        sessions.renew(renewed, principals[2])
        rules.time += 25
        rules.watcher.look()
        assert ended == [10]
        rules.time += 5
        rules.watcher.look()
        assert ended == [10, 20]


async def test_the_first_rule_ends_what_was_open_to_everybody(rules: Rules) -> None:
    """Peers that were connected have to prove who they are."""
    ended: list[str] = []
    with rules.access.sessions.attend(ANYONE, "viewer", "a", lambda: ended.append("anyone")):
        rules.key(view=["*"])
    assert ended == ["anyone"]


async def test_a_connection_whose_key_was_revoked_meanwhile_ends_at_once(rules: Rules) -> None:
    """Between its proof and its first message, for which a camera has some seconds."""
    principal = await rules.access.verify_token(rules.key("slow", view=["*"]))
    rules.revoke("slow")
    ended: list[str] = []
    with rules.access.sessions.attend(principal, "viewer", "a", lambda: ended.append("slow")) as session:
        assert ended == ["slow"]
        assert session.violation().code == "access-ended"


async def test_a_token_lets_a_connection_go_on_for_longer(rules: Rules) -> None:
    """A wrong one changes nothing."""
    short = rules.key("short", rules.time + 10, view=["*"])
    long = rules.key("long", rules.time + 100, view=["*"])
    admission = Admission(rules.access, await rules.access.verify_token(short), "a")
    ended: list[str] = []
    with admission.attend("viewer", lambda: ended.append("viewer")):
        with pytest.raises(ProtocolViolation):
            await admission.prove("wrong")
        assert admission.principal.name == "short"
        await admission.prove(long)
        rules.time += 50
        rules.watcher.look()
        assert (ended, admission.ended) == ([], None)
        rules.time += 50
        rules.watcher.look()
    assert ended == ["viewer"]
    assert admission.ended is not None
