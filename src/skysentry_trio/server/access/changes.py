"""What administrators do with the file of rules: make and revoke keys, users and links; the server reads it again."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from attrs import field, frozen

from skysentry_trio.base.principal import ALL_CAMERAS, Action, Rights
from skysentry_trio.server.access.keys import hash_key, make_key
from skysentry_trio.server.access.passwords import check_length, hash_password
from skysentry_trio.server.access.records import (
    AccessRecords,
    Allowed,
    KeyRecord,
    UserRecord,
    change_records,
    fingerprint,
)
from skysentry_trio.server.access.tickets import Ticket, TicketKind, make_ticket_id, sign

MAX_NAME: Final = 80
MAX_LINK_SECONDS: Final = 90 * 86400.0
_MAX_KEYS: Final = 10_000
_MOST_ENDED: Final = 1000
"""Cookies of one key or user that are remembered as ended. Beyond that, all its cookies end, so that the file, which is
read as a whole, does not grow with each sign-out."""
_USER_NAME: Final = re.compile(r"[^\s:,/\\]{1,64}")
T = TypeVar("T")


class NotAllowed(ValueError):
    """A change that cannot be made; the message says what was expected."""


@frozen
class NewKey:
    """A key that was just made; nobody can read it again."""

    record: KeyRecord
    key: str = field(repr=False)


@frozen
class NewLink:
    """A link that was just made."""

    token: str = field(repr=False)
    expires: float
    """Seconds since the epoch."""


@frozen
class RulesEditor:
    """Changes the file of rules in a folder; every method blocks for some milliseconds."""

    folder: Path
    now: Callable[[], float] = time.time

    def add_key(self, name: str, allow: Allowed, expires: float | None = None) -> NewKey:
        """Make a key.

        Args:
            name: for people.
            allow: for each action, the cameras: ids, globs and groups.
            expires: when the key expires, in seconds since the epoch; None for never.

        Raises:
            NotAllowed: the name or a rule is invalid, or the limit is reached.
        """
        record = KeyRecord(secrets.token_hex(6), _check_name(name), "", check_allowed(allow), self.now(), expires)
        key = make_key()
        record.hash = hash_key(key)

        def add(records: AccessRecords) -> None:
            if len(records.keys) >= _MAX_KEYS:
                raise NotAllowed(f"there are {_MAX_KEYS} keys, which is the limit")
            records.keys.append(record)
            records.invitation = None

        self._change(add)
        return NewKey(record, key)

    def revoke_key(self, key_id: str) -> KeyRecord | None:
        """Remove a key; return None if there is no such key."""

        def revoke(records: AccessRecords) -> KeyRecord | None:
            found = next((key for key in records.keys if key.id == key_id), None)
            if found is not None:
                records.keys.remove(found)
                records.invitation = None
            return found

        return self._change(revoke)

    def set_user(self, name: str, password: str, allow: Allowed) -> UserRecord:
        """Add a user; one with the same name is replaced, and has to sign in again.

        Raises:
            NotAllowed: the name, the password or a rule is invalid.
        """
        if not _USER_NAME.fullmatch(name):
            raise NotAllowed(f"a user's name has 1 to 64 characters without spaces, ':' and ',', got {name[:80]!a}")
        try:
            check_length(password)
        except ValueError as error:
            raise NotAllowed(str(error)) from None
        record = UserRecord(name, hash_password(password), check_allowed(allow), self.now())

        def add(records: AccessRecords) -> None:
            records.users = [*(user for user in records.users if user.name != name), record]
            records.invitation = None

        self._change(add)
        return record

    def remove_user(self, name: str) -> UserRecord | None:
        """Remove a user; return None if there is no such user."""

        def remove(records: AccessRecords) -> UserRecord | None:
            found = next((user for user in records.users if user.name == name), None)
            if found is not None:
                records.users.remove(found)
            return found

        return self._change(remove)

    def make_link(
        self, action: Action, camera_id: str, seconds: float, *, issuer: str | None = None, once: bool = False
    ) -> NewLink:
        """Make a signed link for one action with one camera.

        Args:
            action: the action.
            camera_id: the camera, or a glob or a group.
            seconds: how long the link counts.
            issuer: the fact on which the link depends, such as the key of the person who makes it.
            once: whether the link counts only for the first browser that opens it.

        Raises:
            NotAllowed: a value is invalid.
        """
        if not 0 < seconds <= MAX_LINK_SECONDS:
            raise NotAllowed(f"a link counts for up to {MAX_LINK_SECONDS / 86400:g} days, got {seconds:g} seconds")
        allow = check_allowed({action.value: [camera_id]})
        ticket = Ticket(make_ticket_id(), issuer, self.now() + seconds, allow, once)
        return self._change(lambda records: _sign_link(records, ticket))

    def end_ticket(self, ticket_id: str, until: float) -> bool:
        """Let a link or a cookie count no longer; return False if it did not count before.

        Args:
            ticket_id: of the ticket.
            until: when it would have expired, in seconds since the epoch.
        """

        def end(records: AccessRecords) -> bool:
            if ticket_id in records.ended:
                return False
            records.ended[ticket_id] = until
            tag, dot, _ = ticket_id.rpartition(".")
            earlier = [one for one in records.ended if dot and one.startswith(f"{tag}.") and one != ticket_id]
            if len(earlier) >= _MOST_ENDED:
                records.signed_out[tag] = self.now()
                for one in earlier:
                    del records.ended[one]
            return True

        return self._change(end)

    def invite_first_admin(self, seconds: float) -> NewLink | None:
        """Make the link with which the first administrator signs in; return None if it was used, or is not needed.

        A key for this administrator is made too, which nobody knows: the link's browser gets its rights.
        """

        def invite(records: AccessRecords) -> NewLink | None:
            if records.has_rules:
                return None
            if not records.keys:
                rule = {Action.ADMIN.value: [ALL_CAMERAS]}
                key = KeyRecord(secrets.token_hex(6), "first administrator", hash_key(make_key()), rule, self.now())
                records.keys.append(key)
            issuer = f"key:{records.keys[0].id}:{fingerprint(records.keys[0])}"
            # A link that was printed at an earlier start counts no longer.
            if records.invitation is not None:
                records.ended[records.invitation] = self.now() + seconds
            ticket = Ticket(make_ticket_id(), issuer, self.now() + seconds, once=True)
            records.invitation = ticket.id
            return _sign_link(records, ticket)

        return self._change(invite)

    def accept_invitation(self, ticket_id: str) -> None:
        """Remember that the first administrator has signed in."""

        def accept(records: AccessRecords) -> None:
            if records.invitation == ticket_id:
                records.invitation = None

        self._change(accept)

    def prepare(self) -> None:
        """Make sure that there is a secret that is new enough to sign with."""
        self._change(lambda _records: None)

    def _change(self, change: Callable[[AccessRecords], T]) -> T:
        def change_and_clean(records: AccessRecords) -> T:
            records.rotate_secrets(self.now())
            records.forget_expired(self.now())
            return change(records)

        return change_records(self.folder, change_and_clean)


def _sign_link(records: AccessRecords, ticket: Ticket) -> NewLink:
    token = sign(ticket, TicketKind.LINK, [one.secret for one in records.secrets])
    return NewLink(token, ticket.expires)


def check_allowed(allow: Mapping[str, Iterable[str]]) -> Allowed:
    """Return a rule if it is valid.

    Raises:
        NotAllowed: an action or a pattern is invalid, or nothing is allowed.
    """
    words = [action.value for action in Action]
    for action in allow:
        if action not in words:
            raise NotAllowed(f"an action is one of {', '.join(words)}, got {action[:40]!a}")
    chosen = {action: sorted(set(patterns)) for action, patterns in allow.items()}
    try:
        Rights.of(chosen)
    except ValueError as error:
        raise NotAllowed(str(error)) from None
    if not any(chosen.values()):
        raise NotAllowed("a rule allows at least one action with a camera")
    return {action: patterns for action, patterns in chosen.items() if patterns}


def _check_name(name: str) -> str:
    if not 1 <= len(name.strip()) <= MAX_NAME or not name.isprintable():
        raise NotAllowed(f"a name has 1 to {MAX_NAME} printable characters, got {name[:100]!a}")
    return name.strip()
