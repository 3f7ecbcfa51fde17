"""The part of the OpenAPI description that is about recordings."""

from __future__ import annotations

from typing import Any, Final

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
_LABEL: Final[dict[str, Any]] = {
    "name": "label",
    "in": "query",
    "description": "The label of the events that are wanted; without it, all are.",
    "schema": {"type": "string"},
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
_ALL_OF_RANGE: Final[list[dict[str, Any]]] = [{**one, "required": True} for one in _RANGE]
_BUCKETS: Final[dict[str, Any]] = {
    "name": "buckets",
    "in": "query",
    "description": "Into how many equal parts to divide the time; the answer has the frames of each, and no spans.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 2000},
}
_ZONE: Final[dict[str, Any]] = {
    "name": "zone",
    "in": "query",
    "description": "The time zone of the days, such as Europe/Berlin; UTC without it.",
    "schema": {"type": "string"},
}


def describe_history() -> dict[str, Any]:
    """Return the paths about recordings."""
    return {
        "/api/history": {"get": _operation("What is recorded", "The state of the recordings.", "RecordingReply", [])},
        "/api/clients/{clientId}/history": {
            "get": _operation(
                "When a camera was recorded", "The times.", "HistoryReply", [_CAMERA_ID, *_RANGE, _BUCKETS]
            ),
            "delete": _operation("Delete recordings", "The number of files.", "SegmentsReply", [_CAMERA_ID, *_RANGE]),
        },
        "/api/clients/{clientId}/history/days": {
            "get": _operation("On which days a camera was recorded", "The days.", "DaysReply", [_CAMERA_ID, _ZONE])
        },
        "/api/clients/{clientId}/history/protected": {
            "post": _operation(
                "Keep recordings, however old they are",
                "What is protected now.",
                "ProtectedReply",
                [_CAMERA_ID, *_ALL_OF_RANGE],
            ),
            "delete": _operation(
                "Let recordings become old again", "What is protected now.", "ProtectedReply", [_CAMERA_ID, *_RANGE]
            ),
        },
        "/api/clients/{clientId}/history/events": {
            "get": _operation(
                "What happened at a camera", "The events.", "EventsReply", [_CAMERA_ID, *_RANGE, _LABEL, _MOST_EVENTS]
            )
        },
        "/api/events": {
            "get": _operation(
                "What happened at all cameras", "The events.", "AllEventsReply", [*_RANGE, _LABEL, _MOST_EVENTS]
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


_EXPORT_ID: Final[dict[str, Any]] = {
    "name": "export_id",
    "in": "path",
    "required": True,
    "description": "The export's id.",
    "schema": {"type": "string"},
}
_ASKED_EXPORT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["clients", "from", "to"],
    "properties": {
        "clients": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 100},
        "from": {"type": ["string", "number"], "description": "A moment."},
        "to": {"type": ["string", "number"], "description": "A moment."},
        "format": {"enum": ["zip", "mkv", "mp4", "mjpeg"], "default": "zip"},
    },
}


def describe_exports() -> dict[str, Any]:
    """Return the paths about exports."""
    made = _operation("Export recordings of several cameras", "The export, which is written now.", "ExportReply", [])
    made["responses"]["202"] = made["responses"].pop("200")
    made["responses"] |= {
        status: {**made["responses"]["404"], "description": description}
        for status, description in {
            "415": "The content type is not JSON.",
            "501": "The server has no library to write videos.",
            "503": "There are too many exports.",
        }.items()
    }
    made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ASKED_EXPORT}}}
    deleted = _operation("Delete an export", "It is deleted.", "ExportReply", [_EXPORT_ID])
    del deleted["responses"]["200"]
    deleted["responses"]["204"] = {"description": "It is deleted."}
    file = _operation("The file of an export, or a part of it", "The file.", "ExportReply", [_EXPORT_ID])
    zipped = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
    file["responses"] |= {
        "200": {"description": "The whole file.", "content": zipped},
        "206": {"description": "The part that the header Range names.", "content": zipped},
        "416": {**file["responses"]["404"], "description": "The part begins after the end."},
    }
    return {
        "/api/exports": {
            "get": _operation("The exports that somebody may fetch", "The exports.", "ExportsReply", []),
            "post": made,
        },
        "/api/exports/{export_id}": {
            "get": _operation("How far an export is", "The export.", "ExportReply", [_EXPORT_ID]),
            "delete": deleted,
        },
        "/api/exports/{export_id}/file": {"get": file},
    }


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
