"""The rules that hold now, and every proof that is checked against them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from attrs import define, evolve, field

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.principal import Principal, Rights
from skysentry_trio.server.access import keys, tickets
from skysentry_trio.server.access.guessing import GuessLimiter
from skysentry_trio.server.access.passwords import PasswordChecker
from skysentry_trio.server.access.records import COOKIE_SECONDS, AccessRecords, KeyRecord, UserRecord, fingerprint
from skysentry_trio.server.access.sessions import Sessions
from skysentry_trio.server.access.tickets import Ticket, TicketKind

log = get_logger(__name__)

OPEN: Final = "open"
"""The fact that everybody may do everything."""
TokenVerifier = Callable[[str], Awaitable[Principal | None]]
"""Returns the principal of a token that is neither a key nor a link; None if it is not a token of this kind.

Raises `ProtocolViolation` with code ``unauthenticated`` for an invalid one.
"""


def wrong(message: str) -> ProtocolViolation:
    """Return the refusal of a credential."""
    return ProtocolViolation(message, "unauthenticated")


@define(eq=False)
class Access:
    """Checks keys, passwords, links and cookies; without rules it may be open to everybody."""

    is_open: bool = True
    """Whether everybody may do everything. Rules that appear later end this, unless `stays_open` is set."""
    stays_open: bool = False
    """Whether the operator wants an open server even if there are rules."""
    groups: Mapping[str, Iterable[str]] = field(factory=dict)
    """The cameras of each group."""
    now: Callable[[], float] = time.time
    """Returns the seconds since the epoch."""
    token_verifiers: list[TokenVerifier] = field(factory=list)
    """Checks of further kinds of tokens, one after another."""
    limiter: GuessLimiter = field(factory=GuessLimiter)
    """Slows down guessing."""
    own_keys: tuple[KeyRecord, ...] = ()
    """Keys that are not in the file: that of the operator, and those of cameras that are part of this process."""
    refresh: Callable[[], None] = field(default=lambda: None, repr=False)
    """Called before a key is refused because it is unknown: another server may have written it into the file just now.
    """
    sessions: Sessions = field(init=False)
    """Who is connected."""
    records: AccessRecords = field(factory=AccessRecords, init=False, repr=False)
    """The file as it was read last."""
    _by_hash: dict[str, Principal] = field(factory=dict, init=False, repr=False)
    _by_fact: dict[str, Principal] = field(factory=dict, init=False, repr=False)
    _users: dict[str, tuple[str, Principal]] = field(factory=dict, init=False, repr=False)
    """For each user, the hash of the password, and the principal."""
    _passwords: PasswordChecker = field(factory=PasswordChecker, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.sessions = Sessions(self.now, self.holds)

    def load(self, records: AccessRecords) -> None:
        """Take over new rules; sessions of principals that lose their access end at once."""
        self.records = records
        self._by_hash, self._by_fact, self._users = {}, {}, {}
        for key in (*records.keys, *self.own_keys):
            if (principal := self._principal_of(key, "key", key.id, key.expires)) is not None:
                self._by_hash[key.hash] = principal
        for user in records.users:
            if (principal := self._principal_of(user, "user", user.name, None)) is not None:
                self._users[user.name] = user.password, principal
        if records.has_rules and not self.stays_open:
            self.is_open = False
        self.sessions.end_unless(self.holds, "the access was revoked")

    def _principal_of(
        self, record: KeyRecord | UserRecord, kind: str, name: str, expires_at: float | None
    ) -> Principal | None:
        fact = f"{kind}:{name}:{fingerprint(record)}"
        try:
            rights = Rights.of(record.allow, self.groups)
        except ValueError as error:
            # A newer program may know more actions; the others keep their access.
            log.error(  # noqa: TRY400 - the reason says enough
                "rule ignored", kind=kind, name=name, error=str(error)
            )
            return None
        principal = Principal(record.name, rights, kind, f"{kind}:{name}", frozenset({fact}), expires_at)
        self._by_fact[fact] = principal
        return principal

    def holds(self, principal: Principal) -> bool:
        """Return whether everything that a principal's access depends on is still true, except the time."""
        return all(self._is_fact(fact) for fact in principal.requires)

    def _is_fact(self, fact: str) -> bool:
        if fact == OPEN:
            return self.is_open
        kind, _, name = fact.partition(":")
        return name not in self.records.ended if kind == "ticket" else fact in self._by_fact

    # Proofs

    async def check_token(self, token: str, address: str) -> Principal:
        """Do what `verify_token` does; the refusal of a guess waits.

        Args:
            token: a key, a link or another token.
            address: of the client.
        """
        # A key that counts needs nothing of the rest: a thousand cameras may return at the same moment.
        known = self._by_hash.get(keys.hash_key(token)) if token.isascii() else None
        if known is not None and not self._has_expired(known):
            return known
        async with self.limiter.checking_token(address, token):
            return await self.verify_token(token)

    async def check_password(self, user: str, password: str, address: str) -> Principal:
        """Do what `verify_password` does; the refusal of a guess waits.

        Args:
            user: name of the user.
            password: of the user; or a key or a link.
            address: of the client.
        """
        if password.startswith((keys.PREFIX, tickets.LINK_PREFIX)):
            return await self.check_token(password, address)
        async with self.limiter.checking_password(address, user):
            return await self.verify_password(user, password)

    async def verify_token(self, token: str) -> Principal:
        """Return the principal of a key, of a link or of another token.

        Raises:
            ProtocolViolation: with code ``unauthenticated``.
        """
        if token.startswith(tickets.LINK_PREFIX):
            ticket = self._read_ticket(token, TicketKind.LINK)
            if ticket.once:
                raise wrong("this link counts once, so a browser has to open it")
            return self._principal_of_ticket(ticket)
        if token.startswith(keys.PREFIX):
            return self._verify_key(token)
        for verify in self.token_verifiers:
            if (principal := await verify(token)) is not None:
                return principal
        raise wrong(f"expected a key that begins with {keys.PREFIX} or a link, got a text of {len(token)} characters")

    def _verify_key(self, key: str) -> Principal:
        if not keys.is_key(key):
            raise wrong("the key was not copied completely, or has a typing error: its checksum is wrong")
        hashed = keys.hash_key(key)
        if hashed not in self._by_hash:
            self.refresh()
        principal = self._by_hash.get(hashed)
        if principal is None:
            raise wrong("there is no such key; it may have been revoked")
        if self._has_expired(principal):
            raise wrong("the key has expired")
        return principal

    def _has_expired(self, principal: Principal) -> bool:
        return principal.expires_at is not None and self.now() >= principal.expires_at

    async def verify_password(self, user: str, password: str) -> Principal:
        """Return the principal of a user; a key or a link as the password counts, whatever the user's name is.

        Raises:
            ProtocolViolation: with code ``unauthenticated``, or ``busy``.
        """
        if password.startswith((keys.PREFIX, tickets.LINK_PREFIX)):
            return await self.verify_token(password)
        hashed, principal = self._users.get(user, (None, None))
        if not await self._passwords.matches(hashed, password) or principal is None:
            raise wrong("the user or the password is wrong")
        # The user may have been removed in the meantime.
        if not self.holds(principal):
            raise wrong("the user or the password is wrong")
        return principal

    def verify_cookie(self, cookie: str) -> Principal:
        """Return the principal of a browser that has signed in.

        Raises:
            ProtocolViolation: with code ``unauthenticated``.
        """
        return self._principal_of_ticket(self._read_ticket(cookie, TicketKind.COOKIE))

    def _read_ticket(self, text: str, kind: TicketKind) -> Ticket:
        what = "link" if kind is TicketKind.LINK else "sign-in"
        ticket = tickets.read_ticket(text, kind, [one.secret for one in self.records.secrets])
        if ticket is None:
            raise wrong(f"the {what} is not complete, or is not from this server")
        if self.now() >= ticket.expires:
            raise wrong(f"the {what} has expired")
        if not self._is_fact(f"ticket:{ticket.id}") or self._was_signed_out(ticket):
            raise wrong(f"the {what} has ended, or was used already")
        return ticket

    def _was_signed_out(self, ticket: Ticket) -> bool:
        if ticket.made is None or ticket.issuer is None:
            return False
        return ticket.made <= self.records.signed_out.get(tickets.tag_of(ticket.issuer), 0.0)

    def read_cookie(self, cookie: str) -> Ticket:
        """Return the ticket of a cookie.

        Raises:
            ProtocolViolation: with code ``unauthenticated``.
        """
        return self._read_ticket(cookie, TicketKind.COOKIE)

    def _principal_of_ticket(self, ticket: Ticket) -> Principal:
        issuer = None if ticket.issuer is None else self._by_fact.get(ticket.issuer)
        if issuer is None and ticket.issuer is not None:
            raise wrong("the access on which this depends was revoked or changed")
        expires_at = ticket.expires if issuer is None else min(ticket.expires, issuer.expires_at or ticket.expires)
        if self.now() >= expires_at:
            raise wrong("the access on which this depends has expired")
        requires = frozenset({f"ticket:{ticket.id}"}) | (frozenset() if issuer is None else issuer.requires)
        if issuer is not None and ticket.allow is None:
            return evolve(issuer, requires=requires, expires_at=expires_at)
        try:
            rights = Rights.of(ticket.allow or {}, self.groups)
        except ValueError as error:
            raise wrong(f"the link cannot be read: {error}") from None
        name = "a link" if issuer is None else f"a link of {issuer.name}"
        return Principal(name, rights, "link", f"link:{ticket.id}", requires, expires_at)

    def has_user(self, name: str | None) -> bool:
        """Return whether there is a user with this name."""
        return name in self._users

    # Cookies

    def sign_in(self, principal: Principal) -> tuple[str, float]:
        """Return the cookie for a person who has proved who it is, and when the cookie expires.

        Raises:
            ProtocolViolation: the proof is of a kind that is sent with each request instead.
        """
        issuer = self.fact_of(principal)
        if issuer is None or principal.kind not in {"key", "user"}:
            raise ProtocolViolation("expected a user and a password, or a key", "bad-request")
        expires = min(self.now() + COOKIE_SECONDS, principal.expires_at or float("inf"))
        ticket = Ticket(tickets.make_ticket_id(issuer), issuer, expires, made=self.now())
        return self._sign(ticket, TicketKind.COOKIE), expires

    def fact_of(self, principal: Principal) -> str | None:
        """Return the fact about a key or a user on which a principal's access depends; None if there is none."""
        return next((fact for fact in principal.requires if fact in self._by_fact), None)

    def read_link(self, link: str) -> Ticket:
        """Return the ticket of a link.

        Raises:
            ProtocolViolation: with code ``unauthenticated``.
        """
        return self._read_ticket(link, TicketKind.LINK)

    def exchange(self, ticket: Ticket) -> tuple[str, float]:
        """Return a cookie for the rights of a link, and when the cookie expires.

        A link that counts once gives a cookie of its own, which lasts after the link has ended; the caller ends the
        link. The cookie of another link ends together with the link.
        """
        if not ticket.once:
            return self._sign(ticket, TicketKind.COOKIE), ticket.expires
        expires = ticket.expires if ticket.allow is not None else self.now() + COOKIE_SECONDS
        cookie = Ticket(tickets.make_ticket_id(), ticket.issuer, expires, ticket.allow, made=self.now())
        return self._sign(cookie, TicketKind.COOKIE), expires

    def make_link(self, ticket: Ticket) -> str:
        """Return the token of a link."""
        return self._sign(ticket, TicketKind.LINK)

    def _sign(self, ticket: Ticket, kind: TicketKind) -> str:
        if not self.records.secrets:
            raise ConfigurationError("there is no secret to sign with: the file of rules has none")
        return tickets.sign(ticket, kind, [one.secret for one in self.records.secrets])
