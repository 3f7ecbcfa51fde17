"""Shows the cameras of all other nodes in this node's hub, and keeps a link to each node that has some."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.logs import LogLimiter, get_logger
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.server.cluster.interfaces import Directory, Location
from skysentry_trio.server.cluster.link import Link, Mirror
from skysentry_trio.server.cluster.node_proof import NodeProof
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.relay.leases import Lease

log = get_logger(__name__)

_PAUSE: Final = 0.02
"""Shortest time between two looks into the directory, in seconds: many cameras may change at once."""
_BATCH: Final = 256
"""Number of cameras that are compared before other tasks run."""


@define(eq=False)
class _Shown:
    location: Location
    link: Link
    mirror: Mirror
    stack: ExitStack
    """Ends the session of the mirror."""


@define(eq=False)
class _RunningLink:
    link: Link
    scope: trio.CancelScope


@define(eq=False)
class Mirrors:
    """Keeps the hub as the directory says."""

    _hub: Hub
    _directory: Directory
    _proof: NodeProof
    _shown: dict[str, _Shown] = field(factory=dict, init=False, repr=False)
    """The cameras of other nodes, by id."""
    _links: dict[str, _RunningLink] = field(factory=dict, init=False, repr=False)
    """By the id of the other node."""
    _epochs: dict[str, int] = field(factory=dict, init=False, repr=False)
    """The highest epoch of each camera that is known: an older location is never believed again."""
    _received_at: dict[str, float] = field(factory=dict, init=False, repr=False)
    """When the newest frame was received, of cameras that are not shown any more and that the hub still knows."""
    _log_limit: LogLimiter = field(factory=LogLimiter, init=False, repr=False)

    @property
    def links(self) -> list[Link]:
        """The links to other nodes, some of which may not be connected because nobody needs them."""
        return [running.link for running in self._links.values()]

    def hears(self, node_id: str) -> bool:
        """Return whether a node sends something over its link just now."""
        running = self._links.get(node_id)
        return running is not None and running.link.is_heard

    def note_request(self, camera_id: str) -> None:
        """Count a request about a camera that is passed on to the node that has it."""
        if (shown := self._shown.get(camera_id)) is not None:
            shown.link.requests += 1

    async def run(self) -> None:
        """Follow the directory; never returns."""
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    changed = self._directory.changed
                    await self._follow(nursery)
                    await trio.sleep(_PAUSE)
                    await changed.wait()
        finally:
            for camera_id in list(self._shown):
                self._hide(camera_id)
            self._links.clear()

    async def _follow(self, nursery: trio.Nursery) -> None:
        cameras = dict(self._directory.cameras())
        for number, (camera_id, location) in enumerate(cameras.items(), 1):
            self._show(camera_id, location, nursery)
            if number % _BATCH == 0:
                await trio.lowlevel.checkpoint()
        for camera_id in [camera_id for camera_id in self._shown if camera_id not in cameras]:
            self._hide(camera_id, forget=not self._shown[camera_id].location.online)
        self._received_at = {name: at for name, at in self._received_at.items() if self._hub.camera(name) is not None}
        self._epochs = {camera_id: epoch for camera_id, epoch in self._epochs.items() if camera_id in cameras}
        self._end_unused_links()

    def _show(self, camera_id: str, location: Location, nursery: trio.Nursery) -> None:
        """Show one camera as its location says."""
        if location.epoch < self._epochs.get(camera_id, 0):
            return
        self._epochs[camera_id] = location.epoch
        shown = self._shown.get(camera_id)
        if shown is not None and _is_elsewhere(shown.location, location):
            self._hide(camera_id)
            shown = None
        if location.node_id == self._directory.node_id:
            return
        if shown is None:
            shown = self._begin(camera_id, location, nursery)
        if shown is not None:
            shown.location = location
            session = shown.mirror.session
            self._hub.mirrored.show(session, online=location.online, name=location.name, stopped=location.stopped)

    def _begin(self, camera_id: str, location: Location, nursery: trio.Nursery) -> _Shown | None:
        stack = ExitStack()
        try:
            link = self._link_to(location, nursery)
            session = stack.enter_context(
                self._hub.mirrored.mirror(
                    camera_id,
                    link,
                    Lease(location.epoch),
                    on_end=partial(self._hide_session, camera_id, stack),
                    on_demand=partial(link.note_demand, camera_id),
                )
            )
        except (ProtocolViolation, ConfigurationError) as error:
            if (suppressed := self._log_limit.admit("camera not shown", trio.current_time())) is not None:
                log.warning(
                    "camera not shown",
                    camera=camera_id,
                    node=location.node_id,
                    error=str(error),
                    suppressed=suppressed,
                )
            return None
        session.camera.since = location.since or session.camera.since
        newest = session.camera.ring.newest
        known = max(self._received_at.pop(camera_id, 0.0), 0.0 if newest is None else newest.received_at)
        mirror = Mirror(session, known)
        shown = self._shown[camera_id] = _Shown(location, link, mirror, stack)
        link.add(camera_id, mirror)
        return shown

    def _hide_session(self, camera_id: str, stack: ExitStack) -> None:
        """Show a camera no more, if it is still this session that shows it: a camera has connected to this node."""
        shown = self._shown.get(camera_id)
        if shown is not None and shown.stack is stack:
            self._hide(camera_id)

    def _hide(self, camera_id: str, *, forget: bool = False) -> None:
        shown = self._shown.pop(camera_id)
        self._received_at[camera_id] = shown.mirror.received_at
        shown.link.remove(camera_id)
        shown.stack.close()
        if forget:
            self._hub.mirrored.forget(shown.mirror.session.camera)

    def _link_to(self, location: Location, nursery: trio.Nursery) -> Link:
        running = self._links.get(location.node_id)
        if running is None:
            link = Link(location.node_id, parse_server_address(location.node_url), self._hub, self._proof)
            running = self._links[location.node_id] = _RunningLink(link, trio.CancelScope())
            nursery.start_soon(_run_link, running)
        return running.link

    def _end_unused_links(self) -> None:
        for node_id, running in list(self._links.items()):
            if not running.link.mirrors:
                running.scope.cancel()
                del self._links[node_id]


def _is_elsewhere(shown: Location, location: Location) -> bool:
    return (shown.node_id, shown.epoch) != (location.node_id, location.epoch)


async def _run_link(running: _RunningLink) -> None:
    with running.scope:
        await running.link.run()
