"""The body of a request whose head was put back into its stream."""

from __future__ import annotations

import h11
import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.peekable_body import PeekableBody
from skysentry_trio.server.http.exchange import ByteStream
from skysentry_trio.wire.request_head import MAX_HEAD_SIZE

_CHUNK = 64 * 1024


@define(eq=False)
class RequestBody(PeekableBody):
    """Reads the body piece by piece; h11 decides where the body ends."""

    _stream: ByteStream
    _parser: h11.Connection = field(
        factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_SIZE), init=False, repr=False
    )
    _ended: bool = field(default=False, init=False)

    def put_rest_back(self) -> bool:
        """Put back what the peer has sent after the body; return False if the body has not ended."""
        if self._ended:
            self._stream.push_back(self._parser.trailing_data[0])
        return self._ended

    async def _receive(self) -> bytes:
        """Return the next piece of the body, b"" at the end.

        Raises:
            ProtocolViolation: the body is invalid HTTP.
            trio.BrokenResourceError: the camera left in the middle of the body.
        """
        while not self._ended:
            try:
                event = self._parser.next_event()
                if event is h11.NEED_DATA:
                    if self._parser.they_are_waiting_for_100_continue:
                        go_ahead = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
                        await self._stream.send_all(self._parser.send(go_ahead) or b"")
                    data = await self._stream.receive_some(_CHUNK)
                    if not data:
                        raise trio.BrokenResourceError("the request's body was cut off")
                    self._parser.receive_data(data)
                    continue
            except h11.RemoteProtocolError as error:
                raise ProtocolViolation(
                    f"the request's body cannot be read: {error}", "bad-request", http_status=error.error_status_hint
                ) from error
            if isinstance(event, h11.Data):
                # One read can hold ten thousand chunks of one byte, so yield to the scheduler before each chunk.
                await trio.lowlevel.checkpoint()
                return bytes(event.data)
            self._ended = isinstance(event, h11.EndOfMessage)
        return b""
