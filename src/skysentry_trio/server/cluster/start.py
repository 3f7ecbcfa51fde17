"""Make this server a node of the cluster that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex

import trio
from attrs import frozen

from skysentry_trio.base.addresses import split_address
from skysentry_trio.base.engine_address import EngineAddress
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.server.cluster.directory import ClusterDirectory
from skysentry_trio.server.cluster.engine import Engine
from skysentry_trio.server.cluster.node import ClusterNode
from skysentry_trio.server.cluster.session import EngineSession
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings

_SHORTEST_SECRET = 32
"""Characters."""
_PATIENCE = 2.5
"""Seconds for which the start waits for the engine, so that the first camera can be compared with others."""


@frozen
class Membership:
    """This server as a member of a cluster."""

    directory: ClusterDirectory
    session: EngineSession
    node: ClusterNode

    async def wait_until_settled(self) -> None:
        """Wait for the first answer of the engine, but not for long."""
        with trio.move_on_after(_PATIENCE):
            await self.session.settled.wait()


def join_cluster(settings: Settings, hub: Hub, urls: Sequence[str]) -> Membership:
    """Return the membership in the cluster that the settings name.

    Args:
        settings: of the server.
        hub: asks the directory from now on, before it registers a camera.
        urls: addresses on which the server listens.

    Raises:
        ConfigurationError: the library is missing, the secret cannot be used, or no other server could reach this one.
    """
    address = EngineAddress.parse(settings.cluster)
    url = settings.node_url or _default_url(urls)
    secret = _read_secret(settings.cluster_secret_file) if settings.cluster_secret_file else None
    directory = ClusterDirectory(
        token_hex(6), url, settings.max_fps, partial(_sequence_of, hub), hub.registration.end_session
    )
    node = ClusterNode(directory, hub, secret or token_hex(32).encode())
    directory.hears = node.mirrors.hears
    hub.registration.leases = directory
    session = EngineSession(
        directory,
        open_engine(address),
        address.shown,
        hub.count_viewers,
        None if secret is not None else node.proof,
    )
    return Membership(directory, session, node)


def _read_secret(path: str) -> bytes:
    """Return the secret in a file.

    Raises:
        ConfigurationError: the file cannot be read, or the secret is too short.
    """
    try:
        secret = Path(path).read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(f"cluster_secret_file: cannot read {path}: {error.strerror or error}") from error
    if len(secret) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"cluster_secret_file: expected at least {_SHORTEST_SECRET} characters in {path}, got {len(secret)}"
        )
    return secret


def open_engine(address: EngineAddress) -> Engine:
    """Return the engine at an address, to which nothing is connected yet.

    Raises:
        ConfigurationError: the library is missing.
    """
    # Imported here, because most servers do not need the library.
    try:
        from skysentry_trio.server.cluster.redis_engine import RedisEngine  # noqa: PLC0415
    except ImportError as error:
        message = f"cluster: expected coredis, which skysentry-trio[cluster] installs, got an error: {error}"
        raise ConfigurationError(message) from error
    return RedisEngine(address)


def _default_url(urls: Sequence[str]) -> str:
    for url in urls:
        if url.startswith("http"):
            try:
                is_address = not ip_address(split_address(url).host).is_unspecified
            except ValueError:
                is_address = True
            if is_address:
                return url
    got = ", ".join(urls)
    raise ConfigurationError(f"node_url: expected the address at which other servers reach this one, got {got}")


def _sequence_of(hub: Hub, camera_id: str) -> int:
    camera = hub.camera(camera_id)
    return 0 if camera is None else camera.sequence
