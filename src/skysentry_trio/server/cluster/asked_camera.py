"""Which camera a request is about, or which node, if another node should answer it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from attrs import frozen

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.identity import check_camera_id
from skysentry_trio.wire.query import decode_query
from skysentry_trio.wire.request_head import RequestHead

_OF_CAMERA: Final = re.compile(r"/api/clients/([^/]*)/.+")
_RECORDED: Final = re.compile(r"/api/clients/[^/]*/(?:history(?:/.*)?|events(?:/.*)?|clip|latest\.jpg)")
_LIVE: Final = re.compile(r"/api/clients/[^/]*/stream\.mjpeg|/api/stream\.mjpeg|/stream|/")
_MAX_FIELDS: Final = 2100
_FIELDS: Final = {
    "/api/frame.jpeg": "src",
    "/snapshot": "client",
    "/stream": "client",
    "/": "client",
}
"""The field of the query that names the camera, by path."""


_OF_NODE: Final = re.compile(r"/api/(?:exports/([0-9a-f]{12})[0-9a-f]{20}(?:/file)?|sessions/([0-9a-f]{12})-[0-9]+)")
"""The ids of exports and of connections begin with the id of the node that has them."""


def read_asked_node(head: RequestHead) -> str | None:
    """Return the id of the node that alone can answer a request; None for a request that names no node."""
    found = _OF_NODE.fullmatch(head.path)
    return None if found is None else found[1] or found[2]


@frozen
class AskedCamera:
    """The camera of a request."""

    camera_id: str | None
    """None for the only camera that there is."""


def read_asked_camera(head: RequestHead) -> AskedCamera | None:
    """Return the camera that a request asks for once; None for any other request.

    Live streams are not asked for once: their frames come over the link. Nor is a stream of frames that a camera posts,
    because with it the camera connects to this node.
    """
    try:
        if _is_stream(head):
            return None
        if (found := _OF_CAMERA.fullmatch(head.path)) is not None:
            return AskedCamera(check_camera_id(unquote(found[1])))
        query = decode_query(head.query, _MAX_FIELDS)
        name = _FIELDS.get(head.path)
        if head.path == "/api/stream.mjpeg":
            name = "dst" if head.method == "POST" else "src"
        if name is None or (head.path in {"/", "/stream"} and query.text("action") not in {"snapshot", "stream"}):
            return None
        camera_id = query.text(name)
        return AskedCamera(None if camera_id is None else check_camera_id(camera_id))
    except ProtocolViolation:
        # The service refuses it with a reason.
        return None


def asks_for_recordings(head: RequestHead) -> bool:
    """Return whether recordings may answer a request, so that the camera need not be known any more."""
    return _RECORDED.fullmatch(head.path) is not None


def waits_for_frames(head: RequestHead) -> bool:
    """Return whether the answer to a request that is passed on waits for frames that have not been sent yet."""
    if head.method not in {"GET", "HEAD"}:
        return False
    try:
        query = decode_query(head.query, _MAX_FIELDS)
    except ProtocolViolation:
        # The other node refuses it with a reason.
        return False
    is_stream = _LIVE.fullmatch(head.path) is not None and query.text("action") != "snapshot"
    return is_stream or query.text("wait") not in {None, "0"}


def _is_stream(head: RequestHead) -> bool:
    if head.method == "POST":
        kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind.startswith("multipart/") and kind != "multipart/form-data"
    if _LIVE.fullmatch(head.path) is None:
        return False
    query = decode_query(head.query, _MAX_FIELDS)
    # A stream that begins with frames of the ring comes from the node that has them.
    return query.text("action") != "snapshot" and query.text("burst") in {None, "0"}
