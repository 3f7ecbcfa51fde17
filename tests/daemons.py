"""A daemon inside the process that runs the tests, for what needs a hand inside it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio
import trustme
from attrs import evolve, field, frozen

from skysentry_trio.server import daemon
from skysentry_trio.server.settings import Settings
from skysentry_trio.server.transport.systemd import Notifier
from tests.raw_peer import Address


@frozen
class CertificateFiles:
    """A certificate for 127.0.0.1 in a folder, from an authority that only clients of `trust` know."""

    folder: Path
    authority: trustme.CA = field(factory=trustme.CA)

    def write(self) -> dict[str, str]:
        """Write a new certificate, and return the settings that name it."""
        issued = self.authority.issue_cert("127.0.0.1", "localhost")
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        key.write_bytes(issued.private_key_pem.bytes())
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        return {"tls_cert": str(certificate), "tls_key": str(key)}

    def trust(self) -> ssl.SSLContext:
        """Return what a client needs to trust the certificate."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@asynccontextmanager
async def running_daemon_with_tls(files: CertificateFiles, **settings: Any) -> AsyncIterator[Address]:
    """Run a daemon with a certificate; its clients trust the certificate."""
    async with running_daemon(**files.write(), **settings) as address:
        yield evolve(address, tls=files.trust())


@asynccontextmanager
async def running_daemon(**settings: Any) -> AsyncIterator[Address]:
    """Run a daemon on a free port, and cancel it in the end."""
    async with trio.open_nursery() as nursery:
        serve = partial(daemon.serve, Settings(port=0, **settings), notifier=Notifier())
        urls = await nursery.start(serve)
        yield Address.parse(urls[0])
        nursery.cancel_scope.cancel()
