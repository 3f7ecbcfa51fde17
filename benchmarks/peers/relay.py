"""What all compared relays share: read a registration, check a frame roughly, keep it, encode it for viewers."""

from __future__ import annotations

import json
import ssl
import sys
import time
from collections import deque

CAPTURE, VIEW = "/ws", "/stream/ws"
MAX_MESSAGE_SIZE = 5 * 1024 * 1024
QUEUE_SIZE = 2
"""Maximum number of frames that wait for one viewer, for libraries that need a queue for each viewer."""
MAX_UNSENT = 64 * 1024
"""Maximum number of bytes that wait for one viewer, for libraries that have a buffer for each viewer."""

cameras: dict[str, Camera] = {}


class Camera:
    """A camera and its newest 16 frames, the number that our server keeps."""

    def __init__(self, registration: str) -> None:
        self.id: str = json.loads(registration)["clientId"]
        self.count = 0
        self.ring: deque[bytes] = deque(maxlen=16)
        cameras[self.id] = self

    @property
    def greeting(self) -> str:
        """The answer to the registration."""
        return json.dumps({"type": "registration-success", "clientId": self.id})

    def publish(self, jpeg: bytes) -> bytes:
        """Keep a frame; return the message for viewers: two bytes of header length, a JSON header, the JPEG."""
        if not (jpeg.startswith(b"\xff\xd8\xff") and jpeg.endswith(b"\xff\xd9")):
            raise ValueError("not a JPEG")
        self.count += 1
        self.ring.append(jpeg)
        fields = {
            "type": "frame",
            "clientId": self.id,
            "sequence": self.count,
            "timestamp": time.time(),
            "size": len(jpeg),
            "format": "jpeg",
        }
        header = json.dumps(fields).encode()
        return b"".join((len(header).to_bytes(2, "big"), header, jpeg))


def latest(camera_id: str) -> bytes:
    """Return the newest frame of a camera."""
    return cameras[camera_id].ring[-1]


def as_frame(message: bytes | str) -> bytes:
    """Return the message if it is binary; raise TypeError if it is text."""
    if isinstance(message, str):
        raise TypeError(f"expected a frame, got text: {message[:80]!r}")
    return message


def tls_of_arguments() -> ssl.SSLContext | None:
    """Return a context with the certificate and the key that the command line names; None for a relay without TLS."""
    if len(sys.argv) < 3:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    return context


def announce(port: int) -> None:
    """Print the port on which this relay listens."""
    sys.stdout.write(f"listening on {port}\n")
    sys.stdout.flush()
