"""Let a peer in by TLS: the handshake with its deadline, and an answer for clients that speak plain HTTP."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

import trio

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.nurseries import CONNECTION_LOST
from skysentry_trio.server.transport.tls_stream import HandshakeFailed, NotTls, TlsStream
from skysentry_trio.wire.origins import show_address
from skysentry_trio.wire.request_head import RequestHead, RequestHeadReader
from skysentry_trio.wire.response import encode_refusal, encode_response_head

_LINGER = 1.0
"""Seconds that a client has to read the answer or the alert."""
_WITH_PORT: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):[0-9]+", re.ASCII)
"""The host of a request to this port; without a port, it would lead to another one over https."""
_SHOWN = 80
"""Maximum number of characters of a path in the answer."""


async def enter_by_tls(stream: TlsStream, seconds: float) -> tuple[str, str] | None:
    """Do the handshake, and answer a client that speaks plain HTTP.

    Args:
        stream: of the peer; after a failure, nothing more can be done with it than to abort it.
        seconds: for the handshake.

    Returns:
        None after a handshake. Otherwise the cause, for counters, and a reason, for people. The cause is ``no-request``
        if the peer has sent nothing, as load balancers do to see whether the port is open.
    """
    try:
        with trio.fail_after(seconds):
            await stream.shake_hands()
    except (trio.TooSlowError, *CONNECTION_LOST) as error:
        if not stream.began:
            return "no-request", "not a byte came"
        if isinstance(error, trio.TooSlowError):
            return "tls-timeout", f"no TLS handshake within {seconds:g} s"
        return "left-before-tls", "the peer left before the end of the TLS handshake"
    except HandshakeFailed as failed:
        # A browser also ends the handshake when a person has not accepted the certificate yet. Without a wait, the
        # kernel would drop the alert that tells a peer what was wrong.
        await stream.linger(_LINGER)
        return "tls-failed", str(failed)
    except NotTls as sent:
        return await _answer_in_clear(stream, sent.data, seconds)
    return None


async def _answer_in_clear(stream: TlsStream, data: bytes, seconds: float) -> tuple[str, str]:
    """Lead a browser that speaks plain HTTP to https, and tell other clients to use it; say nothing to others."""
    head = None
    with suppress(*CONNECTION_LOST, ProtocolViolation), trio.move_on_after(seconds):
        stream.push_back(data)
        head = await _read_head(stream)
    if head is None:
        return "not-tls", "neither TLS nor HTTP"
    host = show_address(head.headers.get("host", "")) or "HOST"
    address = f"https://{host}{head.path[:_SHOWN]}"
    if _is_opened_by_person(head):
        query = f"?{head.query}" if head.query else ""
        location = f"https://{head.headers['host']}{head.path}{query}"
        answer = encode_response_head(308, {"Location": location, "Content-Length": "0"})
    else:
        violation = ProtocolViolation(f"expected TLS at this port, got plain HTTP; use {address}", "bad-request")
        answer = encode_refusal(violation)
    with suppress(*CONNECTION_LOST), trio.move_on_after(_LINGER):
        await stream.send_all(answer)
        await stream.linger(_LINGER)
    return "plain-http", "plain HTTP at a port with TLS"


def _is_opened_by_person(head: RequestHead) -> bool:
    """Return whether this is a browser that opens a page, for a person who has typed the address without https."""
    return (
        head.method in {"GET", "HEAD"}
        and "text/html" in head.headers.get("accept", "")
        and _WITH_PORT.fullmatch(head.headers.get("host", "")) is not None
        and head.path.startswith("/")
    )


async def _read_head(stream: TlsStream) -> RequestHead | None:
    """Return the head of a request that comes without TLS; None if the client leaves before.

    Raises:
        ProtocolViolation: this is no HTTP, or its head is too large.
    """
    reader = RequestHeadReader()
    while data := await stream.receive_some():
        if (head := reader.feed(data)) is not None:
            return head
    return None
