"""The address of a cluster's engine, Redis or Valkey: one server, a Unix socket, or a service that Sentinels watch."""

from __future__ import annotations

from typing import Final, Self
from urllib.parse import unquote

from attrs import field, frozen

from skysentry_trio.base.addresses import mask_address, split_address

EXPECTED: Final = "redis://HOST/NUMBER, rediss://HOST for TLS, unix:///PATH or redis+sentinel://HOST,HOST/SERVICE"
_SCHEMES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_PORT, _SENTINEL_PORT = 6379, 26379


@frozen
class EngineAddress:
    """Where the engine is, and how to sign in there."""

    shown: str
    """The address without secrets, for people and the log."""
    hosts: tuple[tuple[str, int], ...] = ()
    """Of the engine, or of its Sentinels; none for a Unix socket."""
    path: str = ""
    """Of the Unix socket."""
    service: str = ""
    """Name of the service that the Sentinels watch."""
    is_tls: bool = False
    database: int = 0
    """Several clusters may use one engine, each a database of its own."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take an address apart.

        Raises:
            ValueError: the address is invalid; the message repeats nothing that may be secret.
        """
        scheme, mark, rest = text.partition("://")
        if not mark or scheme not in _SCHEMES or not text.isprintable():
            raise ValueError(f"expected {EXPECTED}, got {mask_address(text)}")
        user_info, at, place = rest.rpartition("@")
        name, colon, secret = user_info.partition(":")
        user, password = unquote(name) or None, unquote(secret) if colon else None
        if at and password is None:
            # As redis-cli has it: what stands alone is the password.
            user, password = None, user
        shown = f"{scheme}://{place}"
        if scheme == "unix":
            path, _, query = place.partition("?")
            number = query.removeprefix("db=") if query else "0"
            if not path.startswith("/") or not number.isdecimal():
                raise ValueError(f"expected unix:///PATH or unix:///PATH?db=NUMBER, got {mask_address(text)}")
            return cls(shown, path=path, database=int(number), user=user, password=password)
        names, *parts = place.rstrip("/").split("/")
        is_watched = scheme.endswith("+sentinel")
        service = parts.pop(0) if is_watched and parts else ""
        number = parts.pop(0) if parts else "0"
        hosts = tuple(_host(one, _SENTINEL_PORT if is_watched else _PORT) for one in names.split(","))
        is_valid = not parts and number.isdecimal() and bool(service) == is_watched and (is_watched or len(hosts) == 1)
        if not is_valid:
            raise ValueError(f"expected {EXPECTED}, got {mask_address(text)}")
        return cls(shown, hosts, "", service, scheme.startswith("rediss"), int(number), user, password)


def _host(text: str, default_port: int) -> tuple[str, int]:
    parts = split_address(f"redis://{text}")
    return parts.host, parts.port or default_port
