"""The part of the OpenAPI description that is about access."""

from __future__ import annotations

from typing import Any, Final

SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key."},
    "basic": {"type": "http", "scheme": "basic", "description": "A key as the password, or a user and a password."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "skysentry_session", "description": "Set by signing in."},
    "link": {"type": "apiKey", "in": "query", "name": "link", "description": "A signed link."},
}


def describe_access() -> dict[str, Any]:
    """Return the paths about access."""
    return {
        "/api/session": {
            "get": _operation(
                "Who makes the request, and what is allowed", {"200": ("The principal.", "SessionReply")}
            ),
            "post": {
                **_operation("Sign a browser in", {"200": ("The principal; sets a cookie.", "SessionReply")}),
                "requestBody": _body("SignIn"),
            },
            "delete": _operation("Sign out", {"204": ("The cookie counts no longer.", None)}),
        },
        "/api/keys": {
            "get": _operation("All keys", {"200": ("The keys.", "KeysReply")}),
            "post": {
                **_operation("Make a key", {"201": ("The key, for the only time.", "NewKeyReply")}),
                "requestBody": _body("KeyRequest"),
            },
        },
        "/api/keys/{key_id}": {"delete": _removal("Revoke a key", "key_id")},
        "/api/users": {
            "get": _operation("All users", {"200": ("The users.", "UsersReply")}),
            "post": {
                **_operation("Add or replace a user", {"201": ("The user.", "UserReply")}),
                "requestBody": _body("UserRequest"),
            },
        },
        "/api/users/{name}": {"delete": _removal("Remove a user", "name")},
        "/api/links": {
            "post": {
                **_operation("Make a signed link", {"201": ("The link.", "LinkReply")}),
                "requestBody": _body("LinkRequest"),
            }
        },
        "/api/phone": {
            "get": _operation(
                "What a phone needs to become a camera", {"200": ("Addresses and the code.", "PhoneReply")}
            ),
            "post": _operation(
                "Get a new code if the present one is used or expired",
                {"201": ("The code.", "PhoneReply"), "404": ("The server has no code.", "ErrorReply")},
            ),
        },
        "/api/sessions": {"get": _operation("Who is connected", {"200": ("The connections.", "SessionsReply")})},
        "/api/sessions/{session_id}": {"delete": _removal("End a connection", "session_id")},
    }


def _operation(summary: str, good: dict[str, tuple[str, str | None]]) -> dict[str, Any]:
    refusals = {
        "400": ("The body is invalid.", "ErrorReply"),
        "401": ("There is no credential, or it is wrong.", "ErrorReply"),
        "403": ("The credential does not allow this.", "ErrorReply"),
    }
    return {
        "summary": summary,
        "responses": {
            status: {"description": description}
            if schema is None
            else {"description": description, "content": _json(schema)}
            for status, (description, schema) in {**good, **refusals}.items()
        },
    }


def _removal(summary: str, parameter: str) -> dict[str, Any]:
    good = {"204": ("It is done.", None), "404": ("There is no such thing.", "ErrorReply")}
    described = {"name": parameter, "in": "path", "required": True, "description": "Which one.", "schema": _TEXT}
    return {**_operation(summary, good), "parameters": [described]}


_TEXT: Final = {"type": "string"}


def _body(schema: str) -> dict[str, Any]:
    return {"required": True, "content": _json(schema)}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
