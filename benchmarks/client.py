"""Just enough of a WebSocket client (RFC 6455) to load a server with little CPU time."""

from __future__ import annotations

import socket
import time
from urllib.request import urlopen

MASK = bytes.fromhex("5a3c96e1")
"""One mask for all frames, so that they can be masked in advance; the server does the same work for any mask."""


def wait_for_port(port: int, patience: float) -> None:
    """Wait until a program on loopback takes connections.

    Raises:
        ConnectionRefusedError: it does not within ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def wait_until_ready(port: int, patience: float) -> None:
    """Wait until a server on loopback answers that it is ready: it takes connections before that.

    Raises:
        OSError: it does not within ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/api/ready", timeout=patience).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def open_websocket(
    port: int, path: str, *, send_buffer: int | None = None, key: str | None = None
) -> tuple[socket.socket, bytes]:
    """Open a WebSocket to a server on loopback; return the socket and the bytes that arrived after the handshake.

    Args:
        port: of the server.
        path: with the query.
        send_buffer: size of the socket's buffer in bytes; None for the usual one.
        key: proves who the client is; None for a server that is open to everybody.

    Raises:
        ConnectionError: the server refused, or closed the connection.
    """
    headers = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Version: 13\r\n"
    )
    if key is not None:
        headers += f"Authorization: Bearer {key}\r\n"
    return _open(port, path, headers, b" 101 ", send_buffer=send_buffer)


def open_multipart(port: int, path: str) -> tuple[socket.socket, bytes]:
    """Request a Motion JPEG stream; return the socket and the bytes that arrived after the first boundary."""
    connection, rest = _open(port, path, "", b" 200 ")
    while b"\r\n" not in rest:
        rest += connection.recv(4096)
    return connection, rest.partition(b"\r\n")[2]


def _open(
    port: int, path: str, headers: str, status: bytes, *, send_buffer: int | None = None
) -> tuple[socket.socket, bytes]:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if send_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode())
    response = b""
    while b"\r\n\r\n" not in response:
        received = connection.recv(4096)
        if not received:
            raise ConnectionError(f"the server closed during the handshake on {path}, after {response!r}")
        response += received
    head, rest = response.split(b"\r\n\r\n", 1)
    if status not in head.split(b"\r\n", 1)[0]:
        raise ConnectionError(f"expected{status.decode()}on {path}, got {head[:200]!r}")
    return connection, rest


def mask(data: bytes) -> bytes:
    """XOR with `MASK` (section 5.3)."""
    key = MASK * (len(data) // 4 + 1)
    return (int.from_bytes(data, "big") ^ int.from_bytes(key[: len(data)], "big")).to_bytes(len(data), "big")


def client_frame(opcode: int, payload: bytes) -> bytes:
    """Return a complete masked WebSocket frame."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 1 << 16:
        head = bytes((0x80 | opcode, 0xFE)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + length.to_bytes(8, "big")
    return head + MASK + mask(payload)


def server_frame_head(data: bytes) -> tuple[int, int, int] | None:
    """Return opcode, head size and payload length of a frame from a server; None if the head is incomplete."""
    if len(data) < 2:
        return None
    length = data[1]
    if length < 126:
        return data[0] & 0x0F, 2, length
    if length == 126:
        return None if len(data) < 4 else (data[0] & 0x0F, 4, data[2] << 8 | data[3])
    return None if len(data) < 10 else (data[0] & 0x0F, 10, int.from_bytes(data[2:10], "big"))


def part_head(data: bytes) -> tuple[int, int, int] | None:
    """Return the same as `server_frame_head` for a part of a Motion JPEG stream; the boundary after it is payload."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = int(data.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    is_frame = b"X-Sequence: " in data[:end]
    return 2 if is_frame else 1, end + 4, length + len(b"\r\n--frame\r\n")
