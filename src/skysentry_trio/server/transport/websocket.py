"""WebSocket connections of the server: trio-websocket, with a deadline for every step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import trio
from attrs import define, field, frozen
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from skysentry_trio.base.exceptions import CloseCode, PeerGone
from skysentry_trio.base.nurseries import CONNECTION_LOST, single_error
from skysentry_trio.server.shutdown import Shutdown
from skysentry_trio.server.transport.fast_path import FastPath
from skysentry_trio.server.transport.frame_writer import FrameWriter
from skysentry_trio.server.transport.heartbeat import Heartbeat
from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.wire.framing import encode_close, encode_frame, fit_reason

_SAID = frozenset(
    {CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_TEXT, CloseCode.MESSAGE_TOO_BIG}
)
"""Close codes with which trio-websocket reports violations by the peer."""


@frozen
class WebSocketLimits:
    """Limits of one connection; times are in seconds."""

    max_message_size: int
    handshake_timeout: float
    ping_interval: float
    ping_timeout: float
    close_timeout: float
    """Seconds for a peer to answer our Close frame."""


@define(eq=False)
class WebSocketPeer:
    """A WebSocket as endpoints see it: they receive complete messages, and `PeerGone` after the last message."""

    _connection: WebSocketConnection
    _fast_path: FastPath
    _close_timeout: float
    _closing: trio.Event | None = field(default=None, init=False)
    """None before this side begins the closing handshake; the event is set when the closing handshake has ended."""
    _library_has_next: bool = field(default=False, init=False)

    @property
    def sink(self) -> FrameWriter:
        """Sends an encoded frame now if that is possible; after `WriteResult.PART`, call `finish_frame`."""
        return self._fast_path.writer

    async def receive(self) -> str | bytes:
        """Return the next message.

        Raises:
            PeerGone: the connection has ended.
            MessageSkipped: a message is too large; the next call returns the message after it.
            ProtocolViolation: the peer exceeds another limit.
        """
        if self._closing is not None:
            # The task that closes the connection reads from now on.
            raise PeerGone("closed by this side")
        if not self._library_has_next:
            message = await self._fast_path.reader.receive()
            if message is not None:
                return message
            self._library_has_next = True
        try:
            text = await self._connection.get_message()
        except ConnectionClosed as closed:
            raise self._gone(closed) from None
        self._library_has_next = False
        self._fast_path.reader.check_whole()
        return text

    async def send(self, message: str) -> None:
        """Send a text message; after a cancellation, the rest of the message is sent before anything else.

        Raises:
            PeerGone: the message cannot be sent.
        """
        # The library would take several times as long, and peers may ask for many answers.
        await self.send_frame(encode_frame(message))

    async def send_frame(self, frame: bytes) -> None:
        """Send a message that is encoded as a frame, or several such messages one after another.

        Raises:
            PeerGone: the message cannot be sent.
        """
        sending = self._fast_path.writer.send(frame)
        del frame  # an error refers to the variables of this call for a while
        try:
            await sending
        except CONNECTION_LOST as error:
            raise PeerGone(str(error)) from None

    async def finish_frame(self) -> None:
        """Send the rest of a frame that the sink began.

        Raises:
            PeerGone: the message cannot be sent.
        """
        try:
            await self._fast_path.writer.finish()
        except CONNECTION_LOST as error:
            raise PeerGone(str(error)) from None

    async def close(self, code: int, reason: str) -> None:
        """Close with a closing handshake; only the first call does this, other calls wait for the handshake to end."""
        if self._closing is not None:
            await self._closing.wait()
            return
        self._closing = trio.Event()
        self._fast_path.reader.discarding = True
        try:
            with trio.move_on_after(self._close_timeout) as scope:
                # The closing handshake is completed even when the server stops; the deadline bounds it.
                scope.shield = True
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._fast_path.reader.drain)
                    await self._connection.aclose(code, fit_reason(reason))
                    nursery.cancel_scope.cancel()
        finally:
            self._closing.set()

    def _gone(self, closed: ConnectionClosed) -> PeerGone:
        reason = closed.reason
        if self._closing is not None:
            return PeerGone("closed by this side")
        if reason is None or reason.code == CloseCode.ABNORMAL_CLOSURE:
            return PeerGone("connection lost")
        return PeerGone(f"closed with {reason.code} {reason.reason or ''}".strip())


Handler = Callable[[WebSocketPeer], Awaitable[None]]


@define(eq=False)
class WebSockets:
    """All WebSocket connections of a server: each has a task in `serve`, and `run` pings and closes all of them."""

    limits: WebSocketLimits
    _shutdown: Shutdown
    """After a shutdown is requested, every peer gets a Close frame with code 1001, and the connection ends."""
    _heartbeat: Heartbeat = field(init=False, repr=False)
    _open: dict[WebSocketPeer, trio.CancelScope] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._heartbeat = Heartbeat(self.limits.ping_interval, self.limits.ping_timeout)

    async def run(self) -> None:
        """Ping all connections, and close them when the server stops."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heartbeat.run)
            await self._shutdown.requested.wait()
            for peer, scope in self._open.items():
                nursery.start_soon(_send_away, peer, scope)

    async def serve(
        self, stream: PeerStream, head_size: int, handler: Handler, *, subprotocols: Sequence[str] = ()
    ) -> None:
        """Serve one connection whose request has been checked and put back into ``stream``.

        Args:
            stream: closed when this returns.
            head_size: number of bytes of the request's head; WebSocket frames follow the head.
            handler: serves the peer; when it returns, the connection is closed with 1000.
            subprotocols: supported subprotocols; the first one that the client offers is chosen.

        Raises:
            Exception: raised by the handler; the peer got close code 1011.
        """
        limits = self.limits
        fast_path = FastPath.along(stream, head_size=head_size, max_message_size=limits.max_message_size)
        connection = None
        try:
            with single_error():
                async with trio.open_nursery() as nursery:
                    connection = await _shake_hands(nursery, fast_path, limits, subprotocols)
                    if connection is not None:
                        peer = WebSocketPeer(connection, fast_path, limits.close_timeout)
                        await self._attend(peer, fast_path, handler, nursery.cancel_scope)
                        await peer.close(CloseCode.NORMAL, "")
                    nursery.cancel_scope.cancel()
            if connection is not None and not fast_path.writer.close_sent:
                await _say_why(fast_path, connection, limits.close_timeout)
            await stream.linger(limits.close_timeout)
        except Exception:
            # An abort would drop a Close frame that the peer has not read yet.
            await stream.linger(limits.close_timeout)
            raise
        finally:
            stream.abort()
            fast_path.writer.drop_rest()

    async def _attend(
        self, peer: WebSocketPeer, fast_path: FastPath, handler: Handler, scope: trio.CancelScope
    ) -> None:
        """Let the handler serve a peer; if the handler crashes, tell the peer before the error is raised."""
        if self._shutdown.requested.is_set():
            await _send_away(peer, scope)
            return
        self._open[peer] = scope
        try:
            with self._heartbeat.watch(fast_path):
                await handler(peer)
        except PeerGone:
            pass
        except Exception:
            await peer.close(CloseCode.INTERNAL_ERROR, "internal error; the log of the server has the details")
            raise
        finally:
            del self._open[peer]


