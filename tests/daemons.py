"""A daemon inside the process that runs the tests, for what needs a hand inside it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
async def running_daemon(files: CertificateFiles | None = None, /, **settings: Any) -> AsyncIterator[Address]:
    """Run a daemon on a free port, with a certificate or without, and cancel it in the end."""
    async with stopping_daemon(files, **settings) as (address, _):
        yield address


@asynccontextmanager
async def stopping_daemon(
    files: CertificateFiles | None = None, /, **settings: Any
) -> AsyncIterator[tuple[Address, trio.Event]]:
    """Run a daemon as `running_daemon` does, and give an event that is set when it has stopped by itself."""
    stopped = trio.Event()
    if files is not None:
        settings |= files.write()
    async with trio.open_nursery() as nursery:

        async def run(task_status: trio.TaskStatus[Any]) -> None:
            await daemon.serve(Settings(port=0, **settings), notifier=Notifier(), task_status=task_status)
            stopped.set()

        urls = await nursery.start(run)
        yield evolve(Address.parse(urls[0]), tls=None if files is None else files.trust()), stopped
        nursery.cancel_scope.cancel()
