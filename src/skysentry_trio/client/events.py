"""Events of a camera: a program notes what happened, and asks what has happened."""

from __future__ import annotations

import os
from typing import Any, TypeVar

import msgspec
from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.client.engine.access import Token
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.client.engine.camera_watch import parse_timestamp
from skysentry_trio.client.engine.http_request import RestClient
from skysentry_trio.client.engine.trust import with_trust
from skysentry_trio.wire.events import EventEnd, EventReply, EventRequest, EventsReply
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.messages import encode_json

T = TypeVar("T")


@frozen
class Event:
    """Something that happened at a camera; times are seconds since 1970 by the server's clock."""

    camera_id: str
    id: str
    label: str
    source: str
    """``api`` if a program posted it, ``motion`` or ``result`` if the server made it."""
    begin: float
    end: float | None
    """None while the event lasts."""
    data: Any
    """Any JSON value."""


class Events:
    """Posts events of a camera to a server that records, and lists them.

    ::

        events = Events("http://localhost:8080", "door")
        bell = events.post("bell")
        events.end(bell)

    Each call blocks until the server has answered, for at most about a minute. In Trio or asyncio, call it in a
    thread.

    Args:
        server: such as ``http://localhost:8080``.
        camera_id: id of the camera.
        token: a key or another token for the server, or a function that returns one. The function is called before the
            first request, and when the server refuses the token.
        tls_ca: PEM file with certificates of authorities to trust besides those of the system, for ``https``.

    Raises:
        ConfigurationError: the address, the token or the file is invalid.
        ProtocolViolation: the id is invalid.
    """

    def __init__(
        self, server: str, camera_id: str, *, token: Token = None, tls_ca: str | os.PathLike[str] | None = None
    ) -> None:
        self._camera_id = check_camera_id(camera_id)
        self._client = RestClient(with_trust(parse_server_address(server), tls_ca), token)

    def post(self, label: str, data: Any = None, *, begin: float | None = None, end: float | None = None) -> Event:
        """Note an event, and return it.

        Args:
            label: a text; it is cut at 80 printable characters.
            data: any JSON value of at most 4096 bytes.
            begin: when it began; None means now.
            end: when it ended. Without it, the event lasts until `end` is called, at most an hour.

        Raises:
            ProtocolViolation: the label or the data is invalid.
            Refused: the server records nothing, or refuses the event.
            OSError: the server cannot be reached.
        """
        request = EventRequest(label, begin, end, data)
        _check(request)
        return self._event(self._post("events", request))

    def end(self, event: Event | str, data: Any = None, *, end: float | None = None) -> Event:
        """End an event that lasts, and return it.

        Args:
            event: the event, or its id.
            data: replaces the data of the event; None leaves it.
            end: when it ended; None means now.

        Raises:
            ProtocolViolation: the id or the data is invalid.
            Refused: the event does not last, or the server refuses this.
            OSError: the server cannot be reached.
        """
        event_id = event.id if isinstance(event, Event) else event
        if not (event_id.isascii() and event_id.isalnum()):
            raise ProtocolViolation(f"expected the id of an event, got {event_id[:40]!a}")
        request = EventEnd(end, data)
        _check(request)
        return self._event(self._post(f"events/{event_id}", request))

    def between(self, begin: float, end: float, limit: int = 1000) -> list[Event]:
        """Return the events that overlap a time, in the order of their beginnings.

        Args:
            begin: seconds since 1970.
            end: seconds since 1970.
            limit: the most events to return, up to 10000; ask again from the beginning of the last one for more.

        Raises:
            Refused: the server records nothing, or refuses this.
            OSError: the server cannot be reached.
        """
        query = [("from", repr(begin)), ("to", repr(end)), ("limit", str(limit))]
        reply = _decode(self._client.ask("GET", self._path("history/events"), query), EventsReply)
        return [self._event(one) for one in reply.events]

    def _post(self, what: str, request: EventRequest | EventEnd) -> EventReply:
        return _decode(self._client.ask("POST", self._path(what), body=encode_json(request)), EventReply)

    def _path(self, what: str) -> str:
        return f"/api/clients/{self._camera_id}/{what}"

    def _event(self, reply: EventReply) -> Event:
        begin, end = parse_timestamp(reply.begin), None if reply.end is None else parse_timestamp(reply.end)
        return Event(self._camera_id, reply.id, reply.label, reply.source, begin, end, reply.data)


def _check(request: EventRequest | EventEnd) -> None:
    try:
        request.check()
    except TypeError as error:
        raise ProtocolViolation(f"expected data that JSON can hold: {error}") from error


def _decode(answer: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ConnectionError(f"expected an answer of skysentry-trio, got something else: {error}") from error
