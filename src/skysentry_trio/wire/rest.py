"""Replies of the REST API: typed values, and functions that write JSON with JPEGs in pieces.

Encoding a JPEG of several MiB takes milliseconds. Between two pieces of a reply, the event loop serves other peers.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator, Iterable, Iterator
from typing import Final

from msgspec import UNSET, UnsetType, field

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.wire.messages import Message, encode_json, rfc3339
from skysentry_trio.wire.viewer_frames import RingSummary

_PIECE = 192 * 1024
"""Bytes of a JPEG that are encoded in one step: a multiple of three, because base64 encodes three bytes as a unit."""
_RING_END: Final = b',"success":true}'
"""Ends a `RingReply`."""


class ErrorReply(Message):
    """The body of every response with a status of 400 and above."""

    error: str
    """What was wrong, in one sentence."""
    success: bool = False
    code: str | UnsetType = UNSET
    """The kind of the error, for programs; left out if the status says as much."""


class HealthReply(Message):
    """The health and the totals of the server."""

    status: str
    """``healthy``, ``degraded``, ``draining`` or ``unhealthy``."""
    total_clients: int
    """Number of cameras that the server knows; it forgets a camera that left longer ago than the client timeout."""
    online_clients: int
    buffer_size: int
    timestamp: str
    stream_subscribers: int
    version: str
    uptime: float
    """Seconds since the server started."""
    connections: int
    memory: int
    """Bytes of all frames in rings."""
    frames_received: int
    frames_sent: int
    bytes_received: int
    bytes_sent: int
    drops: dict[str, int]
    """Number of frames that were refused or that a viewer did not get, by cause."""
    connections_ended: dict[str, int]
    """Number of connections that crashed, or that ended before a service had them, by cause."""
    failing: dict[str, str]
    """For each service inside the server that keeps crashing, the service's name and its last error."""
    degraded: dict[str, str]
    """For each service that works only in part, the service's name and the reason."""
    open: bool
    """Whether everybody may do everything."""


class BriefHealthReply(Message):
    """The health of the server, for clients that may not read its counters."""

    status: str
    """``healthy``, ``degraded``, ``draining`` or ``unhealthy``."""
    timestamp: str


class ReadyReply(Message):
    """Whether a load balancer should send the server new connections."""

    ready: bool


class DemandReply(Message):
    """What the server asks a camera for; None stands for no limit."""

    viewers: int
    max_fps: float | None
    max_width: int | None
    quality: float | None


class LatencyReply(Message):
    """The latency breakdown of a camera's frames: means over about the last second, in milliseconds."""

    frames: int
    capture: float | None
    server: float
    delivery: float
    total: float
    transit: float | UnsetType = UNSET
    """From the server that has the camera to this server; left out for a camera of this server."""


class WatcherReply(LatencyReply, kw_only=True):
    """The latency breakdown of a camera's frames for one viewer."""

    viewer: int
    """Number of the viewer, unique while the server runs."""
    node: str | UnsetType = UNSET
    """In a cluster, the id of the server to which the viewer is connected; left out otherwise."""


class ClientDetails(Message):
    """The facts about one camera."""

    camera_id: str
    name: str | None
    online: bool
    since: str
    fps: float
    frame_count: int
    byte_count: int
    viewers: int
    width: int | None
    height: int | None
    latest_timestamp: str | None
    refused: dict[str, int]
    """Number of frames that the server refused, by cause."""
    times_ignored: int
    """Number of accepted frames whose time of capture was wrong and was ignored."""
    demand: DemandReply
    latency: LatencyReply | None
    """The breakdown over all viewers that acknowledge frames; None without such viewers."""
    watchers: list[WatcherReply]
    """The breakdown for each of the first fifty viewers that acknowledge frames."""
    stopped: bool | UnsetType = UNSET
    """Whether the camera is offline because it was stopped on purpose; left out if it was not."""
    condition: str | UnsetType = UNSET
    """What is wrong with the pictures: ``frozen``, ``dark`` or ``covered``; left out if nothing is."""


class ClientsReply(Message):
    """All cameras."""

    count: int
    """Number of cameras that are connected."""
    clients: list[str]
    """Ids of the cameras that are connected, as in SkySentry Go."""
    details: list[ClientDetails]
    """All cameras that the server knows."""
    success: bool = True
    unreachable: list[str] | UnsetType = UNSET
    """In a cluster, the nodes that have not described their cameras in time; left out if there are none."""


class RemoteWatchers(Message):
    """The latency of the frames of another server's camera for the viewers of this server."""

    camera_id: str
    latency: LatencyReply | None
    watchers: list[WatcherReply]


class NodeClientsReply(ClientsReply):
    """What a server says to another server of its cluster: its own cameras, and what its viewers see of others."""

    remote: list[RemoteWatchers] = field(default_factory=list)


