"""The part of the OpenAPI description that is about recordings."""

from __future__ import annotations

from typing import Any, Final

from skysentry_trio.wire.events import EventEnd, EventReply, EventRequest, EventsReply
from skysentry_trio.wire.history import (
    DayReply,
    DaysReply,
    HistoryReply,
    RecordedCameraReply,
    RecordingReply,
    SegmentsReply,
    SpanReply,
)

HISTORY_SCHEMAS: Final = (
    DayReply,
    DaysReply,
    EventEnd,
    EventReply,
    EventRequest,
    EventsReply,
    HistoryReply,
    RecordedCameraReply,
    RecordingReply,
    SegmentsReply,
    SpanReply,
)
_CAMERA_ID: Final[dict[str, Any]] = {
    "name": "clientId",
    "in": "path",
    "required": True,
    "description": "The camera's id.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
}
_EVENT_ID: Final[dict[str, Any]] = {
    "name": "event_id",
    "in": "path",
    "required": True,
    "description": "The id of an event that lasts.",
    "schema": {"type": "string"},
}
_MOST_EVENTS: Final[dict[str, Any]] = {
    "name": "limit",
    "in": "query",
    "description": "The most events that are wanted.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1000},
}
_RANGE: Final[list[dict[str, Any]]] = [
    {
        "name": name,
        "in": "query",
        "description": f"{what}, in seconds since 1970 or as a time in RFC 3339.",
        "schema": {"type": "string"},
    }
    for name, what in (("from", "The first moment"), ("to", "The last moment"))
]


def describe_history() -> dict[str, Any]:
    """Return the paths about recordings."""
    return {
        "/api/history": {"get": _operation("What is recorded", "The state of the recordings.", "RecordingReply", [])},
        "/api/clients/{clientId}/history": {
            "get": _operation("When a camera was recorded", "The times.", "HistoryReply", [_CAMERA_ID, *_RANGE]),
            "delete": _operation("Delete recordings", "The number of files.", "SegmentsReply", [_CAMERA_ID, *_RANGE]),
        },
        "/api/clients/{clientId}/history/days": {
            "get": _operation("On which days a camera was recorded", "The days in UTC.", "DaysReply", [_CAMERA_ID])
        },
        "/api/clients/{clientId}/history/protection": {
            "post": _operation(
                "Keep recordings, however old they are",
                "The number of files.",
                "SegmentsReply",
                [_CAMERA_ID, *_RANGE],
            ),
            "delete": _operation(
                "Let recordings become old again", "The number of files.", "SegmentsReply", [_CAMERA_ID, *_RANGE]
            ),
        },
        "/api/clients/{clientId}/history/events": {
            "get": _operation(
                "What happened at a camera", "The events.", "EventsReply", [_CAMERA_ID, *_RANGE, _MOST_EVENTS]
            )
        },
        "/api/clients/{clientId}/events": {
            "post": _with_body(
                _operation("Note what happens at a camera", "The event.", "EventReply", [_CAMERA_ID], status="201"),
                "EventRequest",
            )
        },
        "/api/clients/{clientId}/events/{event_id}": {
            "post": _with_body(
                _operation("End an event", "The event.", "EventReply", [_CAMERA_ID, _EVENT_ID]), "EventEnd"
            )
        },
    }


def _with_body(operation: dict[str, Any], schema: str) -> dict[str, Any]:
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
    for status in ("415", "429", "503"):
        operation["responses"][status] = operation["responses"]["400"]
    return operation


def _operation(
    summary: str, description: str, schema: str, parameters: list[dict[str, Any]], status: str = "200"
) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            status: {
                "description": description,
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
            },
            **{
                error: {
                    "description": "See Errors.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorReply"}}},
                }
                for error in ("400", "401", "403", "404")
            },
        },
    }
