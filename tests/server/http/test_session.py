"""People sign in and out, links become cookies, and administrators change the rules, all over HTTP."""

from __future__ import annotations

import json
import os
from threading import Lock
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import trio

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import NOBODY, Action, Principal
from skysentry_trio.server.access import changes
from skysentry_trio.server.access.start import AccessSetup
from skysentry_trio.wire.presented import read_credentials
from tests.server.access.conftest import rules as _rules
from tests.server.access.rules import Rules
from tests.server.http.rest_harness import Answer, Site

PAGE = "text/html,application/xhtml+xml"


empty_rules = _rules


@pytest.fixture
def rules(empty_rules: Rules) -> Rules:
    empty_rules.key("root", admin=["*"])
    empty_rules.user("ann", "long enough", {"view": ["*"]})
    return empty_rules


def site(rules: Rules, principal: Principal = NOBODY) -> Site:
    setup = AccessSetup(rules.access, rules.watcher, rules.editor, None)
    return Site(principal=principal, setup=setup)


async def admin_site(rules: Rules) -> Site:
    return site(rules, await rules.access.verify_token(rules.key("boss", admin=["*"])))


async def post(place: Site, target: str, body: object) -> Answer:
    return await place.ask(target, "POST", json.dumps(body).encode(), Content_Type="application/json")


def cookie_of(answer: Answer) -> str:
    cookie = read_credentials({"cookie": answer.headers["set-cookie"].partition(";")[0]}, "").cookie
    assert cookie is not None
    return cookie


@pytest.mark.parametrize("body", [{"user": "ann", "password": "long enough"}, "key"])
async def test_signing_in_sets_a_cookie(rules: Rules, body: Any) -> None:
    """With a password or a key; scripts of pages cannot read the cookie, and foreign pages do not send it."""
    if body == "key":
        body = {"key": rules.key("porch", view=["door"])}
    answer = await post(site(rules), "/api/session", body)
    assert answer.status == 200
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in answer.headers["set-cookie"].split(";")}
    principal = rules.access.verify_cookie(cookie_of(answer))
    assert principal.name == answer.json()["name"]
    assert answer.json()["expiresAt"] == (rules.time + 30 * 86400) * 1000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"user": "ann", "password": "wrong"}, 401),
        ({"user": "bob", "password": "long enough"}, 401),
        ({"key": "sky_x"}, 401),
        ({"user": "ann"}, 400),
        ({}, 400),
        ([], 400),
        ({"user": 1}, 400),
    ],
)
async def test_a_wrong_sign_in_sets_no_cookie(rules: Rules, body: Any, status: int) -> None:
    """And the answer has nothing of what was sent."""
    answer = await post(site(rules), "/api/session", body)
    assert answer.status == status
    assert "set-cookie" not in answer.headers
    assert "long enough" not in answer.body.decode()


async def test_signing_out_ends_the_cookie_everywhere(rules: Rules) -> None:
    """Also a copy of the cookie counts no longer."""
    answer = await post(site(rules), "/api/session", {"user": "ann", "password": "long enough"})
    cookie = cookie_of(answer)
    out = await site(rules).ask("/api/session", "DELETE", Cookie=f"skysentry_session={cookie}")
    rules.watcher.look()
    assert (out.status, out.body) == (204, b"")
    with pytest.raises(Exception, match="has ended"):
        rules.access.verify_cookie(cookie)


async def test_a_guest_who_signs_out_takes_the_link_from_nobody(rules: Rules) -> None:
    """A link that counts more than once may be open in other browsers, and the guest could open it again."""
    link = rules.editor.make_link(Action.VIEW, "door", 60).token
    rules.watcher.look()
    cookie = cookie_of(await site(rules).ask(f"/?link={link}", Accept=PAGE))
    out = await site(rules).ask("/api/session", "DELETE", Cookie=f"skysentry_session={cookie}")
    rules.watcher.look()
    assert (out.status, "skysentry_session=;" in out.headers["set-cookie"]) == (204, True)
    assert (await site(rules).ask(f"/?link={link}", Accept=PAGE)).status == 303


