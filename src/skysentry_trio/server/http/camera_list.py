"""Describe all cameras, with the latency for their viewers at all servers of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Final

import msgspec
import trio
from msgspec import structs

from skysentry_trio.server.relay.camera import HubCamera
from skysentry_trio.server.relay.latency_breakdown import LatencyBreakdown, MeanLatency, mean_of
from skysentry_trio.server.relay.scoped_hub import ScopedHub
from skysentry_trio.server.transport.other_servers import OtherServers
from skysentry_trio.wire.messages import rfc3339
from skysentry_trio.wire.rest import (
    ClientDetails,
    ClientsReply,
    DemandReply,
    LatencyReply,
    NodeClientsReply,
    RemoteWatchers,
    WatcherReply,
)

_WATCHERS_SHOWN: Final = 50
_TIMEOUT: Final = 1.0
"""Seconds that another server has to describe its cameras."""
_answers: Final = msgspec.json.Decoder(NodeClientsReply)


async def list_cameras(hub: ScopedHub, others: OtherServers) -> ClientsReply:
    """Describe all cameras, those of other servers as these servers do."""
    gathered = await others.gather("/api/clients", None, _TIMEOUT)
    answers, unreachable = gathered.read(_answers.decode)
    elsewhere = {one.camera_id: one for answer in answers.values() for one in answer.details}
    further: dict[str, list[RemoteWatchers]] = {}
    for one in chain.from_iterable(answer.remote for answer in answers.values()):
        further.setdefault(one.camera_id, []).append(one)
    details = []
    for camera in list(hub.cameras):
        described = _describe(hub, camera, others.node_id)
        if camera.is_elsewhere and (known := elsewhere.get(camera.id)) is not None:
            own = RemoteWatchers(camera.id, described.latency, described.watchers)
            details.append(_with_watchers(known, [*further.get(camera.id, ()), own]))
        else:
            details.append(_with_watchers(described, further.get(camera.id, ())))
        # Each camera may have a thousand viewers, so yield to the scheduler after each camera.
        await trio.lowlevel.checkpoint()
    online = _online(details)
    return ClientsReply(len(online), online, details, unreachable=unreachable or msgspec.UNSET)


async def list_for_node(hub: ScopedHub, others: OtherServers) -> NodeClientsReply:
    """Describe the cameras of this server, and what viewers here see of others, for the list of another server."""
    details, remote = [], []
    for camera in list(hub.cameras):
        described = _describe(hub, camera, others.node_id)
        if not camera.is_elsewhere:
            details.append(described)
        elif described.latency is not None:
            remote.append(RemoteWatchers(camera.id, described.latency, described.watchers))
        await trio.lowlevel.checkpoint()
    online = _online(details)
    return NodeClientsReply(len(online), online, details, remote=remote)


def _online(details: Iterable[ClientDetails]) -> list[str]:
    return [camera.camera_id for camera in details if camera.online]


def _describe(hub: ScopedHub, camera: HubCamera, node_id: str | None) -> ClientDetails:
    newest, demand, watchers = camera.ring.newest, hub.demand(camera), hub.latency_of(camera.id)
    node = node_id or msgspec.UNSET
    return ClientDetails(
        camera_id=camera.id,
        name=camera.name,
        online=camera.online,
        since=rfc3339(camera.since),
        fps=round(camera.rate.fps(trio.current_time()), 2),
        frame_count=camera.frame_count,
        byte_count=camera.byte_count,
        viewers=hub.viewer_count(camera.id),
        width=None if newest is None else newest.width,
        height=None if newest is None else newest.height,
        latest_timestamp=None if newest is None else rfc3339(newest.received_at),
        refused=dict(camera.refused),
        times_ignored=camera.times_ignored,
        demand=DemandReply(demand.viewers, demand.limits.max_fps, demand.limits.max_width, demand.limits.quality),
        latency=_latency_reply(watchers.values()),
        watchers=[
            WatcherReply(*watcher.in_milliseconds(), transit=_transit(watcher), viewer=number, node=node)
            for number, watcher in islice(watchers.items(), _WATCHERS_SHOWN)
        ],
        stopped=camera.stopped or msgspec.UNSET,
        condition=camera.condition or msgspec.UNSET,
    )


def _with_watchers(details: ClientDetails, further: Sequence[RemoteWatchers]) -> ClientDetails:
    """Return the details of a camera with the latency for viewers at other servers too."""
    replies = [reply for reply in (details.latency, *(one.latency for one in further)) if reply is not None]
    if len(replies) == (details.latency is not None):
        return details
    watchers = sorted(chain(details.watchers, *(one.watchers for one in further)), key=_order)
    latency = _latency_reply(map(_mean, replies))
    return structs.replace(details, latency=latency, watchers=watchers[:_WATCHERS_SHOWN])


def _order(watcher: WatcherReply) -> tuple[str, int]:
    return watcher.node or "", watcher.viewer


def _latency_reply(means: Iterable[MeanLatency]) -> LatencyReply | None:
    mean = mean_of(means)
    return None if mean is None else LatencyReply(*mean.in_milliseconds(), transit=_transit(mean))


def _mean(reply: LatencyReply) -> MeanLatency:
    transit = None if reply.transit is msgspec.UNSET else reply.transit / 1000
    capture = None if reply.capture is None else reply.capture / 1000
    return MeanLatency(reply.frames, LatencyBreakdown(capture, reply.server / 1000, reply.delivery / 1000, transit))


def _transit(mean: MeanLatency) -> float | msgspec.UnsetType:
    transit = mean.transit_in_milliseconds
    return msgspec.UNSET if transit is None else transit
