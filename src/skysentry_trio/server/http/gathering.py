"""Ask the other servers of a cluster for their part of the answer to a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from skysentry_trio.base.principal import Principal
from skysentry_trio.server.http.current import current_request
from skysentry_trio.server.transport.other_servers import OtherServers

T = TypeVar("T")

_TIMEOUT: Final = 3.0
"""Seconds that another server has to answer."""


async def gather_answers(
    others: OtherServers, target: str, asker: Principal, decode: Callable[[bytes], T]
) -> tuple[dict[str, T], list[str]]:
    """Ask all other servers, if a client makes the current request.

    If another server makes the request, this asks nobody: that server asks each server itself.

    Args:
        others: the other servers.
        target: path and query of the request to them.
        asker: for whom.
        decode: returns what an answer says, or raises `msgspec.DecodeError`.

    Returns:
        The answers by the id of the node, and the ids of the nodes whose answers are missing; see `Gathered.read`.
    """
    if current_request().via:
        return {}, []
    gathered = await others.gather(target, asker, _TIMEOUT)
    return gathered.read(decode)
