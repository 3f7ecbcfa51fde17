"""The query of the address that a viewer opens: a format, cameras, and limits for each camera."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from skysentry_trio.base.demand import Limits
from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.query import decode_query

MAX_SUBSCRIBED = 1024
"""Camera ids that one viewer may name; a viewer that wants more subscribes to all."""


class ViewerFormat(StrEnum):
    """How frames are encoded for a viewer."""

    ENVELOPE = "envelope"
    JPEG = "jpeg"
    JSON = "json"


@frozen
class ViewerRequest:
    """What the decoded query of a viewer's address asks for."""

    format: ViewerFormat
    clients: frozenset[str] | None
    """Ids of the cameras to subscribe to; None for all cameras."""
    limits: Limits


def decode_viewer_query(query: str, default_format: ViewerFormat) -> ViewerRequest:
    """Read ``?format=jpeg&client=a&client=b&maxFps=5&maxWidth=640``; unknown keys are ignored.

    Args:
        query: the part of the address after ``?``.
        default_format: for a query that names no format.

    Raises:
        ProtocolViolation: a value is invalid.
    """
    fields = decode_query(query, 2 * MAX_SUBSCRIBED)
    asked, ids = fields.text("format"), fields.texts("client")
    if asked is None:
        asked = default_format
    if asked not in set(ViewerFormat):
        raise ProtocolViolation(f"format is one of {', '.join(ViewerFormat)}, got {asked[:40]!a}")
    clients = None if ids is None else check_subscription(ids)
    if asked == ViewerFormat.JPEG and (clients is None or len(clients) != 1):
        raise ProtocolViolation("format=jpeg carries no ids, so it needs exactly one client=ID")
    limits = Limits(fields.number("maxFps"), fields.whole("maxWidth"), fields.number("quality"))
    return ViewerRequest(ViewerFormat(asked), clients, limits)


def check_subscription(ids: list[str]) -> frozenset[str]:
    """Check camera ids, and return them as a set.

    Raises:
        ProtocolViolation: an id is invalid, or there are more than `MAX_SUBSCRIBED`.
    """
    if len(ids) > MAX_SUBSCRIBED:
        raise ProtocolViolation(
            f"a viewer may name {MAX_SUBSCRIBED} cameras, got {len(ids)}; without names it gets all"
        )
    return frozenset(check_camera_id(camera_id) for camera_id in ids)
