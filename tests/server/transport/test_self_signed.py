"""The certificate that the server makes itself stays good while the server runs."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
import trio

from skysentry_trio.base.authority_folder import AuthorityFolder
from skysentry_trio.base.interfaces import InterfaceAddress
from skysentry_trio.base.local_authority import names_in
from skysentry_trio.server.transport import self_signed
from skysentry_trio.server.transport.self_signed import CHECK_INTERVAL, SelfSignedCertificate


async def wait_until_loaded(own: SelfSignedCertificate, folder: AuthorityFolder, text: str) -> None:
    """Wait until the certificate is for an address."""
    with trio.fail_after(10 * CHECK_INTERVAL):
        while True:
            issued = folder.load_certificate()
            assert issued is not None
            if ip_address(text) in names_in(issued.parsed).addresses:
                return
            await trio.sleep(CHECK_INTERVAL)


async def test_a_new_address_gets_into_the_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.abc.Clock
) -> None:
    """A laptop that changes to another network is reached without a warning; the server loads the new certificate."""
    addresses = [InterfaceAddress("wlan0", ip_address("192.168.1.5"))]
    monkeypatch.setattr(self_signed, "list_addresses", lambda: list(addresses))
    folder = AuthorityFolder.inside(tmp_path)
    own = SelfSignedCertificate(folder, "0.0.0.0")
    certificate = own.load()
    before, authority = certificate.context, folder.load_authority()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(own.renew, certificate)
        nursery.start_soon(certificate.run)
        addresses.append(InterfaceAddress("wlan0", ip_address("10.0.0.9")))
        await wait_until_loaded(own, folder, "10.0.0.9")
        with trio.fail_after(10 * CHECK_INTERVAL):
            while certificate.context is before:  # noqa: ASYNC110
                await trio.sleep(CHECK_INTERVAL)
        nursery.cancel_scope.cancel()
    assert folder.load_authority() == authority


def test_a_second_start_uses_the_same_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices that trust the authority need to do nothing."""
    monkeypatch.setattr(self_signed, "list_addresses", list)
    folder = AuthorityFolder.inside(tmp_path)
    SelfSignedCertificate(folder, "localhost")
    issued = folder.load_certificate()
    SelfSignedCertificate(folder, "localhost")
    assert folder.load_certificate() == issued
