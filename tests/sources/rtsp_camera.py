"""A network camera that speaks RTSP (RFC 2326) and sends JPEGs over UDP only (RFC 2435), as some cameras do."""

from __future__ import annotations

import re
import socket
import struct
from io import BytesIO

import trio
from attrs import define, field
from PIL import Image

SIZE = (64, 48)
_DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 26\r\na=control:track1\r\n"
)


def _payload() -> bytes:
    """Return a small JPEG as one packet's payload."""
    encoded = BytesIO()
    Image.new("RGB", SIZE, (200, 40, 40)).save(encoded, "JPEG", subsampling=2, quality=60)
    data = encoded.getvalue()
    tables, position = b"", 2
    while data[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == 0xDB:
            tables += b"".join(data[at + 1 : at + 65] for at in range(position + 4, end, 65))
        position = end
    scan = data[position + 2 + int.from_bytes(data[position + 2 : position + 4], "big") : -2]
    # Kind 1 is 4:2:0; a quality of 255 means that the tables come with the picture.
    return struct.pack(">IBBBBBBH", 0, 1, 255, SIZE[0] // 8, SIZE[1] // 8, 0, 0, len(tables)) + tables + scan


@define(eq=False)
class UdpCamera:
    """Answers 461 to those that want the pictures over TCP."""

    transports: list[str] = field(factory=list, init=False)
    """What clients asked for."""

    async def serve(self, stream: trio.SocketStream) -> None:
        received, port = b"", 0
        try:
            async with trio.open_nursery() as nursery:
                while data := await stream.receive_some():
                    received += data
                    while b"\r\n\r\n" in received:
                        request, _, received = received.partition(b"\r\n\r\n")
                        text = request.decode()
                        if found := re.search(r"^Transport: (.*)$", text, re.MULTILINE):
                            self.transports.append(found[1].strip())
                        if ports := re.search(r"client_port=(\d+)", text):
                            port = int(ports[1])
                        await stream.send_all(self._answer(text, port))
                        if text.startswith("PLAY"):
                            nursery.start_soon(_send_pictures, port)
                nursery.cancel_scope.cancel()
        except* trio.BrokenResourceError:
            pass

    def _answer(self, request: str, port: int) -> bytes:
        method = request.partition(" ")[0]
        number = re.search(r"^CSeq: (\d+)", request, re.MULTILINE)
        assert number is not None
        status, headers, body = "200 OK", {"CSeq": number[1], "Session": "1"}, ""
        match method:
            case "OPTIONS":
                headers["Public"] = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"
            case "DESCRIBE":
                headers |= {"Content-Type": "application/sdp", "Content-Length": str(len(_DESCRIPTION))}
                body = _DESCRIPTION
            case "SETUP" if "TCP" in self.transports[-1]:
                status = "461 Unsupported Transport"
            case "SETUP":
                headers["Transport"] = f"RTP/AVP;unicast;client_port={port}-{port + 1};server_port=6970-6971"
        lines = [f"RTSP/1.0 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", body]
        return "\r\n".join(lines).encode()


async def _send_pictures(port: int) -> None:
    payload, number = _payload(), 0
    with trio.socket.socket(type=socket.SOCK_DGRAM) as sender:
        while True:
            number += 1
            head = struct.pack(">BBHII", 0x80, 0x80 | 26, number % 65536, number * 3000, 1)
            await sender.sendto(head + payload, ("127.0.0.1", port))
            await trio.sleep(0.03)
