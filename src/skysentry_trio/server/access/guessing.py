"""Slow down guessing: the more attempts fail, the longer the next answer takes.

Failed attempts are counted for each address, and for what is guessed: the start of a key, or the name of a user. Only
answers to failed attempts wait, so a valid key is never delayed: it is checked at once, and nobody guesses 256 bits.
Passwords can be guessed. So after some failures a password is checked only if few others from the same address are
being checked or wait.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.networks import Networks, host_of, subscriber_of

FREE_FAILURES: Final = 5
"""Failed attempts that are answered at once: people mistype, and programs still have an old key."""
FIRST_DELAY: Final = 0.25
"""Seconds that the answer to the next failed attempt waits; each further one waits twice as long."""
LONGEST_DELAY: Final = 8.0
FORGIVEN_AFTER: Final = 30.0
"""Seconds after which one failed attempt is forgotten."""
MOST_FAILURES: Final = 20
"""Failed attempts beyond this are not counted, so that everything is forgotten after ten minutes."""
MOST_ENTRIES: Final = 4096
"""Addresses, keys and users of which failed attempts are kept; those that failed longest ago make room."""
MOST_AT_ONCE: Final = 256
"""Attempts that are being checked or wait. Beyond this, an address may have one; connections are bounded too."""
MOST_AT_ONCE_EACH: Final = 8
"""Attempts from one address that are being checked or wait."""
_PREFIX_LENGTH: Final = 12
"""Characters of a key that are kept: ``sky_`` and 48 of its 256 bits."""


@define(eq=False)
class GuessLimiter:
    """Counts failed attempts, and delays the answers to them."""

    trusted: Networks = field(factory=Networks)
    """The trusted proxies. They are never slowed down, because all their clients would be."""
    _failures: OrderedDict[str, tuple[float, float]] = field(factory=OrderedDict, init=False, repr=False)
    """The count of failed attempts, and the time at which it was true; the latest is last."""
    _at_once: Counter[str] = field(factory=Counter, init=False, repr=False)
    """Attempts that are being checked or wait, by address."""
    _total_at_once: int = field(default=0, init=False)
    _known_wrong: OrderedDict[int, None] = field(factory=OrderedDict, init=False, repr=False)
    """Hashes of tokens that failed before, with their addresses."""

    @asynccontextmanager
    async def checking_token(self, address: str, token: str) -> AsyncIterator[None]:
        """Let a token be checked in the context, and delay its refusal.

        The same wrong token again is no guess: a camera with an old key tries it for ever, and must not slow down the
        people who share its address.

        Args:
            address: IP address of the client with or without a port, behind all proxies.
            token: a key, a link or another token.

        Raises:
            ProtocolViolation: with code ``flood``: too many other refusals wait.
        """
        try:
            yield
        except ProtocolViolation as violation:
            if violation.code == "unauthenticated" and not self._was_wrong(address, token):
                with self.attempt(address, token):
                    await self.slow_down(address, token)
            raise

    @asynccontextmanager
    async def checking_password(self, address: str, user: str) -> AsyncIterator[None]:
        """Let a password be checked in the context, and delay its refusal.

        Args:
            address: IP address of the client with or without a port, behind all proxies.
            user: the name of the user.

        Raises:
            ProtocolViolation: with code ``flood``: too many others are being checked or wait.
        """
        with self.attempt(address, user):
            try:
                yield
            except ProtocolViolation as violation:
                if violation.code == "unauthenticated":
                    await self.slow_down(address, user)
                raise

    def _was_wrong(self, address: str, token: str) -> bool:
        """Return whether a token failed before from this address; remember that it has failed."""
        mark = hash((subscriber_of(host_of(address)), token))
        known = mark in self._known_wrong
        self._known_wrong[mark] = None
        self._known_wrong.move_to_end(mark)
        if len(self._known_wrong) > MOST_ENTRIES:
            self._known_wrong.popitem(last=False)
        return known

    def delay(self, address: str, guessed: str, now: float) -> float:
        """Return the seconds that the answer to a failed attempt waits.

        Args:
            address: IP address of the client with or without a port, behind all proxies.
            guessed: the token or the name of the user that was presented; only the start is used.
            now: in seconds of a monotonic clock.
        """
        count = max((self._count(entry, now) for entry in self._entries(address, guessed)), default=0.0)
        excess = count - FREE_FAILURES
        return 0.0 if excess <= 0 else min(LONGEST_DELAY, FIRST_DELAY * 2 ** (excess - 1))

    def note_failure(self, address: str, guessed: str, now: float) -> None:
        """Count a failed attempt; the arguments are those of `delay`."""
        for entry in self._entries(address, guessed):
            self._failures[entry] = min(self._count(entry, now) + 1, MOST_FAILURES), now
            self._failures.move_to_end(entry)
        while len(self._failures) > MOST_ENTRIES:
            self._failures.popitem(last=False)

    async def slow_down(self, address: str, guessed: str) -> None:
        """Count a failed attempt, and wait before it is answered; call this within `attempt`."""
        now = trio.current_time()
        self.note_failure(address, guessed, now)
        await trio.sleep(self.delay(address, guessed, now))

    @contextmanager
    def attempt(self, address: str, guessed: str) -> Iterator[None]:
        """Count an attempt for as long as it is being checked or waits for its answer.

        Many attempts at once are no guessing if none has failed: a program may ask for all cameras at the same time.

        Args:
            address: IP address of the client with or without a port, behind all proxies.
            guessed: the token or the name of the user that was presented.

        Raises:
            ProtocolViolation: with code ``flood``: too many others are being checked or wait.
        """
        subscriber = self._subscriber(address)
        is_slow = self.delay(address, guessed, trio.current_time()) > 0
        if subscriber and is_slow and self._at_once[subscriber] >= MOST_AT_ONCE_EACH:
            raise ProtocolViolation(
                f"{MOST_AT_ONCE_EACH} attempts to sign in from this address wait for their answers, which is the limit",
                "flood",
            )
        # An address without any gets one: otherwise a guesser with many addresses would shut out everybody.
        if self._total_at_once >= MOST_AT_ONCE and (not subscriber or self._at_once[subscriber]):
            raise ProtocolViolation(f"{MOST_AT_ONCE} attempts to sign in wait, which is the limit", "flood")
        self._total_at_once += 1
        self._at_once[subscriber] += 1
        try:
            yield
        finally:
            self._total_at_once -= 1
            self._at_once[subscriber] -= 1
            if not self._at_once[subscriber]:
                del self._at_once[subscriber]

    def _entries(self, address: str, guessed: str) -> list[str]:
        of_guess = [f"guess {guessed[:_PREFIX_LENGTH]}"] if guessed else []
        subscriber = self._subscriber(address)
        return [f"from {subscriber}", *of_guess] if subscriber else of_guess

    def _subscriber(self, address: str) -> str:
        """Return who is slowed down; an empty text for a trusted proxy."""
        host = host_of(address)
        return "" if host in self.trusted else subscriber_of(host)

    def _count(self, entry: str, now: float) -> float:
        count, at = self._failures.get(entry, (0.0, now))
        return max(0.0, count - (now - at) / FORGIVEN_AFTER)
