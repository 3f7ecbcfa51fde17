"""Read the file of rules again when it changes, and end the access that is over: both without a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.logs import get_logger
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.records import FILE_NAME, read_records

log = get_logger(__name__)

INTERVAL: Final = 0.5
"""Seconds between two looks, so that access ends within a second."""
_Mark = tuple[int, int, int]


@define(eq=False)
class RulesWatcher:
    """Keeps an `Access` as the file says."""

    _access: Access
    _folder: Path
    _seen: _Mark | None = field(default=None, init=False)
    """Of the file that was read last; None if there was none."""

    def read(self) -> None:
        """Read the file now.

        Raises:
            ConfigurationError: the file cannot be read; the rules stay as they are.
        """
        # Taken before the content: a change between the two is found at the next look.
        self._seen = self._mark()
        self._access.load(read_records(self._folder))

    def look(self) -> None:
        """Read the file if it has changed, and end what has expired."""
        if self._mark() != self._seen:
            try:
                self.read()
            except ConfigurationError as error:
                # A wrong file must not open the server, so the rules from before hold.
                log.error("rules not read", error=str(error))  # noqa: TRY400 - the reason says enough
            else:
                log.info("rules read", keys=len(self._access.records.keys), users=len(self._access.records.users))
        self._access.sessions.end_expired()

    async def run(self) -> None:
        """Look again and again; never returns."""
        while True:
            self.look()
            await trio.sleep(INTERVAL)

    def _mark(self) -> _Mark | None:
        try:
            status = (self._folder / FILE_NAME).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size
