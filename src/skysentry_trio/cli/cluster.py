"""``skysentry-trio cluster``: what the engine of a cluster knows."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click
import trio

from skysentry_trio.base.engine_address import EngineAddress
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.units import format_duration
from skysentry_trio.cli.settings_sources import CONFIG_VARIABLE, load_settings, variable_of
from skysentry_trio.cli.terminal import counted
from skysentry_trio.server.cluster.engine import EngineGone, EngineRequests, Snapshot
from skysentry_trio.server.cluster.start import open_engine

_PATIENCE = 3.0
"""Seconds for the engine to answer."""


@click.group()
def cluster() -> None:
    """Look at a cluster of servers."""


@cluster.command()
@click.option("--config", "config_path", metavar="FILE", help=f"The server's TOML file.  [env: {CONFIG_VARIABLE}]")
@click.option("--cluster", "address", metavar="ADDRESS", help=f"The engine.  [env: {variable_of('cluster')}]")
@click.option("--cameras", is_flag=True, help="List the cameras too.")
def status(config_path: str | None, address: str | None, *, cameras: bool) -> None:
    """List the servers of a cluster.

    Exit status 1 if the engine does not answer.
    """
    settings = load_settings({"cluster": address}, os.environ, config_path)
    if not settings.cluster:
        raise ConfigurationError("expected --cluster ADDRESS, got none")
    engine = EngineAddress.parse(settings.cluster)
    snapshot, now = trio.run(_ask, engine)
    for line in describe(snapshot, now, engine.shown, with_cameras=cameras):
        click.echo(line)


async def _ask(address: EngineAddress) -> tuple[Snapshot, float]:
    """Return what the engine knows, and its time in milliseconds.

    Raises:
        EngineGone: the engine cannot be reached.
    """
    shown = address.shown
    try:
        with trio.fail_after(_PATIENCE):
            async with open_engine(address).open() as connection:
                requests = EngineRequests("status", connection)
                return await requests.snapshot(), requests.engine_time()
    except trio.TooSlowError:
        raise EngineGone(f"the engine at {shown} did not answer within {_PATIENCE:g} s") from None
    except EngineGone as gone:
        raise EngineGone(f"the engine at {shown} cannot be used: {gone}") from gone


def describe(snapshot: Snapshot, now: float, shown: str, *, with_cameras: bool) -> Iterator[str]:
    """Yield lines that describe a cluster.

    Args:
        snapshot: what the engine knows.
        now: time of the engine in milliseconds.
        shown: address of the engine without secrets.
        with_cameras: whether to list the cameras too.
    """
    online = sum(record.online for record in snapshot.cameras.values())
    yield f"{shown}: {counted(len(snapshot.nodes), 'server')}, {online} of {len(snapshot.cameras)} cameras online"
    for node_id, node in sorted(snapshot.nodes.items(), key=lambda item: item[1].url):
        age = format_duration(round(max(0.0, now - node.seen) / 1000, 1))
        counts = f"{counted(node.cameras, 'camera')}\t{counted(node.viewers, 'viewer')}"
        yield f"{node.url}\t{node_id}\t{node.version}\t{counts}\theard {age} ago"
    if with_cameras:
        for camera_id, record in sorted(snapshot.cameras.items()):
            where = snapshot.nodes.get(record.node)
            state = "online" if record.online else "stopped" if record.stopped else "offline"
            yield f"{camera_id}\t{record.node if where is None else where.url}\t{state}\tepoch {record.epoch}"
