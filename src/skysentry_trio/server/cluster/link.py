"""The connection of this node to another node: the frames of that node's cameras that viewers here need.

A link is a viewer like any other. It subscribes to what the viewers of this node need together, acknowledges frames,
and passes detection results on. The hub publishes the frames here as those of the same camera.
"""

from __future__ import annotations

import random
import time
from collections import deque
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.nurseries import single_error
from skysentry_trio.client.engine.addresses import ServerAddress
from skysentry_trio.client.engine.camera_watch import parse_timestamp
from skysentry_trio.client.engine.connection import ConnectionLost
from skysentry_trio.client.engine.server_clock import ServerClock
from skysentry_trio.client.engine.viewer import PATH
from skysentry_trio.server.cluster.link_demand import LinkDemand
from skysentry_trio.server.cluster.node_proof import HEADER, NodeProof
from skysentry_trio.server.cluster.node_socket import NodeSocket, open_node_socket
from skysentry_trio.server.relay.camera import CameraSession, SessionReplaced
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.wire.framing import decode_head, encode_frame
from skysentry_trio.wire.jpeg import inspect_jpeg
from skysentry_trio.wire.messages import ClockReply, encode_message
from skysentry_trio.wire.results import Result
from skysentry_trio.wire.viewer import (
    SUBPROTOCOL,
    Ack,
    ClientConnected,
    Unsubscribe,
    decode_notice,
)
from skysentry_trio.wire.viewer_frames import FrameHeader, decode_envelope

log = get_logger(__name__)

_CONNECT_TIMEOUT: Final = 3.0
"""Seconds for TCP, TLS and the handshake; the other node is near."""
_CLOCK_INTERVAL: Final = 1.0
"""Seconds between two questions for the other node's clock, which also show that the link works."""
_SILENCE: Final = 5.0
"""Seconds without a message from the other node after which the link counts as broken."""
_HEARD: Final = 2.5
"""Seconds without a message from the other node after which it does not count as heard."""
_PAUSE: Final = 0.05
"""Shortest time between two changes of the subscription, in seconds: many viewers may come at once."""
_ACKS_TOGETHER: Final = 0.015
"""Seconds for which acknowledgements are collected: one write for several of them costs both nodes much less. The
window of the other node, `LinkWindow`, does not notice so short a delay."""
_KEPT_IDLE: Final = 30.0
"""Seconds for which a link is kept although nobody needs it."""
_MAX_RESULTS: Final = 256
"""Most detection results that wait for the connection."""
_SAME_CLOCK: Final = 0.02
"""Clocks that differ by fewer seconds count as one clock, so that frames keep their times exactly."""


@define(eq=False)
class Mirror:
    """A camera of the other node, as this node's hub shows it."""

    session: CameraSession
    received_at: float = 0.0
    """When the newest frame that is known here was received: seconds since the epoch. No older one is shown."""
    is_new: bool = True
    """Whether no frame has come yet; a camera that connected to another node may count from 1 again."""


