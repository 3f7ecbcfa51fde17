"""What phones are told, who gets the code, and the page that leads to https."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from attrs import evolve

from skysentry_trio.base.interfaces import InterfaceAddress
from skysentry_trio.base.principal import ANYONE, NOBODY, Principal, Rights
from skysentry_trio.server.access import phone_code
from skysentry_trio.server.access.phone_code import PhoneCode
from skysentry_trio.server.http.phone import PhoneSetup
from tests.server.access.conftest import rules as _rules
from tests.server.access.rules import Rules
from tests.server.http.rest_harness import Answer, Site

rules = _rules
ADMIN = Principal("ann", identity="user:ann", kind="user")


@pytest.fixture(autouse=True)
def _network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_code, "list_addresses", lambda: [InterfaceAddress("wlan0", ip_address("192.168.1.20"))])


@pytest.fixture
def code(rules: Rules) -> PhoneCode:
    code = PhoneCode(["https://0.0.0.0:8443"])
    rules.key("root", admin=["*"])
    code.renew(rules.editor)
    rules.watcher.look()
    return code


def site(rules: Rules, code: PhoneCode, principal: Principal) -> Site:
    return Site(setup=rules.setup, phone=PhoneSetup(code, 8443, True), principal=principal)


async def renew(place: Site) -> Answer:
    return await place.ask("/api/phone", "POST", Origin="http://localhost")


@pytest.mark.parametrize(
    "rights",
    [None, {}, {"view": ["*"]}, {"publish": ["*"]}, {"publish": ["*"], "view": ["*"], "history": ["*"]}],
)
async def test_only_administrators_get_the_code(
    rules: Rules, code: PhoneCode, rights: dict[str, list[str]] | None
) -> None:
    """A stranger on the network would become a camera with it; so would somebody who may only watch."""
    principal = NOBODY if rights is None else Principal("bob", Rights.of(rights), "user", "user:bob")
    place = site(rules, code, principal)
    answer = await place.ask("/api/phone")
    assert answer.json() == {"https": "https://localhost:8443", "selfSigned": True, "code": None}
    before = code.page("")
    assert (await renew(place)).status in {401, 403}
    assert code.page("") == before


async def test_an_administrator_gets_the_code_of_the_terminal(rules: Rules, code: PhoneCode) -> None:
    """With the time that is left; asking for another one changes nothing while a phone may be scanning it."""
    place = site(rules, code, ADMIN)
    first = (await place.ask("/api/phone")).json()["code"]
    assert first == {"url": code.page("https://192.168.1.20:8443"), "state": "waiting", "expiresIn": 600}
    assert (await renew(place)).json()["code"] == first


async def test_after_use_there_is_a_new_code(rules: Rules, code: PhoneCode) -> None:
    """A browser that opens the link uses it up; the next code is another link."""
    place, old = site(rules, code, ADMIN), code.page("")
    opened = await evolve(place, principal=NOBODY).ask(old, Accept="text/html")
    assert (opened.status, opened.headers["location"]) == (303, "./capture")
    assert (await place.ask("/api/phone")).json()["code"]["state"] == "used"
    renewed = await renew(place)
    assert renewed.status == 201
    assert renewed.json()["code"]["state"] == "waiting"
    assert renewed.json()["code"]["url"] == code.page("https://192.168.1.20:8443") != old


async def test_an_open_server_shows_its_address(rules: Rules) -> None:
    """Everybody may be a camera there, so the code has no link."""
    answer = await Site(phone=PhoneSetup(PhoneCode(["https://0.0.0.0:8443"]), 8443, True), principal=ANYONE).ask(
        "/api/phone"
    )
    assert answer.json()["code"] == {
        "url": "https://192.168.1.20:8443/capture",
        "state": "waiting",
        "expiresIn": None,
    }


async def test_a_server_without_https_and_code_says_so() -> None:
    """The page then names the command that gives both."""
    answer = await Site().ask("/api/phone")
    assert answer.json() == {"https": None, "selfSigned": False, "code": None}
    assert (await renew(Site())).status == 404


async def test_the_page_that_leads_to_https_may_try_it(tmp_path: Path) -> None:
    """It asks the https address whether the browser takes the certificate; no other page may connect elsewhere."""
    (tmp_path / "capture.html").write_text("<!doctype html>")
    place = Site(phone=PhoneSetup(https_port=8443, is_self_signed=True), pages=tmp_path)
    answer = await place.ask("/set-up", Host="cam.local:8080", Accept="text/html")
    assert answer.status == 200
    assert "connect-src 'self' https://cam.local:8443;" in answer.headers["content-security-policy"]
    capture = await place.ask("/capture", Host="cam.local:8080", Accept="text/html")
    assert "connect-src 'self';" in capture.headers["content-security-policy"]
    elsewhere = await Site(pages=tmp_path).ask("/set-up", Accept="text/html")
    assert (elsewhere.status, elsewhere.headers["location"]) == (303, "./capture")
