"""The certificate authority of a machine: what it certifies, for how long, and when a certificate is issued again."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from skysentry_trio.base import local_authority
from skysentry_trio.base.interfaces import InterfaceAddress
from skysentry_trio.base.local_authority import (
    Issued,
    Names,
    create_authority,
    fingerprint,
    issue,
    names_in,
    names_of_machine,
    permitted_names,
    why_renew,
)
from skysentry_trio.server.transport.certificate import load_context

NAMES = Names(
    ("localhost", "attic", "attic.local"), (ip_address("127.0.0.1"), ip_address("192.168.1.5"), ip_address("fd00::5"))
)
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> Issued:
    return create_authority(NAMES)


def shake_hands(authority: Issued, issued: Issued, folder: Path, name: str) -> None:
    """Let a client that trusts only the authority connect to a server with the certificate."""
    for file, content in (("cert.pem", issued.certificate), ("key.pem", issued.key)):
        (folder / file).write_bytes(content)
    context = ssl.create_default_context()
    # What Python 3.13 checks by default.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=authority.certificate.decode())
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = load_context(folder / "cert.pem", folder / "key.pem").wrap_bio(to_server, to_client, server_side=True)
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.mark.parametrize("name", ["localhost", "attic", "attic.local", "127.0.0.1", "192.168.1.5", "fd00::5"])
def test_a_client_that_trusts_the_authority_accepts_each_name(authority: Issued, tmp_path: Path, name: str) -> None:
    """By name and by address, also with the strict checks of newer Python versions."""
    shake_hands(authority, issue(authority, NAMES), tmp_path, name)


def test_a_client_refuses_public_names(authority: Issued, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a stolen key of the authority makes no certificate for a web site that a device accepts."""
    monkeypatch.setattr(local_authority, "permitted_names", lambda _authority, names: names)
    forged = issue(authority, Names(("bank.example",), ()))
    assert names_in(forged.parsed).hosts == ("bank.example",)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(authority, forged, tmp_path, "bank.example")


def test_names_that_the_authority_may_not_certify_are_left_out(authority: Issued) -> None:
    """With them, clients would refuse the whole certificate."""
    wanted = Names((*NAMES.hosts, "cam.example.org"), (*NAMES.addresses, ip_address("203.0.113.7")))
    assert permitted_names(authority, wanted) == NAMES
    assert names_in(issue(authority, wanted).parsed) == NAMES
    assert why_renew(issue(authority, wanted), authority, wanted) is None


def test_the_names_at_the_beginning_may_be_public() -> None:
    """A machine with a public address and name gets an authority for these too."""
    names = Names(("localhost", "cam.example.org"), (ip_address("203.0.113.7"), ip_address("2001:db8::7")))
    assert names_in(issue(create_authority(names), names).parsed) == names


def test_a_certificate_lasts_90_days_and_is_renewed_a_month_before(authority: Issued) -> None:
    """Devices refuse certificates that last long, and a server that was off for a while has time left."""
    issued = issue(authority, NAMES, NOW)
    leaf = issued.parsed
    assert leaf.not_valid_after_utc - NOW == pytest.approx(timedelta(days=90), abs=timedelta(seconds=2))
    assert why_renew(issued, authority, NAMES, NOW + timedelta(days=59)) is None
    assert (
        why_renew(issued, authority, NAMES, NOW + timedelta(days=61))
        == f"it ends at {leaf.not_valid_after_utc:%Y-%m-%d}"
    )
    assert str(why_renew(issued, authority, NAMES, NOW - timedelta(days=3))).startswith("it begins at")
    ten_years = authority.parsed.not_valid_after_utc - NOW
    assert timedelta(days=3650) < ten_years < timedelta(days=3654)


def test_a_certificate_is_issued_again_when_an_address_is_new(authority: Issued) -> None:
    """The reason names what is missing; an address that has gone is no reason."""
    issued = issue(authority, NAMES)
    moved = Names(NAMES.hosts, (*NAMES.addresses, ip_address("10.0.0.9")))
    assert why_renew(issued, authority, moved) == "it is not for 10.0.0.9"
    assert why_renew(issued, authority, Names(("localhost",), ())) is None
    assert why_renew(issued, create_authority(NAMES), NAMES) == "another authority issued it"


def test_the_names_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its host name, alone and in the local domain, localhost, every address, and what the server listens on."""
    monkeypatch.setattr("socket.gethostname", lambda: "Attic")
    addresses = [InterfaceAddress("eth0", ip_address("192.168.1.5")), InterfaceAddress("eth0", ip_address("fd00::5"))]
    everywhere = names_of_machine(addresses, "0.0.0.0")
    assert (everywhere.hosts, set(everywhere.addresses)) == (NAMES.hosts, {*NAMES.addresses, ip_address("::1")})
    assert names_of_machine([], "cam.home").hosts == ("localhost", "attic", "attic.local", "cam.home")
    assert names_of_machine([], "192.168.7.7").addresses[-1] == ip_address("192.168.7.7")
    monkeypatch.setattr("socket.gethostname", lambda: "attic.example.org.")
    assert names_of_machine([]).hosts == ("localhost", "attic.example.org")
    monkeypatch.setattr("socket.gethostname", lambda: "odd_name!")
    assert names_of_machine([]).hosts == ("localhost",)


def test_a_fingerprint_is_written_as_devices_show_it(authority: Issued) -> None:
    """Pairs of digits, so that people can compare them."""
    text = fingerprint(authority.parsed)
    assert len(text) == 95
    assert set(text) <= set("0123456789ABCDEF:")
