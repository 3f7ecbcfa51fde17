"""The engine as Redis or Valkey, over coredis; ``skysentry-trio[cluster]`` installs it."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha1
from importlib import resources
from typing import Any, Final

from anyio import ClosedResourceError
from attrs import define, frozen
from coredis import Redis, Sentinel
from coredis.connection import TCPLocation
from coredis.exceptions import NoScriptError, RedisError
from coredis.retry import NoRetryPolicy

from skysentry_trio.base.engine_address import EngineAddress
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.server.cluster.engine import EngineConnection, EngineGone

PREFIX: Final = "{skysentry}"
"""The beginning of all names in the engine. Braces keep all of them on one server, see the cluster mode of Redis."""
_SCRIPT: Final = resources.files("skysentry_trio.server.cluster").joinpath("lease.lua").read_text("utf-8")
_SCRIPT_ID: Final = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
_MOST_CHANGES: Final = 500
"""Most changes that are read at once."""
# The last two are what coredis raises for a request on a connection that is being closed.
_FAILURES: Final = (RedisError, OSError, ClosedResourceError, RuntimeError)

# The directory logs what is wrong with the engine, once.
logging.getLogger("coredis").setLevel(logging.CRITICAL + 1)


@frozen
class RedisEngine:
    """Opens connections to Redis or Valkey."""

    address: EngineAddress

    @asynccontextmanager
    async def open(self) -> AsyncIterator[EngineConnection]:
        """Prepare a connection, which the first request makes, for as long as the context lasts."""
        # The library would make a group of an error that passes it.
        with single_error():
            async with AsyncExitStack() as stack:
                # Requests have a connection of their own: they are answered in their order, and wait for no change.
                yield RedisConnection(await self._prepare(stack), await self._prepare(stack))

    async def _prepare(self, stack: AsyncExitStack) -> Redis[bytes]:
        address = self.address
        options: dict[str, Any] = {
            "db": address.database,
            "username": address.user,
            "password": address.password,
            "ssl_context": ssl.create_default_context() if address.is_tls else None,
            "retry_policy": NoRetryPolicy(),
        }
        if address.service:
            sentinels = [TCPLocation(host, port) for host, port in address.hosts]
            sentinel = await stack.enter_async_context(Sentinel(sentinels))
            return await stack.enter_async_context(sentinel.primary_for(address.service, **options))
        options |= {"verify_version": False, "max_connections": 1}
        if address.path:
            return await stack.enter_async_context(Redis(unix_socket_path=address.path, **options))
        ((host, port),) = address.hosts
        return await stack.enter_async_context(Redis(host, port, **options))


@define(eq=False)
class RedisConnection:
    """Two connections: one for requests, one that waits for changes."""

    _requests: Redis[bytes]
    _changes: Redis[bytes]

    async def step(self, what: str, node_id: str, valid_until: float, request: bytes) -> Sequence[Any]:
        """Run one step of lease.lua and return its answer.

        Raises:
            EngineGone: the connection is broken, or the engine refuses the request.
        """
        keys, arguments = [PREFIX], (what, node_id, f"{valid_until:.0f}", request)
        try:
            try:
                answer = await self._requests.evalsha(_SCRIPT_ID, keys, arguments)
            except NoScriptError:
                answer = await self._requests.eval(_SCRIPT, keys, arguments)
        except _FAILURES as error:
            raise _gone(error) from error
        return answer  # type: ignore[return-value] # the steps return lists

    async def changes(self, after: int, wait: float) -> Sequence[tuple[int, bytes]]:
        """Return the changes after a version; wait for some seconds if there is none.

        Raises:
            EngineGone: the connection is broken, or the engine refuses the request.
        """
        name = f"{PREFIX}:changes"
        try:
            found = await self._changes.xread({name: f"{after}-0"}, count=_MOST_CHANGES, block=int(wait * 1000))
        except _FAILURES as error:
            raise _gone(error) from error
        entries: Any = (found or {}).get(name.encode(), ())
        return [(int(entry.identifier.split(b"-")[0]), entry.field_values[b"c"]) for entry in entries]


def _gone(error: BaseException) -> EngineGone:
    """Return the error with the reason of the system, such as "Connection refused", if there is one."""
    reason, cause = str(error) or type(error).__name__, error.__cause__
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, OSError):
            reason = cause.strerror or str(cause) or type(cause).__name__
        cause = cause.__cause__
    return EngineGone(reason)