async def _shake_hands(
    nursery: trio.Nursery, fast_path: FastPath, limits: WebSocketLimits, subprotocols: Sequence[str]
) -> WebSocketConnection | None:
    """Return the open connection; None if the client was too slow, left, or sent an invalid handshake."""
    try:
        with trio.fail_after(limits.handshake_timeout):
            request = await wrap_server_stream(
                nursery,
                fast_path,
                max_message_size=limits.max_message_size,
            )
            agreed = next((name for name in subprotocols if name in request.proposed_subprotocols), None)
            return await request.accept(subprotocol=agreed)
    except (trio.TooSlowError, ConnectionClosed):
        return None


async def _say_why(fast_path: FastPath, connection: WebSocketConnection, seconds: float) -> None:
    """Send the Close frame that trio-websocket omits when the peer violates the protocol (RFC 6455 section 7.1.7)."""
    closed = connection.closed
    if closed is None or closed.code not in _SAID:
        return
    with suppress(*CONNECTION_LOST), trio.move_on_after(seconds):
        await fast_path.writer.say_goodbye(encode_close(closed.code, closed.reason or ""))


async def _send_away(peer: WebSocketPeer, scope: trio.CancelScope) -> None:
    await peer.close(CloseCode.GOING_AWAY, "the server is stopping")
    scope.cancel()
