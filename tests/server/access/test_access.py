"""Every proof counts exactly as long as what it depends on."""

from __future__ import annotations

import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action, Principal
from skysentry_trio.server.access.changes import NotAllowed
from tests.server.access.rules import Rules


async def refused(rules: Rules, token: str) -> str:
    with pytest.raises(ProtocolViolation) as violation:
        await rules.access.verify_token(token)
    assert violation.value.code == "unauthenticated"
    assert token not in str(violation.value)
    return str(violation.value)


async def test_a_key_counts_until_it_is_revoked(rules: Rules) -> None:
    """With the rights of its rule, in which groups stand for their cameras."""
    key = rules.key("porch", view=["@outdoor"], publish=["door"])
    principal = await rules.access.verify_token(key)
    assert (principal.name, principal.kind) == ("porch", "key")
    assert principal.rights.describe() == {"view": ["yard-*"], "publish": ["door"]}
    assert rules.access.holds(principal)
    rules.revoke("porch")
    assert not rules.access.holds(principal)
    assert "revoked" in await refused(rules, key)


async def test_a_key_expires(rules: Rules) -> None:
    """At its time, and the error says so."""
    key = rules.key(expires=rules.time + 10, view=["*"])
    assert (await rules.access.verify_token(key)).expires_at == rules.time + 10
    rules.time += 10
    assert "expired" in await refused(rules, key)


@pytest.mark.parametrize("token", ["", "sky_", "sky_short", "x", "lnk_", "lnk_a.b", "a.b.c"])
async def test_other_texts_are_refused_with_a_reason(rules: Rules, token: str) -> None:
    """The reason has nothing of the text."""
    rules.key(view=["*"])
    with pytest.raises(ProtocolViolation, match=r"\w") as violation:
        await rules.access.verify_token(token)
    assert violation.value.code == "unauthenticated"


async def test_a_user_proves_it_with_the_password(rules: Rules) -> None:
    """Another password and another user are answered alike, and a key is a password too."""
    rules.user("ann", "correct horse", {"view": ["*"]})
    key = rules.key("porch", view=["door"])
    assert (await rules.access.verify_password("ann", "correct horse")).name == "ann"
    assert (await rules.access.verify_password("anybody", key)).name == "porch"
    answers = set()
    for user, password in (("ann", "wrong"), ("bob", "correct horse"), ("ann", "")):
        with pytest.raises(ProtocolViolation) as violation:
            await rules.access.verify_password(user, password)
        answers.add(str(violation.value))
    assert len(answers) == 1


async def test_a_changed_password_signs_out(rules: Rules) -> None:
    """Cookies and connections from before count no longer."""
    rules.user("ann", "correct horse", {"view": ["*"]})
    ann = await rules.access.verify_password("ann", "correct horse")
    cookie, expires = rules.access.sign_in(ann)
    assert expires == rules.time + 30 * 86400
    signed_in = rules.access.verify_cookie(cookie)
    assert (signed_in.identity, signed_in.expires_at) == ("user:ann", expires)
    rules.user("ann", "battery staple", {"view": ["*"]})
    assert not rules.access.holds(signed_in)
    with pytest.raises(ProtocolViolation):
        rules.access.verify_cookie(cookie)
    with pytest.raises(ProtocolViolation):
        await rules.access.verify_password("ann", "correct horse")


async def make_link(rules: Rules, *, issuer: Principal | None = None, once: bool = False) -> str:
    fact = None if issuer is None else rules.access.fact_of(issuer)
    link = rules.editor.make_link(Action.VIEW, "door", 60, issuer=fact, once=once)
    rules.watcher.look()
    return link.token


async def test_a_link_allows_one_thing_until_it_expires(rules: Rules) -> None:
    """It is nobody's account, and it cannot be changed."""
    rules.key(admin=["*"])
    link = await make_link(rules)
    principal = await rules.access.verify_token(link)
    assert (principal.kind, principal.rights.describe()) == ("link", {"view": ["door"]})
    assert "not complete" in await refused(rules, link[:-2])
    rules.time += 60
    assert "expired" in await refused(rules, link)


async def test_a_link_ends_with_the_access_of_its_maker(rules: Rules) -> None:
    """Revoking the key of the maker revokes what was made with it."""
    admin = await rules.access.verify_token(rules.key("admin", admin=["*"]))
    rules.key("other", view=["*"])
    link = await make_link(rules, issuer=admin)
    guest = await rules.access.verify_token(link)
    rules.revoke("admin")
    assert not rules.access.holds(guest)
    assert "revoked" in await refused(rules, link)


