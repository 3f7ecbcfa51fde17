"""The certificate of the server: what is refused and why, and how a new one takes the place of the old one."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.server.transport.certificate import CHECK_INTERVAL, Certificate
from tests.daemons import CertificateFiles


def load(folder: Path) -> Certificate:
    return Certificate(folder / "certificate.pem", folder / "key.pem")


@asynccontextmanager
async def watched(certificate: Certificate) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(certificate.run)
        yield
        nursery.cancel_scope.cancel()


async def wait_until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(10 * CHECK_INTERVAL):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(CHECK_INTERVAL)


def serial_of(context: ssl.SSLContext, files: CertificateFiles) -> int:
    """Return the serial number of the certificate that a client gets."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = files.trust().wrap_bio(to_client, to_server, server_hostname="localhost")
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    got = client.getpeercert(binary_form=True)
    assert got is not None
    return x509.load_der_x509_certificate(got).serial_number


async def test_a_changed_pair_is_loaded(
    tmp_path: Path, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """New connections get the new certificate, once both files have come to rest."""
    caplog.set_level(logging.INFO)
    files = CertificateFiles(tmp_path)
    files.write()
    certificate = load(tmp_path)
    before = certificate.context
    async with watched(certificate):
        await trio.sleep(3.5 * CHECK_INTERVAL)
        assert certificate.context is before
        files.write()
        await wait_until(lambda: certificate.loaded == 2)
    assert serial_of(certificate.context, files) != serial_of(before, files)
    assert "certificate loaded" in caplog.text


async def test_a_bad_pair_is_refused_and_the_old_one_stays(
    tmp_path: Path, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the reason once, and a good pair afterwards is loaded."""
    files = CertificateFiles(tmp_path)
    files.write()
    certificate = load(tmp_path)
    before = certificate.context
    async with watched(certificate):
        good = (tmp_path / "key.pem").read_bytes()
        files.write()
        (tmp_path / "key.pem").write_bytes(good)
        await wait_until(lambda: certificate.refused == 1)
        assert certificate.context is before
        assert "the key does not belong to the certificate" in caplog.text
        (tmp_path / "key.pem").unlink()
        await wait_until(lambda: certificate.refused == 2)
        assert certificate.loaded == 1
        files.write()
        await wait_until(lambda: certificate.loaded == 2)


async def test_a_pair_is_loaded_at_once_if_asked_for(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    """A signal means now, even if the files look as before."""
    CertificateFiles(tmp_path).write()
    certificate = load(tmp_path)
    async with watched(certificate):
        await trio.sleep(0.1)
        certificate.reload_soon()
        await wait_until(lambda: certificate.loaded == 2)


def test_a_file_with_both_is_enough(tmp_path: Path) -> None:
    """Caddy and HAProxy keep the certificate and its key in one file."""
    CertificateFiles(tmp_path).write()
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "certificate.pem").read_bytes())
    assert Certificate(both, both).loaded == 1


def test_what_cannot_be_used_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """The sentence names the file, and what was expected in it."""
    CertificateFiles(tmp_path).write()
    key, certificate, other = tmp_path / "key.pem", tmp_path / "certificate.pem", tmp_path / "other.pem"

    def refusal(certificate_file: Path, key_file: Path) -> str:
        with pytest.raises(ConfigurationError) as caught:
            Certificate(certificate_file, key_file)
        return str(caught.value)

    assert refusal(tmp_path / "none", key).endswith(
        "none: expected a readable certificate, got an error: No such file or directory"
    )
    assert "none: expected a readable private key" in refusal(certificate, tmp_path / "none")
    assert "key.pem: expected a certificate in PEM form, got a file without one" in refusal(key, key)
    assert "certificate.pem: expected a private key in PEM form" in refusal(certificate, certificate)
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    other.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    assert "other.pem: expected a private key without a passphrase, got one with a passphrase" in refusal(
        certificate, other
    )
    other.write_bytes(b"-----BEGIN PRIVATE KEY-----\nCERTIFICATE\n-----END PRIVATE KEY-----\n")
    assert "expected a certificate and its private key, got an error: " in refusal(certificate, other)
