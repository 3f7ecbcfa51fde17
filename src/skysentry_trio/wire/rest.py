"""What REST answers: typed replies, and JSON with pictures, written in pieces so that none holds up the loop."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.wire.messages import Message, encode_json, rfc3339
from skysentry_trio.wire.viewer_frames import RingSummary

# Divisible by three, so that the pieces' base64 can be put together. A frame of 5 MiB in one piece takes 10 ms.
_PIECE = 192 * 1024


class ErrorReply(Message):
    """Every answer with a status of 400 and above."""

    error: str
    success: bool = False


class HealthReply(Message):
    """How the server is."""

    status: str
    """``healthy``, ``draining`` or ``unhealthy``."""
    total_clients: int
    """Cameras known; those that have left are forgotten after the client timeout."""
    online_clients: int
    buffer_size: int
    timestamp: str
    stream_subscribers: int
    version: str
    uptime: float
    """Seconds."""
    connections: int
    memory: int
    """Bytes of all frames kept."""
    frames_received: int
    frames_sent: int
    bytes_received: int
    bytes_sent: int
    drops: dict[str, int]
    """Frames that did not get where they could have, by cause."""
    connections_ended: dict[str, int]
    """Connections that ended other than they should, by cause."""
    failing: dict[str, str]
    """Services of the server that keep crashing, with the last error."""


class ReadyReply(Message):
    """Whether to send the server new clients."""

    ready: bool


class DemandReply(Message):
    """What a camera is asked for; None for no limit."""

    viewers: int
    max_fps: float | None
    max_width: int | None
    quality: float | None


class LatencyReply(Message):
    """How long frames took from the camera to a screen: means over the last second or so, in milliseconds."""

    frames: int
    capture: float | None
    server: float
    delivery: float
    total: float


class WatcherReply(LatencyReply):
    """The same for one viewer."""

    viewer: int
    """Tells it from others."""


class ClientDetails(Message):
    """One camera."""

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
    """Frames that were not taken, by cause."""
    demand: DemandReply
    latency: LatencyReply | None
    """Over all viewers that acknowledge frames; None if there are none."""
    watchers: list[WatcherReply]
    """The first fifty of those."""


class ClientsReply(Message):
    """All cameras."""

    count: int
    clients: list[str]
    details: list[ClientDetails]
    success: bool = True


class LatestReply(Message):
    """A camera's newest frame."""

    camera_id: str
    image: str
    """``data:image/jpeg;base64,`` and the JPEG."""
    timestamp: str
    size: int
    sequence: int
    stats: RingSummary
    success: bool = True


class ResultReply(Message):
    """A result was passed on."""

    viewers: int
    """To how many."""
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
    """All frames of one camera's ring, oldest first."""

    camera_id: str
    stats: RingSummary
    frames: list[FrameReply]
    count: int
    success: bool = True


class StreamReply(Message):
    """One camera's ring among others."""

    stats: RingSummary
    frames: list[FrameReply]
    count: int


class StreamsReply(Message):
    """The rings of all cameras."""

    total_clients: int
    streams: dict[str, StreamReply]
    success: bool = True


class PushReply(Message):
    """What became of the pictures that one request brought."""

    camera_id: str
    frames: int
    """That were taken."""
    sequence: int | None
    """Of the last one taken."""
    refused: dict[str, int]
    """Pictures that were not taken, by cause."""
    success: bool = True


def write_latest(camera_id: str, frame: JpegFrame, stats: RingSummary) -> Iterator[bytes]:
    """Write a `LatestReply` in pieces."""
    yield from _with_picture(
        LatestReply(
            camera_id, "data:image/jpeg;base64,", rfc3339(frame.received_at), len(frame.jpeg), frame.sequence, stats
        ),
        frame.jpeg,
    )


def write_ring(camera_id: str, frames: Iterable[JpegFrame], stats: RingSummary) -> Iterator[bytes]:
    """Write a `RingReply` in pieces."""
    yield from _with_list(RingReply(camera_id, stats, [], 0), frames)


def write_streams(rings: list[tuple[str, Iterable[JpegFrame], RingSummary]]) -> Iterator[bytes]:
    """Write a `StreamsReply` in pieces."""
    yield b'{"success":true,"totalClients":%d,"streams":{' % len(rings)
    for index, (camera_id, frames, stats) in enumerate(rings):
        yield b"%b%b:" % (b"," if index else b"", encode_json(camera_id))
        yield from _with_list(StreamReply(stats, [], 0), frames)
    yield b"}}"


def _with_list(reply: RingReply | StreamReply, frames: Iterable[JpegFrame]) -> Iterator[bytes]:
    before = encode_json(reply).split(b'"frames":[]')[0]
    yield before + b'"frames":['
    for frame in frames:
        if reply.count:
            yield b","
        reply.count += 1
        yield from _with_picture(
            FrameReply("", rfc3339(frame.received_at), len(frame.jpeg), frame.sequence), frame.jpeg
        )
    # How many there were is known only now: those that go while a slow reader takes the others do not come.
    after = encode_json(reply).split(b'"frames":[]')[1]
    yield b"]" + after


def _with_picture(reply: LatestReply | FrameReply, jpeg: bytes) -> Iterator[bytes]:
    """Put a JPEG as base64 behind what is there of the reply's string for it."""
    marker = b'"image":"data:image/jpeg;base64,' if isinstance(reply, LatestReply) else b'"data":"'
    before, after = encode_json(reply).split(marker + b'"')
    yield before + marker
    for start in range(0, len(jpeg), _PIECE):
        yield b64encode(jpeg[start : start + _PIECE])
    yield b'"' + after