@define(eq=False)
class Link:
    """The link to one other node."""

    node_id: str
    """Of the other node."""
    _address: ServerAddress
    _hub: Hub = field(repr=False)
    _proof: NodeProof = field(repr=False)
    mirrors: dict[str, Mirror] = field(factory=dict, init=False, repr=False)
    """The cameras of the other node, by id."""
    trouble: str | None = field(default=None, init=False)
    """Why there is no connection although there should be one, for people."""
    is_connected: bool = field(default=False, init=False)
    frames: int = field(default=0, init=False)
    """Number of frames that were published here."""
    nbytes: int = field(default=0, init=False)
    """JPEG bytes in these frames."""
    dropped: int = field(default=0, init=False)
    """Number of frames that were dropped: they were older than what is shown here, or nobody here needs them."""
    results_dropped: int = field(default=0, init=False)
    """Number of detection results that were dropped because too many waited."""
    requests: int = field(default=0, init=False)
    """Number of requests that were passed on to the other node."""
    clock: ServerClock = field(factory=ServerClock, init=False, repr=False)
    round_trip: float | None = field(default=None, init=False)
    """Seconds that the last question took; None while unknown."""
    _demand: LinkDemand = field(init=False, repr=False)
    _unsubscribed: list[str] = field(factory=list, init=False, repr=False)
    _results: deque[bytes] = field(factory=lambda: deque(maxlen=_MAX_RESULTS), init=False, repr=False)
    _wake: trio.Event = field(factory=trio.Event, init=False, repr=False)
    _heard_at: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._demand = LinkDemand(self._needed, self._count_viewers)

    @property
    def url(self) -> str:
        """The address of the other node."""
        return str(self._address)

    @property
    def cameras_watched(self) -> int:
        """Number of cameras whose frames come over the link."""
        return len(self._demand.asked)

    @property
    def is_heard(self) -> bool:
        """Whether the other node has sent something just now."""
        return self.is_connected and trio.current_time() - self._heard_at < _HEARD

    # What the hub and the node tell

    def send_result(self, message: bytes) -> None:
        """Pass on a detection result; the oldest one is dropped if too many wait."""
        self.results_dropped += len(self._results) == _MAX_RESULTS
        self._results.append(message)
        self._wake.set()

    def note_demand(self, camera_id: str) -> None:
        """Note that the demand for a camera may have changed; never waits."""
        self._demand.note(camera_id)
        self._wake.set()

    def add(self, camera_id: str, mirror: Mirror) -> None:
        """Fetch the frames of a camera from now on, as far as viewers need them."""
        self.mirrors[camera_id] = mirror
        self.note_demand(camera_id)

    def remove(self, camera_id: str) -> None:
        """Fetch no more frames of a camera."""
        del self.mirrors[camera_id]
        if self._demand.forget(camera_id):
            self._unsubscribed.append(camera_id)
            self._wake.set()

    def _needed(self, camera_id: str) -> Limits | None:
        mirror = self.mirrors.get(camera_id)
        return None if mirror is None else self._hub.mirrored.demand(mirror.session.camera)

    def _count_viewers(self, camera_id: str) -> int:
        return self._hub.mirrored.count_viewers(self.mirrors[camera_id].session.camera)

    # The connection

    async def run(self) -> None:
        """Keep the connection while it is needed; never returns."""
        backoff = Backoff(random.random, first=0.2, longest=2.0)
        while True:
            await self._wait_until_needed()
            started = trio.current_time()
            try:
                await self._connect()
                self.trouble = None
                continue
            except ConnectionLost as error:
                delay = backoff.delay_after(trio.current_time() - started)
                self.trouble = str(error)
                self._note_reachable(reachable=False)
                log.warning("link lost", node=self.node_id, error=str(error), retry_in=round(delay, 2))
            finally:
                self._end_connection()
            await trio.sleep(delay)

    def _note_reachable(self, *, reachable: bool) -> None:
        """Tell the viewers whether frames can come: those of the cameras that are needed, or could not come before."""
        for mirror in list(self.mirrors.values()):
            if reachable or self._hub.mirrored.demand(mirror.session.camera) is not None:
                self._hub.mirrored.note_reachable(mirror.session, reachable=reachable)

    async def _wait_until_needed(self) -> None:
        while not (self._results or self._demand.is_needed):
            self._wake = trio.Event()
            await self._wake.wait()

    async def _connect(self) -> None:
        """Stay connected until the link is not needed any more.

        Raises:
            ConnectionLost: the connection could not be made, or broke.
        """
        target = self._address.resource(PATH)
        headers = {HEADER: self._proof.header_for(self.node_id, "GET", target), "Sec-WebSocket-Protocol": SUBPROTOCOL}
        scope = trio.CancelScope(deadline=trio.current_time() + _CONNECT_TIMEOUT)
        with scope:
            async with open_node_socket(self._address, target, headers, hold=_ACKS_TOGETHER) as connection:
                scope.deadline = float("inf")
                self.is_connected, self.trouble = True, None
                self._note_reachable(reachable=True)
                self.clock, self._heard_at = ServerClock(), trio.current_time()
                log.info("link open", node=self.node_id)
                with single_error():
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._ask_for_clock, connection)
                        nursery.start_soon(self._receive, connection)
                        await self._speak(connection)
                        nursery.cancel_scope.cancel()
                return
        raise ConnectionLost(f"{self._address} did not answer within {_CONNECT_TIMEOUT:g} s")

    def _end_connection(self) -> None:
        """Let new viewers see no old frames, and ask for everything again on the next connection."""
        self.is_connected, self.round_trip = False, None
        for camera_id in self._demand.asked:
            self._hub.mirrored.drop_newest(self.mirrors[camera_id].session)
        for mirror in self.mirrors.values():
            self._hub.mirrored.note_condition(mirror.session, None)
        self._demand.reset()
        self._unsubscribed.clear()

    async def _ask_for_clock(self, connection: NodeSocket) -> None:
        while True:
            await connection.send(encode_message(self.clock.ask(trio.current_time(), time.time())))
            await trio.sleep(_CLOCK_INTERVAL)
            if trio.current_time() - self._heard_at > _SILENCE:
                raise ConnectionLost(f"nothing heard from node {self.node_id} for {_SILENCE:g} s")

    async def _speak(self, connection: NodeSocket) -> None:
        """Subscribe to what is needed, and send results, until the link is not needed any more."""
        idle_since = trio.current_time()
        while True:
            self._wake = trio.Event()
            now = trio.current_time()
            while self._results:
                await connection.send(_text_of(self._results.popleft()))
            if self._unsubscribed:
                ended, self._unsubscribed = self._unsubscribed, []
                await connection.send(encode_message(Unsubscribe(ended)))
            for message in list(self._demand.messages(now)):
                if isinstance(message, Unsubscribe):
                    self._forget_pictures(message.clients)
                await connection.send(encode_message(message))
            if self._demand.asked:
                idle_since = now
            elif now >= idle_since + _KEPT_IDLE:
                return
            await trio.sleep(_PAUSE)
            with trio.move_on_at(min(self._demand.due, idle_since + _KEPT_IDLE)):
                await self._wake.wait()

    def _forget_pictures(self, camera_ids: list[str]) -> None:
        """Drop what is known of the pictures of cameras that nobody here watches, because it gets old."""
        for camera_id in camera_ids:
            if (mirror := self.mirrors.get(camera_id)) is not None:
                self._hub.mirrored.drop_newest(mirror.session)
                self._hub.mirrored.note_condition(mirror.session, None)

    # What the other node sends

    async def _receive(self, connection: NodeSocket) -> None:
        while True:
            message = await connection.receive()
            self._heard_at = trio.current_time()
            try:
                if isinstance(message, bytes):
                    await self._take_frame(connection, message)
                else:
                    self._take_notice(message)
            except ProtocolViolation as violation:
                raise ConnectionLost(f"node {self.node_id} does not speak our protocol: {violation}") from violation

    async def _take_frame(self, connection: NodeSocket, message: bytes) -> None:
        header, jpeg = decode_envelope(message)
        mirror = self.mirrors.get(header.camera_id)
        if mirror is None or header.camera_id not in self._demand.asked:
            self.dropped += 1
        else:
            await self._publish(mirror, header, jpeg)
        connection.send_soon(encode_message(Ack(header.camera_id, header.sequence)))

    async def _publish(self, mirror: Mirror, header: FrameHeader, jpeg: bytes) -> None:
        session, offset = mirror.session, self._offset()
        received_at = parse_timestamp(header.timestamp) + offset
        if mirror.is_new and received_at <= mirror.received_at:
            # The other node has had the camera before, or as a mirror, and has not got a frame of its own since.
            self.dropped += 1
            return
        if mirror.is_new and header.sequence < session.camera.sequence:
            self._hub.mirrored.drop_newest(session, restart=True)
        try:
            size = inspect_jpeg(jpeg)
            await self._hub.publish(
                session,
                jpeg,
                width=size.width,
                height=size.height,
                captured_at=None if header.captured_at is None else header.captured_at + offset,
                sequence=header.sequence,
                received_at=received_at,
            )
        except (ValueError, SessionReplaced, ProtocolViolation):
            # It is older than what is shown, or the camera is elsewhere now, or this node has no memory left.
            self.dropped += 1
        else:
            mirror.is_new, mirror.received_at = False, received_at
            self.frames += 1
            self.nbytes += len(jpeg)

    def _offset(self) -> float:
        """Return the seconds to add to a time of the other node's clock."""
        now = trio.current_time()
        there = self.clock.epoch(now)
        if there is None:
            return 0.0
        offset = self._hub.wall_clock.now(now) - there
        # On a busy machine, a slow answer, or a pause between the two readings here, looks like another clock.
        possible_error = self.clock.uncertainty(now) + trio.current_time() - now
        return offset if abs(offset) - possible_error > _SAME_CLOCK else 0.0

    def _take_notice(self, text: str) -> None:
        notice = decode_notice(text)
        if isinstance(notice, ClockReply):
            self.round_trip = self.clock.take_answer(notice, trio.current_time())
        elif isinstance(notice, Result) and notice.camera_id in self.mirrors:
            self._hub.results.show(notice.camera_id, notice.sequence, encode_frame(text), notice.boxes)
        elif isinstance(notice, ClientConnected) and notice.camera_id in self._demand.asked:
            # The other node tells of changes only while this node subscribes to the camera.
            self._hub.mirrored.note_condition(self.mirrors[notice.camera_id].session, notice.condition or None)


def _text_of(frame: bytes) -> str:
    """Return the text in a server's WebSocket frame."""
    head = decode_head(frame)
    return "" if head is None else frame[head.size :].decode()
