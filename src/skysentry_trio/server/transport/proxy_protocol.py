"""Read the header that a proxy writes in front of a connection, before TLS and before HTTP."""

from __future__ import annotations

from socket import MSG_PEEK

from skysentry_trio.server.transport.peer_stream import PeerStream
from skysentry_trio.wire.proxy_header import MAX_SIZE, ProxyHeader, decode_proxy_header, measure_proxy_header


async def read_proxy_header(stream: PeerStream) -> ProxyHeader:
    """Return the header that a connection begins with; an empty one if the connection begins with something else.

    The bytes behind the header stay in the socket, because they may belong to a TLS handshake.

    Raises:
        ProtocolViolation: the header is invalid.
    """
    socket, received = stream.socket, b""
    try:
        while (size := measure_proxy_header(received)) is None:
            if not (coming := await socket.recv(MAX_SIZE, MSG_PEEK)):
                break
            size = measure_proxy_header(received + coming)
            count = len(coming) if size is None else max(size - len(received), 0)
            received += await socket.recv(count)
            if size == 0:
                break
    except OSError:
        # The next read finds out that the connection is lost, and counts it.
        size = None
    if not size:
        stream.push_back(received)
        return ProxyHeader()
    return decode_proxy_header(received)
