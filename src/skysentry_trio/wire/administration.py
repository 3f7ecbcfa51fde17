"""Bodies of requests and replies about access: who is signed in, keys, users, links, and who is connected.

Times are milliseconds since the epoch.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.messages import Message

T = TypeVar("T", bound=Message)
Allowed = dict[str, list[str]]
"""For each action, the cameras: ids, globs and groups."""


class SessionReply(Message):
    """Who makes the request, and what this principal may do."""

    name: str
    kind: str
    """``open``, ``key``, ``user``, ``link``, ``header`` or ``jwt``."""
    actions: Allowed
    """For each action, ids and globs of cameras; ``*`` for all."""
    expires_at: float | None
    open: bool
    """Whether everybody may do everything."""


class SignIn(Message, omit_defaults=True):
    """Signs a browser in: with a user and a password, or with a key."""

    user: str | None = None
    password: str | None = None
    key: str | None = None


class KeyReply(Message):
    """One key, without the key itself."""

    id: str
    name: str
    allow: Allowed
    created_at: float
    expires_at: float | None


class KeysReply(Message):
    """All keys."""

    keys: list[KeyReply]


class NewKeyReply(KeyReply):
    """A key that was just made; nobody can read it again."""

    key: str


class KeyRequest(Message):
    """Makes a key."""

    name: str
    allow: Allowed
    expires_at: float | None = None


class UserReply(Message):
    """One user."""

    name: str
    allow: Allowed
    created_at: float


class UsersReply(Message):
    """All users."""

    users: list[UserReply]


class UserRequest(Message):
    """Adds a user, or replaces the one with this name."""

    name: str
    password: str
    allow: Allowed


class LinkRequest(Message):
    """Makes a signed link for one action with one camera."""

    action: str
    camera_id: str
    expires_in: float
    """Seconds for which the link counts."""
    once: bool = False
    """Whether the link counts only for the first browser that opens it."""


class LinkReply(Message):
    """A link that was just made."""

    url: str
    token: str
    expires_at: float


class PhoneCodeReply(Message):
    """The code with which a phone becomes a camera."""

    url: str
    """What the code holds."""
    state: str
    """``waiting``, ``used`` or ``expired``."""
    expires_in: float | None
    """Seconds until the code expires; None for a server that is open to everybody."""


class PhoneReply(Message):
    """What a phone needs to become a camera."""

    https: str | None
    """Address of the server with https; None if it has none."""
    self_signed: bool
    """Whether the server has made its certificate itself, so that devices warn of it."""
    code: PhoneCodeReply | None
    """Only for administrators, of a server that was started with ``--phone``."""


class ConnectionReply(Message):
    """One connection."""

    id: str
    name: str
    """Of the principal."""
    kind: str
    """How the principal proved who it is."""
    role: str
    """``camera``, ``viewer`` or ``request``."""
    camera_id: str | None
    """The camera for which the connection sends; None for all other connections."""
    address: str
    since: float


class SessionsReply(Message):
    """Who is connected."""

    sessions: list[ConnectionReply]
    unreachable: list[str] | UnsetType = UNSET
    """In a cluster, the nodes that have not listed theirs in time; left out if there are none."""


def decode_body(body: bytes, kind: type[T]) -> T:
    """Decode the JSON body of a request.

    Raises:
        ProtocolViolation: with code ``bad-request``; the message contains nothing of the body, which may have secrets.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise ProtocolViolation(f"expected a JSON object with a known shape: {error}", "bad-request") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ProtocolViolation("expected a JSON object", "bad-request") from None
