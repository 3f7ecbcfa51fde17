"""The description of the REST routes, for programs that write clients and tests."""

from __future__ import annotations

from typing import Any

import msgspec

from skysentry_trio.wire.rest import (
    ClientsReply,
    ErrorReply,
    HealthReply,
    LatestReply,
    ReadyReply,
    RingReply,
    StreamsReply,
)

_REPLIES = (ClientsReply, ErrorReply, HealthReply, LatestReply, ReadyReply, RingReply, StreamsReply)
_CLIENT_ID = {
    "name": "clientId",
    "in": "path",
    "required": True,
    "description": "The camera's id.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
}
_JPEG = {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}


def describe_api(version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of everything under ``/api``; the schemas are made from the reply types."""
    _, components = msgspec.json.schema_components(_REPLIES, ref_template="#/components/schemas/{name}")
    picture_headers = {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in {
            "ETag": "Changes with every frame.",
            "X-Sequence": "Counts the camera's frames from 1.",
            "X-Timestamp": "Capture time if the camera told it, else arrival: seconds since the epoch.",
        }.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "skysentry-trio",
            "version": version,
            "description": "Cameras, their newest frames, and how the server is. Live frames come over /stream/ws.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        # Relative to this document, so that it holds behind a proxy with a path prefix too.
        "servers": [{"url": ".."}],
        "paths": {
            "/api/health": _get(
                "How the server is; the load balancer's probe",
                {"200": _reply("It works.", "HealthReply"), "503": _reply("Part of it keeps failing.", "HealthReply")},
            ),
            "/api/ready": _get(
                "Whether to send new clients",
                {"200": _reply("Yes.", "ReadyReply"), "503": _reply("No, it is stopping.", "ReadyReply")},
            ),
            "/api/clients": _get("All cameras", {"200": _reply("Ids and details.", "ClientsReply")}),
            "/api/clients/{clientId}/latest": _get(
                "A camera's newest frame, as JSON or, if Accept prefers image/jpeg, as the JPEG itself",
                {
                    "200": {
                        "description": "The frame.",
                        "content": {**_reply("", "LatestReply")["content"], **_JPEG},
                    },
                    **_refusals(),
                },
                _CLIENT_ID,
            ),
            "/api/clients/{clientId}/latest.jpg": _get(
                "A camera's newest frame as a JPEG",
                {
                    "200": {
                        "description": "The JPEG as the camera sent it.",
                        "headers": picture_headers,
                        "content": _JPEG,
                    },
                    "304": {"description": "If-None-Match named this very frame."},
                    **_refusals(),
                },
                _CLIENT_ID,
            ),
            "/api/clients/{clientId}/stream": _get(
                "A camera's ring of frames, oldest first",
                {"200": _reply("The ring.", "RingReply"), **_refusals()},
                _CLIENT_ID,
            ),
            "/api/streams": _get(
                "The rings of all cameras", {"200": _reply("The rings by client id.", "StreamsReply")}
            ),
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
        "components": {"schemas": components},
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
        "400": _reply("What was given is no client id.", "ErrorReply"),
        "404": _reply("There is no such camera, or it has sent no frame yet.", "ErrorReply"),
    }
