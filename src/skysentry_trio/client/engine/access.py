"""The token of a client: got for the first connection, again after a refusal, and again before it expires."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ConfigurationError, SkySentryError
from skysentry_trio.client.engine.addresses import ServerAddress
from skysentry_trio.client.engine.connection import ConnectionLost, Refused
from skysentry_trio.wire.messages import Authenticate, Authenticated, encode_message

Token = str | Callable[[], str] | None
"""A token, a function that returns one, or None for no token. The function is called in a thread and may block."""

REFUSED_WAIT: Final = 60.0
"""Seconds until the next attempt with a token that the server has refused."""
ASK_TIMEOUT: Final = 30.0
"""Seconds for the function that returns the token."""
_ADVICE: Final = "give a key with --token-file, in Python with token=, or before the host in the address: user:KEY@host"
_MAX_TOKEN: Final = 4096
_SHORTEST_PAUSE: Final = 1.0
"""Seconds between two questions for a newer token; also the time in which the server's clock becomes known."""
_LATEST_RENEWAL: Final = 60.0
"""A token is renewed at most this many seconds before it expires."""


def check_token(token: object) -> str:
    """Return the token if it can be sent in an HTTP header.

    Raises:
        ConfigurationError: it cannot; the message shows nothing of the token.
    """
    if not isinstance(token, str):
        raise ConfigurationError(f"expected a token as text, got {type(token).__name__}")
    if not (0 < len(token) <= _MAX_TOKEN and token.isascii() and token.isprintable() and " " not in token):
        raise ConfigurationError(
            f"expected a token of 1 to {_MAX_TOKEN} ASCII characters without spaces and line ends, "
            f"got {len(token)} characters"
        )
    return token


@define(eq=False)
class TokenHolder:
    """What one client presents to its server."""

    server: ServerAddress
    _source: Token = field(default=None, repr=False)
    _current: str | None = field(default=None, init=False, repr=False)
    """The token to present; None if it has to be got first, or if there is none."""
    _refusals: int = field(default=0, init=False)
    """Number of refusals since the server last accepted this client."""
    _expires_at: float = field(default=math.inf, init=False)
    """When the token expires, in seconds since the epoch by the server's clock."""
    _answered: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self._source is not None and not callable(self._source):
            check_token(self._source)

    @property
    def is_renewable(self) -> bool:
        """Whether there may be another token later."""
        return callable(self._source)

    async def token(self) -> str | None:
        """Return the token for the next connection.

        Raises:
            ConnectionLost: the token is not available now; another attempt may succeed.
            ConfigurationError: the function returned something that cannot be a token.
        """
        if self._current is None:
            self._current = await self._ask()
        self._expires_at = math.inf
        return self._current

    def note_success(self) -> None:
        """Note that the server has accepted this client."""
        self._refusals = 0

    async def after_refusal(self, reason: str, *, is_final: bool) -> SkySentryError:
        """Return the error to raise after the server refused this client.

        A function is asked for another token once, and this token is tried soon. A token that stays the same, or a
        second refused token, is not tried again soon.

        Args:
            reason: what the server said.
            is_final: whether the client gives up instead of waiting long, because it has never been accepted.
        """
        refused, self._current = self._current, None
        self._refusals += 1
        if self.is_renewable and self._refusals == 1:
            token = await self._ask()
            if token != refused:
                self._current = token
                return ConnectionLost(f"{reason}; another token is tried")
        if self._source is None and self.server.credentials is None:
            reason = f"{reason}; {_ADVICE}"
        return Refused(reason) if is_final else ConnectionLost(reason, wait=REFUSED_WAIT)

    def take_answer(self, answer: Authenticated) -> None:
        """Take the server's answer to a token that was sent in a message."""
        self._expires_at = math.inf if answer.expires_at is None else answer.expires_at / 1000
        self._answered.set()

    async def keep_renewed(self, send: Callable[[str], Awaitable[None]], server_time: Callable[[], float]) -> None:
        """Send a newer token before the current one expires, again and again until cancelled.

        Args:
            send: sends a text message.
            server_time: returns seconds since the epoch by the server's clock.
        """
        while self.is_renewable:
            self._answered = trio.Event()
            left = self._expires_at - server_time()
            with trio.move_on_after(max(_SHORTEST_PAUSE, 0.8 * left, left - _LATEST_RENEWAL)):
                await self._answered.wait()
                # By then the server's clock is known.
                await trio.sleep(_SHORTEST_PAUSE)
                continue
            try:
                token = await self._ask()
            except ConnectionLost:
                # It is asked again after a pause; at the latest, the server ends the connection.
                continue
            if token is not None and token != self._current:
                self._current, self._expires_at = token, math.inf
                await send(encode_message(Authenticate(token)))

    async def _ask(self) -> str | None:
        if not callable(self._source):
            return self._source
        try:
            with trio.fail_after(ASK_TIMEOUT):
                token = await trio.to_thread.run_sync(self._source, abandon_on_cancel=True)
        except trio.TooSlowError:
            raise ConnectionLost(f"the function for the token returned nothing within {ASK_TIMEOUT:g} s") from None
        except OSError as error:
            raise ConnectionLost(f"the token is not available: {error}") from error
        return check_token(token)
