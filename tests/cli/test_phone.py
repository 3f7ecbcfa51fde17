"""What ``serve --phone`` prints."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from skysentry_trio.base.interfaces import InterfaceAddress
from skysentry_trio.cli.phone import phone_instructions
from skysentry_trio.cli.serve import phone_settings
from skysentry_trio.cli.settings_sources import Given
from skysentry_trio.server.access import phone_code
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.phone_code import PhoneCode
from tests.qr_codes import read_qr

SERVER = "https://192.168.1.20:8443"


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> PhoneCode:
    network = [InterfaceAddress("wlan0", ip_address("192.168.1.20"))]
    monkeypatch.setattr(phone_code, "list_addresses", lambda: network)
    return PhoneCode(["https://0.0.0.0:8443"])


def test_without_a_network_no_code_is_printed(code: PhoneCode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is printed instead."""
    monkeypatch.setattr(phone_code, "list_addresses", list)
    assert "no address in a network" in phone_instructions(code, warns=True)


@pytest.mark.parametrize("is_open", [True, False])
def test_the_code_in_the_terminal_is_the_address(code: PhoneCode, is_open: bool, tmp_path: Path) -> None:
    """A phone reads from the characters what stands below them."""
    if not is_open:
        code.renew(RulesEditor(tmp_path))
    text = phone_instructions(code, warns=True)
    address = read_qr(text)
    assert address == code.page(SERVER)
    assert ("/capture?link=lnk_" in address) is not is_open
    assert f"  {address}\n" in text
    assert f"{SERVER}/trust" in text
    assert ("counts for 10 minutes" in text) is not is_open


def test_with_a_trusted_certificate_nothing_is_said_of_warnings(code: PhoneCode) -> None:
    """Nothing that does not happen."""
    assert "warn" not in phone_instructions(code, warns=False)


def test_the_flag_sets_what_a_phone_needs() -> None:
    """Https and an address of the network; what the operator has given stays."""
    assert {name: one.raw for name, one in phone_settings({}).items()} == {"host": "0.0.0.0", "tls_self_signed": True}
    assert phone_settings({"tls_cert": Given("flag", "cert.pem")}).keys() == {"host"}