class LatestReply(Message):
    """A camera's newest frame."""

    camera_id: str
    image: str
    """The JPEG as a URL: ``data:image/jpeg;base64,`` and the JPEG in base64."""
    timestamp: str
    size: int
    sequence: int
    stats: RingSummary
    success: bool = True


class ResultReply(Message):
    """The answer to a detection result that the server passed on."""

    viewers: int
    """Number of viewers that get the result."""
    success: bool = True


class FrameReply(Message):
    """One frame of a ring."""

    data: str
    """The JPEG in base64."""
    timestamp: str
    size: int
    sequence: int
    format: str = "jpeg"


class RingReply(Message):
    """All frames of one camera's ring, the oldest first."""

    camera_id: str
    stats: RingSummary
    frames: list[FrameReply]
    count: int
    success: bool = True


class StreamReply(Message):
    """One camera's ring within a `StreamsReply`."""

    stats: RingSummary
    frames: list[FrameReply]
    count: int


class StreamsReply(Message):
    """The rings of all cameras, by camera id."""

    total_clients: int
    """Number of rings."""
    streams: dict[str, StreamReply]
    success: bool = True
    unreachable: list[str] | UnsetType = UNSET
    """In a cluster, the nodes that have not sent the rings of their cameras in time; left out if there are none."""


class PushReply(Message):
    """What happened to the frames that one request brought."""

    camera_id: str
    frames: int
    """Number of frames that were published."""
    sequence: int | None
    """Sequence of the last published frame; None without one."""
    refused: dict[str, int]
    """Number of frames that were refused, by cause."""
    success: bool = True


def write_latest(camera_id: str, frame: JpegFrame, stats: RingSummary) -> Iterator[bytes]:
    """Write a `LatestReply` in pieces."""
    yield b'{"clientId":%b,"image":"data:image/jpeg;base64,' % encode_json(camera_id)
    yield from _base64(frame.jpeg)
    yield b'",%b,"stats":%b,"success":true}' % (_describe(frame), encode_json(stats))


def write_ring(camera_id: str, frames: Iterable[JpegFrame], stats: RingSummary) -> Iterator[bytes]:
    """Write a `RingReply` in pieces."""
    yield b'{"clientId":%b,"stats":%b,"frames":[' % (encode_json(camera_id), encode_json(stats))
    count = yield from _frames(frames)
    yield b'],"count":%d%b' % (count, _RING_END)


STREAMS_BEGIN: Final = b'{"success":true,"streams":{'
"""Begins a `StreamsReply`. Rings follow, with commas between them, and then `end_streams`."""


def write_stream(camera_id: str, frames: Iterable[JpegFrame], stats: RingSummary) -> Iterator[bytes]:
    """Write a camera's ring within a `StreamsReply` in pieces."""
    yield b'%b:{"stats":%b,"frames":[' % (encode_json(camera_id), encode_json(stats))
    count = yield from _frames(frames)
    yield b'],"count":%d}' % count


def stream_of_ring(camera_id: str, ring: bytes) -> Iterator[bytes]:
    """Turn a `RingReply` of `write_ring` into a ring within a `StreamsReply`, in pieces.

    Rings are large, so that decoding one would delay others.
    """
    begin, end = b'{"clientId":%b,' % encode_json(camera_id), len(ring) - len(_RING_END)
    yield b"%b:{" % encode_json(camera_id)
    for start in range(len(begin), end, _PIECE):
        yield ring[start : min(end, start + _PIECE)]
    yield b"}"


def end_streams(count: int, unreachable: list[str]) -> bytes:
    """Write the end of a `StreamsReply`.

    Args:
        count: number of rings.
        unreachable: nodes that have not sent theirs.
    """
    missing = b',"unreachable":%b' % encode_json(unreachable) if unreachable else b""
    return b'},"totalClients":%d%b}' % (count, missing)


def _frames(frames: Iterable[JpegFrame]) -> Generator[bytes, None, int]:
    """Write the items of a list of `FrameReply` in pieces.

    Returns:
        The number of items. It is known only at the end: while a slow reader takes the first frames, the ring may drop
        later ones.
    """
    count = 0
    for count, frame in enumerate(frames, 1):
        yield b'%b{"data":"' % (b"," if count > 1 else b"")
        yield from _base64(frame.jpeg)
        yield b'",%b,"format":"jpeg"}' % _describe(frame)
    return count


def _base64(jpeg: bytes) -> Iterator[bytes]:
    for start in range(0, len(jpeg), _PIECE):
        yield b64encode(jpeg[start : start + _PIECE])


def _describe(frame: JpegFrame) -> bytes:
    """Write the keys that follow the JPEG in a `LatestReply` and in a `FrameReply`."""
    timestamp = encode_json(rfc3339(frame.received_at))
    return b'"timestamp":%b,"size":%d,"sequence":%d' % (timestamp, len(frame.jpeg), frame.sequence)