async def test_signing_out_again_and_again_does_not_fill_the_file_of_rules(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every reader of the file would be slow. No cookie that has ended counts again, and others go on."""
    monkeypatch.setattr(changes, "_MOST_ENDED", 10)
    bob, cookies = (await rules.access.verify_token(rules.key("bob", view=["door"]))), list[str]()
    for _ in range(35):
        rules.time += 1
        cookies.append(cookie_of(await post(site(rules), "/api/session", {"user": "ann", "password": "long enough"})))
        await site(rules).ask("/api/session", "DELETE", Cookie=f"skysentry_session={cookies[-1]}")
        rules.watcher.look()
    other, _ = rules.access.sign_in(bob)
    rules.time += 1
    newest = cookie_of(await post(site(rules), "/api/session", {"user": "ann", "password": "long enough"}))

    assert len(rules.access.records.ended) <= 10
    assert [rules.access.verify_cookie(cookie).name for cookie in (other, newest)] == ["bob", "ann"]
    for cookie in cookies:
        with pytest.raises(ProtocolViolation, match="has ended"):
            rules.access.verify_cookie(cookie)
    rules.time += 31 * 86400
    rules.key("porch", view=["door"])
    assert (rules.access.records.ended, rules.access.records.signed_out) == ({}, {})


async def test_many_changes_at_once_are_made_one_after_another(rules: Rules) -> None:
    """They would keep each other from the file, and take the threads that other work needs."""
    setup, at_once = site(rules).setup, list[int]()
    assert setup is not None
    busy = Lock()

    def work() -> None:
        at_once.append(not busy.acquire(blocking=False))
        threads.append(trio.from_thread.run(idle_threads))
        busy.release()

    async def idle_threads() -> float:
        return trio.to_thread.current_default_thread_limiter().borrowed_tokens

    threads = list[float]()
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(setup.change, work)
    assert (at_once, threads) == ([False] * 20, [0] * 20)


async def test_rules_that_cannot_be_written_are_a_reason_to_try_later(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is that changes them: nobody believes to be signed out, or that a key was made."""
    cookie = cookie_of(await post(site(rules), "/api/session", {"user": "ann", "password": "long enough"}))
    administration = await admin_site(rules)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    answers = [
        await site(rules).ask("/api/session", "DELETE", Cookie=f"skysentry_session={cookie}"),
        await post(administration, "/api/keys", {"name": "porch", "allow": {"view": ["door"]}}),
    ]

    assert [(answer.status, answer.json()["error"]) for answer in answers] == [
        (503, "the server cannot write its file of rules")
    ] * 2


async def test_people_get_the_sign_in_page_and_programs_json(rules: Rules) -> None:
    """Both with status 401; a page of ours makes browsers open no dialog."""
    page = await site(rules).ask("/capture", Accept=PAGE)
    deep = await site(rules).ask("/api/clients/door/latest", Accept=PAGE)
    german = await site(rules).ask("/api/clients/door/latest", Accept=PAGE, Accept_Language="de")
    unknown = await site(rules).ask("/nowhere", Accept="*/*")
    assert [answer.status for answer in (page, deep, unknown)] == [401] * 3
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="../../../sign-in"' in deep.body.decode()
    assert 'href="../../../plain.css"' in deep.body.decode()
    assert "Bitte anmelden" in german.body.decode()
    assert "Accept-Language" in german.headers["vary"]
    assert unknown.json()["code"] == "unauthenticated"
    assert unknown.headers["www-authenticate"].startswith("Basic ")


async def test_a_link_in_a_browser_becomes_a_cookie(rules: Rules) -> None:
    """The address that the browser is led to has the rest of the query, and not the link."""
    link = rules.editor.make_link(Action.VIEW, "door", 60).token
    rules.watcher.look()
    answer = await site(rules).ask(f"/capture?id=a&link={link}&b=c", Accept=PAGE)
    assert (answer.status, answer.headers["location"]) == (303, "./capture?id=a&b=c")
    assert rules.access.verify_cookie(cookie_of(answer)).rights.describe() == {"view": ["door"]}
    home = await site(rules).ask(f"/?link={link}", Accept=PAGE)
    assert home.headers["location"] == "./"


@pytest.mark.parametrize(
    "address",
    [
        "/api/clients/door/latest.jpg?",
        "/api/clients/door/stream.mjpeg?",
        "/snapshot?client=door&",
        "/?action=snapshot&client=door&",
    ],
)
async def test_a_person_who_opens_a_picture_signs_in_first(rules: Rules, address: str) -> None:
    """A browser that opens the address gets the sign-in page, or a cookie for its link; programs get JSON."""
    link = rules.editor.make_link(Action.VIEW, "door", 60).token
    place = site(rules)
    page, program = await place.ask(address, Accept=PAGE), await place.ask(address)
    led = await place.ask(f"{address}link={link}", Accept=PAGE)

    assert (page.status, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert (program.status, program.json()["code"]) == (401, "unauthenticated")
    assert led.status == 303
    assert "link=" not in led.headers["location"]
    assert cookie_of(led)


@pytest.mark.parametrize("path", ["/https:example.org", "/x/javascript:alert(1)", "//example.org"])
async def test_a_link_leads_to_no_other_site(rules: Rules, path: str) -> None:
    """Whatever address somebody has put in front of a link that counts."""
    link = rules.editor.make_link(Action.VIEW, "door", 60).token
    rules.watcher.look()
    answer = await site(rules).ask(f"{path}?link={link}", Accept=PAGE)
    location = urljoin(f"http://cams.example{path}", answer.headers["location"])
    assert (answer.status, urlsplit(location)[:2]) == (303, ("http", "cams.example"))


async def test_no_way_to_write_the_name_of_the_field_leaves_a_link_in_the_address(rules: Rules) -> None:
    """Browsers keep addresses, and send them to other servers."""
    link = rules.editor.make_link(Action.VIEW, "door", 60).token
    rules.watcher.look()
    answer = await site(rules).ask(f"/capture?id=a&%6Cink={link}", Accept=PAGE)
    assert (answer.status, answer.headers["location"]) == (303, "./capture?id=a")


async def test_only_names_of_users_are_in_the_log(rules: Rules, caplog: pytest.LogCaptureFixture) -> None:
    """People type their password into the wrong field."""
    caplog.set_level("INFO")
    for user in ("ann", "my password"):
        await post(site(rules), "/api/session", {"user": user, "password": "wrong"})
    assert "'who': 'ann'" in caplog.text
    assert "my password" not in caplog.text


async def test_a_link_that_counts_once_is_for_one_browser(rules: Rules) -> None:
    """The second one gets the sign-in page."""
    link = rules.editor.make_link(Action.VIEW, "door", 60, once=True).token
    rules.watcher.look()
    assert (await site(rules).ask(f"/?link={link}", Accept=PAGE)).status == 303
    again = await site(rules).ask(f"/?link={link}", Accept=PAGE)
    assert (again.status, "set-cookie" in again.headers) == (401, False)


async def test_an_administrator_makes_and_revokes_a_key(rules: Rules) -> None:
    """The key counts at once, is shown once, and counts no longer when it is revoked."""
    place = await admin_site(rules)
    made = await post(place, "/api/keys", {"name": "porch", "allow": {"publish": ["door"]}})
    assert made.status == 201
    key = made.json()["key"]
    assert (await rules.access.verify_token(key)).name == "porch"
    listed = await place.ask("/api/keys")
    assert key not in listed.body.decode()
    assert "hash" not in listed.body.decode()
    assert [one["name"] for one in listed.json()["keys"]] == ["root", "boss", "porch"]
    assert (await place.ask(f"/api/keys/{made.json()['id']}", "DELETE")).status == 204
    with pytest.raises(Exception, match="revoked"):
        await rules.access.verify_token(key)


async def test_an_administrator_adds_and_removes_a_user(rules: Rules) -> None:
    """The list has no hashes."""
    place = await admin_site(rules)
    user = {"name": "bob", "password": "battery staple", "allow": {"view": ["*"]}}
    assert (await post(place, "/api/users", user)).status == 201
    assert (await rules.access.verify_password("bob", "battery staple")).name == "bob"
    listed = await place.ask("/api/users")
    assert "argon2" not in listed.body.decode()
    assert (await place.ask("/api/users/bob", "DELETE")).status == 204
    assert (await place.ask("/api/users/bob", "DELETE")).status == 404


async def test_an_administrator_sees_and_ends_connections(rules: Rules) -> None:
    """Each with who, since when, and from where."""
    place, ended = await admin_site(rules), list[str]()
    viewer = await rules.access.verify_token(rules.key("porch", view=["door"]))
    with rules.access.sessions.attend(viewer, "viewer", "192.0.2.1:9", lambda: ended.append("viewer")):
        (listed,) = (await place.ask("/api/sessions")).json()["sessions"]
        assert (listed["name"], listed["role"], listed["address"]) == ("porch", "viewer", "192.0.2.1:9")
        assert (await place.ask(f"/api/sessions/{listed['id']}", "DELETE")).status == 204
    assert ended == ["viewer"]


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/api/keys", {"name": "", "allow": {"view": ["*"]}}),
        ("/api/keys", {"name": "a", "allow": {"fly": ["*"]}}),
        ("/api/users", {"name": "a b", "password": "long enough", "allow": {"view": ["*"]}}),
        ("/api/users", {"name": "a", "password": "short", "allow": {"view": ["*"]}}),
        ("/api/links", {"action": "fly", "clientId": "door", "expiresIn": 60}),
        ("/api/links", {"action": "view", "clientId": "door", "expiresIn": 0}),
    ],
)
async def test_what_cannot_be_changed_is_refused(rules: Rules, target: str, body: Any) -> None:
    """With status 400 and a sentence."""
    answer = await post(await admin_site(rules), target, body)
    assert (answer.status, bool(answer.json()["error"])) == (400, True)


async def test_an_open_server_has_no_administrators() -> None:
    """Otherwise everybody could make a key for later."""
    answer = await Site().ask("/api/keys")
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")
