"""The header with which a node of the cluster proves to another node who it is, and for whom it asks.

The header is signed with the secret that all nodes share. The signature covers method and target of the request, the
node that is asked, the time and a number. So the header counts for one request of a few minutes at most, and only once.
"""

from __future__ import annotations

import hmac
import itertools
import time
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from attrs import define, field, frozen
from msgspec import Struct

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import EVERYTHING, NODE, Action, Principal, Rights, join_moment

HEADER: Final = "X-SkySentry-Node"
"""Name of the header."""
_PURPOSE: Final = b"skysentry node 1\n"
"""Makes signatures of this kind differ from all others with the same secret."""
_TOLERANCE: Final = 120.0
"""Seconds by which the clocks of two nodes may differ."""
_MAX_CLAIMS: Final = 1024 * 1024
"""Bytes."""
_WINDOW: Final = 65_536
"""Numbers of a node that are remembered. A header with a lower number is refused, so that none counts twice. No request
is under way for as long as a node needs for this many headers."""


class _Claims(Struct, rename={"via": "v", "to": "o", "made_at": "t", "number": "s", "name": "n"}, omit_defaults=True):
    via: list[str]
    to: str
    made_at: float
    number: int
    name: str = ""
    kind: str = ""
    identity: str = ""
    allow: dict[str, list[str]] = {}
    expires_at: float | None = None


@frozen
class Visitor:
    """Who asks, as another node says."""

    principal: Principal
    via: tuple[str, ...]
    """The nodes that the request came through, first the one that a client has asked."""


@define(eq=False)
class _Window:
    """The numbers of one node's headers that were used."""

    used_at: float
    """When the node last proved who it is, in seconds since the epoch."""
    _highest: int = field(default=0, init=False)
    _used: int = field(default=0, init=False, repr=False)
    """Bit n is set if the number ``_highest`` - n was used; the window of IPsec (RFC 4303 section 3.4.3)."""

    def use(self, number: int) -> bool:
        """Use a number; return False if it was used before, or is too low to know."""
        if number > self._highest:
            ahead = min(number - self._highest, _WINDOW)
            self._used, self._highest = (self._used << ahead) & ((1 << _WINDOW) - 1), number
        bit = 1 << min(self._highest - number, _WINDOW)
        if bit >> _WINDOW or self._used & bit:
            return False
        self._used |= bit
        return True


@define(eq=False)
class NodeProof:
    """Makes and checks the headers of one node."""

    node_id: str
    _secret: bytes = field(repr=False)
    _now: Callable[[], float] = time.time
    _numbers: Iterator[int] = field(factory=lambda: itertools.count(1), init=False, repr=False)
    """Of the headers of this node."""
    _windows: dict[str, _Window] = field(factory=dict, init=False, repr=False)
    """By the id of each other node, which is another one after each start; the last one has asked last."""

    @property
    def secret(self) -> bytes:
        """The secret that all nodes share."""
        return self._secret

    def use_secret(self, secret: bytes) -> None:
        """Use another secret from now on."""
        self._secret = secret

    def header_for(
        self, node_id: str, method: str, target: str, *, principal: Principal | None = None, via: tuple[str, ...] = ()
    ) -> str:
        """Return the value of the header of a request.

        Args:
            node_id: of the node that is asked.
            method: of the request.
            target: of the request: path and query.
            principal: for whom this node asks; None for the node itself, which may do everything.
            via: the nodes that the request came through before this one.
        """
        claims = _Claims([*via, self.node_id], node_id, self._now(), next(self._numbers))
        if principal is not None:
            claims.name, claims.kind, claims.identity = principal.name, principal.kind, principal.identity
            claims.allow, claims.expires_at = principal.rights.describe(), principal.expires_at
        # Rights may name a thousand cameras, and the head of a request has a limit.
        payload = urlsafe_b64encode(zlib.compress(msgspec.json.encode(claims))).decode()
        return f"{payload}.{self._sign(method, target, payload)}"

    def verify(self, header: str, method: str, target: str) -> Visitor:
        """Return who asks.

        Raises:
            ProtocolViolation: with code ``unauthenticated``; or ``busy`` if another node is asked, which was here.
        """
        payload, _, signature = header.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(method, target, payload).encode()):
            raise _wrong("the signature is wrong: do all nodes have the same secret?")
        try:
            claims = msgspec.json.decode(_decompress(urlsafe_b64decode(payload)), type=_Claims)
            rights = Rights.of(claims.allow) if claims.kind else EVERYTHING
        except (msgspec.DecodeError, Base64Error, ValueError, zlib.error) as error:
            raise _wrong(f"the header cannot be read: {error}") from None
        if not claims.via:
            raise _wrong("the header names no node")
        if claims.to != self.node_id:
            # The server was started again, and others do not know yet.
            raise ProtocolViolation(f"this is node {self.node_id}, and not node {claims.to}; try again", "busy")
        self._check_time(claims)
        if not claims.kind:
            name = claims.via[-1]
            return Visitor(Principal(f"node {name}", rights, NODE, f"node:{name}"), tuple(claims.via))
        principal = Principal(claims.name, rights, claims.kind, claims.identity, expires_at=claims.expires_at)
        return Visitor(principal, tuple(claims.via))

    def _check_time(self, claims: _Claims) -> None:
        now = self._now()
        if not -_TOLERANCE <= claims.made_at - now <= _TOLERANCE:
            raise _wrong(
                f"the clocks of two nodes differ by {abs(claims.made_at - now):.0f} s, more than {_TOLERANCE:g} s"
            )
        window = self._windows.pop(claims.via[-1], None) or _Window(now)
        window.used_at = now
        self._windows[claims.via[-1]] = window
        # Later, all headers that were made until then are too old.
        while (oldest := next(iter(self._windows.items())))[1].used_at < now - 2 * _TOLERANCE:
            del self._windows[oldest[0]]
        if not window.use(claims.number):
            raise _wrong("the header was used before, or was overtaken by too many others")

    def _sign(self, method: str, target: str, payload: str) -> str:
        text = _PURPOSE + f"{method}\n{target}\n{payload}".encode()
        return hmac.digest(self._secret, text, "sha256").hex()


def narrow(principal: Principal, camera_id: str) -> Principal:
    """Return a principal with only those rights that it has over one camera, so that they fit into a header."""
    rights = principal.rights
    if rights.is_admin:
        return principal
    allowed = {action.value: [camera_id] for action in Action if rights.allow(action, camera_id)}
    if (begin := rights.history_begin(camera_id)) and Action.HISTORY.value in allowed:
        allowed[Action.HISTORY.value] = [join_moment(camera_id, begin)]
    return Principal(
        principal.name, Rights.of(allowed), principal.kind, principal.identity, expires_at=principal.expires_at
    )


def _decompress(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _MAX_CLAIMS)


def _wrong(message: str) -> ProtocolViolation:
    return ProtocolViolation(f"this is no node of the cluster: {message}", "unauthenticated")
