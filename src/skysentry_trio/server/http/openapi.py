"""The OpenAPI description of the REST routes."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from skysentry_trio.server.http.openapi_access import SECURITY_SCHEMES, describe_access
from skysentry_trio.server.http.openapi_history import describe_exports, describe_history
from skysentry_trio.wire import administration, events, history, rest, results
from skysentry_trio.wire.results import MAX_BOXES

_MESSAGES = {
    name: one
    for module in (administration, events, history, rest, results)
    for name, one in vars(module).items()
    if isinstance(one, type)
}
"""The classes of requests and replies, by the name that refers to them in the paths."""
_REFERENCE = re.compile(r"#/components/schemas/(\w+)")
_ID_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}
_CAMERA_ID = {
    "name": "clientId",
    "in": "path",
    "required": True,
    "description": "The camera's id.",
    "schema": _ID_SCHEMA,
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_JPEG = {"image/jpeg": _BINARY}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _number(low: float, high: float, kind: str = "number") -> dict[str, Any]:
    return {"type": kind, "minimum": low, "maximum": high}


_PLACEHOLDER = _query(
    "placeholder", "1 for a drawn picture instead of an error or an old frame.", {"type": "string", "enum": ["0", "1"]}
)
_SNAPSHOT_QUERY = (
    _query("after", "Return a frame with a higher sequence than this.", _number(0, 2**53, "integer")),
    _query("wait", "Seconds to wait for it.", _number(0, 60)),
    _query(
        "at", "The frame that was the newest at this moment: seconds since the epoch, or RFC 3339.", {"type": "string"}
    ),
    _query("back", "The frame that was the newest this many seconds ago.", _number(0, 86400 * 365)),
    _PLACEHOLDER,
)
_MOMENT = "seconds since the epoch, RFC 3339, or seconds before now as a negative number."
_CLIP_QUERY = (
    _query("from", f"The first frame that came at this moment or later: {_MOMENT}", {"type": "string"}),
    _query("to", f"The last frame that had come by this moment: {_MOMENT}", {"type": "string"}),
    _query("format", "Of the file.", {"type": "string", "enum": ["zip", "mjpeg", "mkv", "mp4"], "default": "zip"}),
)
_STREAM_QUERY = (
    _query("fps", "The most frames a second.", _number(1e-6, 1e6)),
    _query("burst", "Number of frames of the ring that are sent first.", _number(0, 1000, "integer")),
    _PLACEHOLDER,
)


def describe_api(version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all routes under ``/api``; the schemas are made from the reply types."""
    picture_headers = {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in {
            "ETag": "Changes with every frame.",
            "X-Sequence": "Counts the camera's frames from 1.",
            "X-SkySentry-Online": "Whether the camera is connected now: true or false.",
            "X-Timestamp": "Time of capture if the camera sends it, otherwise of arrival: seconds since the epoch.",
        }.items()
    }
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "skysentry-trio",
            "version": version,
            "description": "Cameras, their frames, and the state of the server. /stream/ws has less delay.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        # The URL is relative to this document, so it is also correct behind a proxy with a path prefix.
        "servers": [{"url": ".."}],
        "paths": {
            "/api/health": _get(
                "State and totals of the server",
                {"200": _health("It works."), "503": _health("Part of it keeps failing.")},
            ),
            "/api/ready": _get(
                "Whether the server accepts new clients",
                {"200": _reply("Yes.", "ReadyReply"), "503": _reply("No, it is stopping.", "ReadyReply")},
            ),
            "/api/clients": _get(
                "All cameras", {"200": _reply("Ids of connected ones, details of all.", "ClientsReply")}
            ),
            "/api/clients/{clientId}/latest": _get(
                "A connected camera's newest frame as JSON; or, if Accept prefers image/jpeg, any camera's newest JPEG",
                {
                    "200": {
                        "description": "The frame.",
                        "content": {**_reply("", "LatestReply")["content"], **_JPEG},
                    },
                    **_refusals(),
                },
                _CAMERA_ID,
            ),
            "/api/clients/{clientId}/latest.jpg": _get(
                "A camera's newest frame as a JPEG, or the next, or an old one",
                _snapshot(picture_headers),
                _CAMERA_ID,
                *_SNAPSHOT_QUERY,
            ),
            "/api/frame.jpeg": _get(
                "The same at the address of go2rtc",
                _snapshot(picture_headers),
                _query("src", "The camera's id; optional if there is exactly one camera.", _ID_SCHEMA),
                *_SNAPSHOT_QUERY,
            ),
            "/api/clients/{clientId}/stream.mjpeg": _get(
                "A camera's live frames as Motion JPEG", _multipart(), _CAMERA_ID, *_STREAM_QUERY
            ),
            "/api/stream.mjpeg": {
                **_get(
                    "The same at the address of go2rtc",
                    _multipart(),
                    _query("src", "The camera's id; optional if there is exactly one camera.", _ID_SCHEMA),
                    *_STREAM_QUERY,
                ),
                **_push(
                    "Send frames as a camera, as go2rtc does",
                    {**_query("dst", "The id.", _ID_SCHEMA), "required": True},
                ),
            },
            "/api/clients/{clientId}/frames": _push("Send frames as a camera: one JPEG or a stream", _CAMERA_ID),
            "/api/clients/{clientId}/results": _post_result(),
            "/api/clients/{clientId}/stream": _get(
                "A camera's ring of frames, oldest first",
                {"200": _reply("The ring.", "RingReply"), **_refusals()},
                _CAMERA_ID,
            ),
            "/api/clients/{clientId}/clip": _get(
                "A part of a camera's ring as a file",
                {
                    "200": {
                        "description": "The file; Content-Disposition contains its name.",
                        "content": {
                            "application/zip": _BINARY,
                            "video/x-mjpeg": _BINARY,
                            "video/matroska": _BINARY,
                            "video/mp4": _BINARY,
                        },
                    },
                    "400": _reply("The camera id, a moment or the format is invalid.", "ErrorReply"),
                    "404": _reply("There is no such camera, or it has no frames of this time.", "ErrorReply"),
                    "501": _reply("The server has no library to write videos.", "ErrorReply"),
                    "503": _reply("Too many clips are being sent.", "ErrorReply"),
                },
                _CAMERA_ID,
                *_CLIP_QUERY,
            ),
            "/api/streams": _get(
                "The rings of all cameras", {"200": _reply("The rings by camera id.", "StreamsReply")}
            ),
            **describe_history(),
            **describe_exports(),
            **describe_access(),
            "/api/openapi.json": _get(
                "This description",
                {
                    "200": {
                        "description": "OpenAPI 3.1.",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    }
                },
            ),
        },
        "security": [{name: []} for name in SECURITY_SCHEMES],
        "components": {"securitySchemes": SECURITY_SCHEMES},
    }
    document["components"]["schemas"] = _describe_messages(document["paths"])
    return document


