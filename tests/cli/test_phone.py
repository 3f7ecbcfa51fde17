"""What ``serve --phone`` prints."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from skysentry_trio.base.interfaces import InterfaceAddress
from skysentry_trio.cli import phone
from skysentry_trio.cli.phone import phone_address, phone_instructions
from skysentry_trio.cli.serve import phone_settings
from skysentry_trio.cli.settings_sources import Given
from tests.qr_codes import read_qr

ADDRESSES = [
    InterfaceAddress("docker0", ip_address("172.17.0.1")),
    InterfaceAddress("wlan0", ip_address("192.168.1.20")),
]


@pytest.fixture(autouse=True)
def _default_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone, "lan_address", lambda addresses: addresses[-1] if addresses else None)


def test_a_phone_gets_the_address_of_the_network() -> None:
    """Neither localhost nor a wildcard, which a phone cannot open."""
    for url in ("https://0.0.0.0:8443", "https://127.0.0.1:8443", "https://[::]:8443"):
        assert phone_address([url], ADDRESSES) == "https://192.168.1.20:8443"
    assert phone_address(["https://0.0.0.0:8443"], []) is None
    assert phone_address(["unix:/run/sky"], ADDRESSES) is None
    assert "no address in a network" in phone_instructions(None, None, warns=True)


SERVER = "https://192.168.1.20:8443"


@pytest.mark.parametrize(
    ("token", "address"), [(None, f"{SERVER}/capture"), ("lnk_abc", f"{SERVER}/capture?link=lnk_abc")]
)
def test_the_code_in_the_terminal_is_the_address(token: str | None, address: str) -> None:
    """A phone reads from the characters what stands below them."""
    text = phone_instructions(SERVER, token, warns=True)
    assert read_qr(text) == address
    assert f"  {address}\n" in text
    assert f"{SERVER}/trust" in text
    assert ("counts for 10 minutes" in text) is (token is not None)


def test_with_a_trusted_certificate_nothing_is_said_of_warnings() -> None:
    """Nothing that does not happen."""
    assert "warn" not in phone_instructions("https://cams.example.org", None, warns=False)


def test_the_flag_sets_what_a_phone_needs() -> None:
    """Https and an address of the network; what the operator has given stays."""
    assert {name: one.raw for name, one in phone_settings({}).items()} == {"host": "0.0.0.0", "tls_self_signed": True}
    assert phone_settings({"tls_cert": Given("flag", "cert.pem")}).keys() == {"host"}
