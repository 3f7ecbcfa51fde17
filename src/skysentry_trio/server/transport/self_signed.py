"""Keep the certificate of the machine's own authority good: for its present addresses, and not about to end."""

from __future__ import annotations

from typing import Final

import trio
from attrs import define

from skysentry_trio.base.authority_folder import AuthorityFolder
from skysentry_trio.base.interfaces import list_addresses
from skysentry_trio.base.local_authority import names_of_machine
from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.transport.certificate import Certificate

log = get_logger(__name__)

CHECK_INTERVAL: Final = 30.0
"""Seconds between two looks at the addresses of the machine."""


@define(eq=False)
class SelfSignedCertificate:
    """A certificate for all names and addresses of this machine, which the machine's own authority has issued.

    Raises:
        ConfigurationError: the files cannot be read or written.
    """

    _folder: AuthorityFolder
    _host: str
    """The name or address on which the server listens."""

    def __attrs_post_init__(self) -> None:
        self._prepare()

    def load(self) -> Certificate:
        """Return the certificate for the connections."""
        return Certificate(self._folder.certificate_file, self._folder.key_file)

    async def renew(self, certificate: Certificate) -> None:
        """Issue the certificate again whenever that is necessary, and let the server load it."""
        while True:
            await trio.sleep(CHECK_INTERVAL)
            if await trio.to_thread.run_sync(self._prepare) is not None:
                certificate.reload_soon()

    def _prepare(self) -> str | None:
        names = names_of_machine(list_addresses(), self._host)
        reason = self._folder.prepare(names)
        if reason is not None:
            log.info("certificate issued", names=str(names), reason=reason)
        return reason
