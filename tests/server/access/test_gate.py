"""Every credential that a request presents must count, and one of them says who is asking."""

from __future__ import annotations

from base64 import b64encode

import pytest
import trio
import trio.testing

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, NOBODY, Action
from skysentry_trio.server.access.admission import Admission
from skysentry_trio.server.access.gate import Identified
from skysentry_trio.wire.request_head import RequestHead
from tests.server.access.rules import Rules


def head(method: str = "GET", query: str = "", **headers: str) -> RequestHead:
    return RequestHead(method, "/api/clients", query, headers, 100)


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


async def test_an_open_server_looks_at_no_credential(rules: Rules) -> None:
    """A proxy in front may have one of its own in the request."""
    assert await rules.gate.identify(head(authorization="Digest x")) == Identified(ANYONE)


async def test_without_a_credential_nobody_is_asking(rules: Rules) -> None:
    """Which is no denial: a WebSocket may prove it later."""
    rules.key(view=["*"])
    assert await rules.gate.identify(head()) == Identified(NOBODY)


async def test_a_key_counts_in_each_place(rules: Rules) -> None:
    """As a bearer token, and as the password of any user."""
    key = rules.key("porch", view=["door"])
    for header in (f"Bearer {key}", basic(f"x:{key}"), basic(f":{key}")):
        assert (await rules.gate.identify(head(authorization=header))).principal.name == "porch"


@pytest.mark.parametrize("header", ["Bearer x", "Basic x", "Negotiate x", basic("ann:x")])
async def test_a_wrong_credential_is_denied(rules: Rules, header: str) -> None:
    """Also together with a right one in another place."""
    rules.user("ann", "long enough", {"view": ["*"]})
    cookie, _ = rules.access.sign_in(await rules.access.verify_password("ann", "long enough"))
    found = await rules.gate.identify(head(authorization=header, cookie=f"skysentry_session={cookie}"))
    assert found.principal is NOBODY
    assert found.denial is not None
    assert found.denial.code == "unauthenticated"


async def test_a_link_comes_before_a_cookie(rules: Rules) -> None:
    """A guest's link shows what a guest sees; a wrong link is denied."""
    key = rules.key("admin", admin=["*"])
    cookie, _ = rules.access.sign_in(await rules.access.verify_token(key))
    link = rules.editor.make_link(Action.VIEW, "door", 60).token
    cookies = f"skysentry_session={cookie}"
    assert (await rules.gate.identify(head(query=f"link={link}", cookie=cookies))).principal.kind == "link"
    assert (await rules.gate.identify(head(query=f"link={link}x", cookie=cookies))).denial is not None
    assert (await rules.gate.identify(head(cookie=cookies))).principal.name == "admin"


@pytest.mark.parametrize(("origin", "is_allowed"), [("http://here", True), ("http://there", False), (None, False)])
async def test_a_cookie_changes_something_only_for_pages_of_ours(
    rules: Rules, origin: str | None, *, is_allowed: bool
) -> None:
    """The browser adds the cookie to requests of foreign pages too; reading is left to the rules for origins."""
    cookie, _ = rules.access.sign_in(await rules.access.verify_token(rules.key(admin=["*"])))
    headers = {"cookie": f"skysentry_session={cookie}"} | ({} if origin is None else {"origin": origin})
    found = await rules.gate.identify(head("DELETE", **headers), is_from_named_origin=origin != "http://there")
    assert (found.denial is None) == is_allowed
    assert found.denial is None or found.denial.code == "origin-refused"
    assert (await rules.gate.identify(head("GET", **headers))).denial is None


@pytest.mark.parametrize("way", ["cookie", "basic"])
async def test_what_browsers_send_by_themselves_does_nothing_for_foreign_pages(rules: Rules, way: str) -> None:
    """Also with --cors-origin '*': no change, and no WebSocket. A token of the page itself does."""
    key = rules.key(admin=["*"])
    cookie, _ = rules.access.sign_in(await rules.access.verify_token(key))
    own = {"cookie": f"skysentry_session={cookie}"} if way == "cookie" else {"authorization": basic(f"x:{key}")}
    own["origin"] = "http://there"
    token = {"authorization": f"Bearer {key}", "origin": "http://there"}
    upgrade = {"connection": "upgrade", "upgrade": "websocket"}
    for method, more in (("POST", {}), ("DELETE", {}), ("GET", upgrade)):
        found = await rules.gate.identify(head(method, **own, **more), is_from_named_origin=False)
        assert found.denial is not None
        assert found.denial.code == "origin-refused"
        assert (await rules.gate.identify(head(method, **own, **more))).denial is None
        assert (await rules.gate.identify(head(method, **token, **more), is_from_named_origin=False)).denial is None
    assert (await rules.gate.identify(head("GET", **own), is_from_named_origin=False)).denial is None


async def test_an_encrypted_connection_takes_only_its_own_cookie(rules: Rules) -> None:
    """Anyone on the way could have set the other one, and so have signed a person in as somebody else."""
    cookie, _ = rules.access.sign_in(await rules.access.verify_token(rules.key(admin=["*"])))
    plain, secure = f"skysentry_session={cookie}", f"__Host-skysentry_session={cookie}"
    assert (await rules.gate.identify(head(cookie=plain), is_tls=True)).principal is NOBODY
    assert (await rules.gate.identify(head(cookie=secure), is_tls=True)).principal.name == "key"
    assert (await rules.gate.identify(head(cookie=plain))).principal.name == "key"


async def test_a_key_without_a_scheme_is_not_repeated(rules: Rules) -> None:
    """Some programs send the key alone; the message goes to the log too."""
    key = rules.key(view=["*"])
    found = await rules.gate.identify(head(authorization=key))
    assert found.denial is not None
    assert key[:8] not in str(found.denial)


async def test_those_who_guess_wait(rules: Rules, autojump_clock: trio.testing.MockClock) -> None:
    """In the head of a request and in a message, by address; a valid key from the same address does not."""
    valid = rules.key(view=["*"])
    started, address = trio.current_time(), "203.0.113.9"
    for number in range(10):
        found = await rules.gate.identify(head(authorization=f"Bearer wrong-{number}"), address=address)
        assert found.denial is not None
    waited = trio.current_time() - started
    assert waited > 5

    admission = Admission(rules.access, NOBODY, f"{address}:50000")
    with pytest.raises(ProtocolViolation, match="expected a key"):
        await admission.prove("wrong")
    assert trio.current_time() - started > waited + 5

    waited = trio.current_time() - started
    assert (await rules.gate.identify(head(authorization=f"Bearer {valid}"), address=address)).denial is None
    assert (await rules.gate.identify(head(authorization=basic(f"x:{valid}")), address=address)).denial is None
    assert (await rules.gate.identify(head(authorization="Bearer old"), address="203.0.113.10")).denial is not None
    assert trio.current_time() - started == waited


async def test_those_who_guess_passwords_wait(rules: Rules, autojump_clock: trio.testing.MockClock) -> None:
    """Also if each guess comes from another address."""
    rules.user("ann", "long enough", {"view": ["*"]})
    started = trio.current_time()
    for number in range(10):
        wrong = head(authorization=basic(f"ann:wrong-{number}"))
        assert (await rules.gate.identify(wrong, address=f"203.0.113.{number}")).denial is not None

    assert trio.current_time() - started > 5