async def test_a_link_that_counts_once_is_only_for_browsers(rules: Rules) -> None:
    """Its cookie lasts as long as the link would have, and the link counts no more."""
    rules.key(admin=["*"])
    link = await make_link(rules, once=True)
    assert "browser" in await refused(rules, link)
    ticket = rules.access.read_link(link)
    cookie, expires = rules.access.exchange(ticket)
    assert rules.editor.end_ticket(ticket.id, ticket.expires)
    assert not rules.editor.end_ticket(ticket.id, ticket.expires)
    rules.watcher.look()
    with pytest.raises(ProtocolViolation, match="used already"):
        rules.access.read_link(link)
    assert rules.access.verify_cookie(cookie).expires_at == expires == rules.time + 60


async def test_a_cookie_is_not_a_link(rules: Rules) -> None:
    """What was signed as one is not accepted as the other, nor as a token."""
    key = rules.key("admin", admin=["*"])
    cookie, _ = rules.access.sign_in(await rules.access.verify_token(key))
    for text in (cookie, f"lnk_{cookie}"):
        await refused(rules, text)
    with pytest.raises(ProtocolViolation):
        rules.access.verify_cookie((await make_link(rules)).removeprefix("lnk_"))


async def test_rules_close_a_server_and_never_open_it(rules: Rules) -> None:
    """The first rule ends what was open, and without rules the server stays closed until it starts again."""
    assert rules.access.is_open
    rules.key("only", view=["*"])
    assert not rules.access.is_open
    rules.revoke("only")
    assert not rules.access.is_open
    (rules.folder / "access.json").unlink()
    rules.watcher.look()
    assert not rules.access.is_open


async def test_a_wrong_file_changes_nothing(rules: Rules) -> None:
    """The rules from before hold, and the next good file counts."""
    key = rules.key("porch", view=["door"])
    (rules.folder / "access.json").write_text("{")
    rules.watcher.look()
    assert (await rules.access.verify_token(key)).name == "porch"
    (rules.folder / "access.json").write_text("{}")
    rules.watcher.look()
    await refused(rules, key)


@pytest.mark.parametrize(
    "change",
    [
        lambda editor: editor.add_key("", {"view": ["*"]}),
        lambda editor: editor.add_key("a", {}),
        lambda editor: editor.add_key("a", {"view": []}),
        lambda editor: editor.add_key("a", {"fly": ["*"]}),
        lambda editor: editor.set_user("a b", "long enough", {"view": ["*"]}),
        lambda editor: editor.set_user("a", "short", {"view": ["*"]}),
        lambda editor: editor.make_link(Action.VIEW, "door", 91 * 86400.0),
        lambda editor: editor.make_link(Action.VIEW, "a b", 60),
    ],
)
def test_invalid_changes_are_refused(rules: Rules, change: object) -> None:
    """With a sentence, and without a trace in the file."""
    assert callable(change)
    with pytest.raises(NotAllowed, match=r"\w"):
        change(rules.editor)
    rules.watcher.look()
    assert not rules.access.records.has_rules


async def test_further_kinds_of_tokens_are_asked_in_turn(rules: Rules) -> None:
    """A verifier that does not know a token leaves it to the next one."""
    rules.key(view=["*"])
    somebody = Principal("somebody", kind="jwt", identity="jwt:1")

    async def verify(token: str) -> Principal | None:
        return somebody if token == "a.b.c" else None

    rules.access.token_verifiers.append(verify)
    assert await rules.access.verify_token("a.b.c") is somebody
    await refused(rules, "d.e.f")


async def test_the_first_administrator_is_invited_until_the_invitation_is_accepted(rules: Rules) -> None:
    """An invitation from an earlier start counts no longer; after one was accepted, there is no other."""
    first = rules.editor.invite_first_admin(60)
    second = rules.editor.invite_first_admin(60)
    assert first is not None
    assert second is not None
    rules.watcher.look()
    with pytest.raises(ProtocolViolation):
        rules.access.read_link(first.token)
    ticket = rules.access.read_link(second.token)
    cookie, _ = rules.access.exchange(ticket)
    assert rules.access.verify_cookie(cookie).rights.is_admin
    rules.editor.accept_invitation(ticket.id)
    assert rules.editor.invite_first_admin(60) is None


def test_nobody_is_invited_to_a_server_with_rules(rules: Rules) -> None:
    """Its operator has given access already."""
    rules.key(view=["*"])
    assert rules.editor.invite_first_admin(60) is None