def _describe_messages(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of the messages to which paths refer, and of those that they contain."""
    names = sorted(set(_REFERENCE.findall(msgspec.json.encode(paths).decode())))
    messages = [_MESSAGES[name] for name in names]
    _, schemas = msgspec.json.schema_components(messages, ref_template="#/components/schemas/{name}")
    return schemas


def _health(description: str) -> dict[str, Any]:
    kinds = [{"$ref": f"#/components/schemas/{name}"} for name in ("HealthReply", "BriefHealthReply")]
    return {"description": description, "content": {"application/json": {"schema": {"anyOf": kinds}}}}


def _snapshot(headers: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"description": "The JPEG as the camera sent it.", "headers": headers, "content": _JPEG},
        "204": {"description": "No frame newer than `after` came in time."},
        "304": {"description": "If-None-Match names this frame."},
        **_refusals(),
    }


def _multipart() -> dict[str, Any]:
    return {
        "200": {"description": "A part for each frame.", "content": {"multipart/x-mixed-replace": _BINARY}},
        **_refusals(),
    }


def _push(summary: str, camera: dict[str, Any]) -> dict[str, Any]:
    responses = {
        "200": _reply("A stream has ended.", "PushReply"),
        "201": _reply("The picture was taken.", "PushReply"),
        **{
            status: _reply(description, "ErrorReply")
            for status, description in {
                "400": "The id or the body is invalid.",
                "401": "There is no credential, or it is wrong.",
                "403": "Pages of this origin may not send frames, or the credential does not allow it.",
                "408": "No complete frame came in time.",
                "409": "Another connection has taken over the camera.",
                "413": "A frame is larger than allowed.",
                "415": "The body is not a JPEG.",
                "429": "Frames come faster than allowed.",
                "503": "The server is full or stops.",
            }.items()
        },
    }
    name = _query("name", "A label for people.", {"type": "string"})
    types = ("image/jpeg", "multipart/x-mixed-replace", "multipart/form-data")
    body = {"required": True, "content": dict.fromkeys(types, _BINARY)}
    return {"post": {"summary": summary, "parameters": [camera, name], "requestBody": body, "responses": responses}}


def _post_result() -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["sequence"],
        "properties": {
            "sequence": {"type": "integer", "description": "Of the frame."},
            "boxes": {"type": "array", "items": {"$ref": "#/components/schemas/Box"}, "maxItems": MAX_BOXES},
            "data": {"description": "Anything."},
        },
    }
    responses = {
        "200": _reply("The camera's viewers get the result.", "ResultReply"),
        **_refusals(),
        "404": _reply("There is no such camera, or it has not sent this frame.", "ErrorReply"),
        "413": _reply("The body is larger than 64 KiB.", "ErrorReply"),
        "415": _reply("The content type is not JSON.", "ErrorReply"),
    }
    return {
        "post": {
            "summary": "Send a detection result",
            "parameters": [_CAMERA_ID],
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": responses,
        }
    }


def _get(summary: str, responses: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    if parameters:
        operation["parameters"] = list(parameters)
    return {"get": operation}


def _reply(description: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}}


def _refusals() -> dict[str, Any]:
    return {
        "400": _reply("The camera id is invalid.", "ErrorReply"),
        "401": _reply("There is no credential, or it is wrong.", "ErrorReply"),
        "403": _reply("The credential does not allow this.", "ErrorReply"),
        "404": _reply("There is no such camera, or it has sent no frame yet.", "ErrorReply"),
    }
