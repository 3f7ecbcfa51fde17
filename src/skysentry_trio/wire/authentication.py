"""Answer the challenge of an HTTP server that wants a user and a password: Basic and Digest (RFC 7617, RFC 7616)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any, Final

from attrs import define, field, frozen

_SCHEME: Final = re.compile(r"(?:^|,)\s*(?=(?:basic|bearer|digest|negotiate|ntlm)(?:\s|,|$))", re.IGNORECASE)
# It begins only where a name begins, and never goes back, so that a long text takes no quadratic time.
_PARAMETER: Final = re.compile(r'(?<![A-Za-z-])([A-Za-z-]++)\s*+=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: Final[dict[str, Callable[..., Any]]] = {
    "md5": hashlib.md5,
    "sha-256": hashlib.sha256,
    "sha-512-256": lambda data, **options: hashlib.new("sha512_256", data, **options),
}


@frozen
class Credentials:
    """Who asks."""

    user: str
    password: str = field(repr=False)

    def basic(self) -> str:
        """Return the ``Authorization`` header for Basic authentication."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


@define(eq=False)
class Authenticator:
    """Makes the ``Authorization`` header of each request after a challenge."""

    credentials: Credentials
    nonce_of_client: Callable[[], str]
    """Returns random text."""
    _parameters: dict[str, str] | None = field(default=None, init=False)
    """Of the challenge for Digest; None for Basic."""
    _count: int = field(default=0, init=False)
    """Number of requests with the current nonce of the server."""

    def take_challenges(self, challenges: Iterable[str]) -> bool:
        """Choose the best challenge that can be answered; return whether there is one.

        Without any challenge, Basic is tried, because some cameras send none.
        """
        offers = [part for challenge in challenges for part in _SCHEME.split(challenge) if part.strip()]
        self._count = 0
        for offer in offers:
            scheme, _, rest = offer.strip().partition(" ")
            if scheme.lower() == "digest":
                parameters = {
                    name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
                    for name, quoted, plain in _PARAMETER.findall(rest)
                }
                if _hash_of(parameters) is not None and _qop_of(parameters) is not None:
                    self._parameters = parameters
                    return True
        self._parameters = None
        return not offers or any(offer.strip().lower().startswith("basic") for offer in offers)

    def header(self, method: str, target: str) -> str:
        """Return the header for the next request."""
        parameters = self._parameters
        if parameters is None:
            return self.credentials.basic()
        self._count += 1
        return _digest(parameters, self.credentials, method, target, self._count, self.nonce_of_client())


def _hash_of(parameters: dict[str, str]) -> Callable[[str], str] | None:
    name = parameters.get("algorithm", "md5").lower().removesuffix("-sess")
    make = _HASHES.get(name)
    if make is None:
        return None
    return lambda text: str(make(text.encode(), usedforsecurity=False).hexdigest())


def _qop_of(parameters: dict[str, str]) -> str | None:
    """Return ``auth``; "" if the server is as old as RFC 2069; None if it wants something else."""
    if "qop" not in parameters:
        return ""
    offered = [offer.strip().lower() for offer in parameters["qop"].split(",")]
    return "auth" if "auth" in offered else None


def _digest(  # noqa: PLR0917 - the inputs of RFC 7616 section 3.4
    parameters: dict[str, str], credentials: Credentials, method: str, target: str, count: int, cnonce: str
) -> str:
    digest_of = _hash_of(parameters)
    assert digest_of is not None, "take_challenges checks the algorithm"  # noqa: S101
    realm, nonce, qop = parameters.get("realm", ""), parameters.get("nonce", ""), _qop_of(parameters)
    secret = digest_of(f"{credentials.user}:{realm}:{credentials.password}")
    has_session = parameters.get("algorithm", "").lower().endswith("-sess")
    if has_session:
        secret = digest_of(f"{secret}:{nonce}:{cnonce}")
    request = digest_of(f"{method}:{target}")
    middle = f"{nonce}:{count:08x}:{cnonce}:{qop}" if qop else nonce
    fields = {
        "username": credentials.user,
        "realm": realm,
        "nonce": nonce,
        "uri": target,
        "response": digest_of(f"{secret}:{middle}:{request}"),
    }
    text = ", ".join(f'{name}="{_quoted(value)}"' for name, value in fields.items())
    if "opaque" in parameters:
        text += f', opaque="{_quoted(parameters["opaque"])}"'
    if "algorithm" in parameters:
        text += f", algorithm={parameters['algorithm']}"
    if qop:
        text += f", qop={qop}, nc={count:08x}"
    if qop or has_session:
        text += f', cnonce="{cnonce}"'
    return "Digest " + text


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
