"""Redirect requests over http to https, for people who type the address without its scheme."""

from __future__ import annotations

from contextlib import suppress

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.server.transport.request import Request
from skysentry_trio.wire.response import encode_refusal, encode_response_head

_LINGER = 1.0
"""Seconds that a client has to read the response."""
_HTTPS_PORT = 443


@frozen
class HttpsRedirect:
    """Answers every request with the address at which https is served."""

    port: int
    """Port of https."""

    async def serve(self, request: Request) -> None:
        """Answer a request and close its stream."""
        stream, head = request.stream, request.head
        stream.take_back()
        # The end of an IPv6 address is a bracket, so the last colon after it begins the port.
        host = head.headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name:
            address = name if self.port == _HTTPS_PORT else f"{name}:{self.port}"
            target = f"{head.path}?{head.query}" if head.query else head.path
            # A client repeats its method and body only with 308 (RFC 9110 section 15.4.9).
            headers = {"Location": f"https://{address}{target}", "Content-Length": "0"}
            answer = encode_response_head(308, headers)
        else:
            answer = encode_refusal(ProtocolViolation("expected a Host header, got none", "bad-request"))
        with suppress(*CONNECTION_LOST):
            await stream.send_all(answer)
            await stream.linger(_LINGER)
