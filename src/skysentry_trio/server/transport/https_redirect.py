"""Redirect requests over http to https, for people who type the address without its scheme; or explain https first."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from attrs import evolve, frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.base.principal import NOBODY
from skysentry_trio.server.transport.request import Request, Service
from skysentry_trio.wire.presented import LINK_FIELD
from skysentry_trio.wire.response import encode_refusal, encode_response_head

_LINGER = 1.0
"""Seconds that a client has to read the response."""
_HTTPS_PORT = 443
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::[0-9]*)?", re.ASCII)
_IN_CLEAR: Final = re.compile(r"/set-up|/trust(?:/[^/]*)?|/assets/.*|/icons/[^/]*|/camera\.webmanifest|/api/phone")
"""The paths of what explains how to get to https, which has no secrets."""
_CAPTURE: Final = "/capture"


def https_address(host: str, port: int) -> str | None:
    """Return the address at which https is served, by the name that a client has used.

    Args:
        host: the ``Host`` header.
        port: of https.

    Returns:
        The address without a path; None if the header names no host.
    """
    if (found := _HOST.fullmatch(host)) is None:
        return None
    return f"https://{found[1]}" if port == _HTTPS_PORT else f"https://{found[1]}:{port}"


@frozen
class HttpsRedirect:
    """Answers every request with the address at which https is served."""

    port: int
    """Port of https."""
    pages: Service | None = None
    """Serves the page that explains the warning of the certificate, and its parts; None if browsers do not warn."""

    async def serve(self, request: Request) -> None:
        """Answer a request; close its stream unless it was answered with a page."""
        stream, head = request.stream, request.head
        explains = self.pages is not None and head.method in {"GET", "HEAD"}
        if self.pages is not None and explains and _IN_CLEAR.fullmatch(head.path) is not None:
            await self.pages(evolve(request, principal=NOBODY))
            return
        stream.take_back()
        address = https_address(head.headers.get("host", ""), self.port)
        if explains and address is not None and head.path == _CAPTURE and f"{LINK_FIELD}=" not in head.query:
            target = f"./set-up?{head.query}" if head.query else "./set-up"
            answer = encode_response_head(303, {"Location": target, "Content-Length": "0"})
        elif address is not None:
            target = f"{head.path}?{head.query}" if head.query else head.path
            # A client repeats its method and body only with 308 (RFC 9110 section 15.4.9).
            answer = encode_response_head(308, {"Location": f"{address}{target}", "Content-Length": "0"})
        else:
            answer = encode_refusal(ProtocolViolation("expected a Host header, got none", "bad-request"))
        with suppress(*CONNECTION_LOST):
            await stream.send_all(answer)
            await stream.linger(_LINGER)
