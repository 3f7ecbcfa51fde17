"""The code with which a phone becomes a camera."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from skysentry_trio.base.interfaces import InterfaceAddress
from skysentry_trio.server.access import phone_code
from skysentry_trio.server.access.phone_code import LINK_SECONDS, CodeState, PhoneCode, phone_address
from tests.server.access.rules import Rules

ADDRESSES = [
    InterfaceAddress("docker0", ip_address("172.17.0.1")),
    InterfaceAddress("wlan0", ip_address("192.168.1.20")),
]


@pytest.fixture(autouse=True)
def _default_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_code, "lan_address", lambda addresses: addresses[-1] if addresses else None)
    monkeypatch.setattr(phone_code, "list_addresses", lambda: ADDRESSES)


@pytest.fixture
def code() -> PhoneCode:
    return PhoneCode(["https://0.0.0.0:8443"])


def state_of(code: PhoneCode, rules: Rules) -> CodeState | None:
    rules.watcher.look()
    shown = code.describe(rules.access)
    return None if shown is None else shown.state


def token_of(code: PhoneCode) -> str:
    return code.page("").partition("link=")[2]


def test_a_phone_gets_the_address_of_the_network() -> None:
    """Neither localhost nor a wildcard, which a phone cannot open."""
    for url in ("https://0.0.0.0:8443", "https://127.0.0.1:8443", "https://[::]:8443"):
        assert phone_address([url], ADDRESSES) == "https://192.168.1.20:8443"
    assert phone_address(["https://0.0.0.0:8443"], []) is None
    assert phone_address(["unix:/run/sky"], ADDRESSES) is None


def test_the_code_of_an_open_server_is_the_page(code: PhoneCode, rules: Rules) -> None:
    """Nothing has to be given to anybody, and nothing ends."""
    shown = code.describe(rules.access)
    assert shown is not None
    assert (shown.url, shown.state, shown.expires_in) == ("https://192.168.1.20:8443/capture", "waiting", None)


def test_the_code_counts_until_it_is_used_or_its_time_is_over(code: PhoneCode, rules: Rules) -> None:
    """The first browser that opens the link ends it; so do ten minutes."""
    code.renew(rules.editor)
    assert state_of(code, rules) is CodeState.WAITING
    ticket = rules.access.read_link(token_of(code))
    assert (ticket.allow, ticket.once) == ({"publish": ["*"]}, True)
    rules.editor.end_ticket(ticket.id, ticket.expires)
    assert state_of(code, rules) is CodeState.USED
    first = code.page("")
    code.renew(rules.editor)
    assert code.page("") != first
    assert state_of(code, rules) is CodeState.WAITING
    rules.time += LINK_SECONDS
    assert state_of(code, rules) is CodeState.EXPIRED


def test_without_a_network_there_is_no_code(code: PhoneCode, rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    """No phone could open it."""
    monkeypatch.setattr(phone_code, "list_addresses", list)
    assert code.describe(rules.access) is None
