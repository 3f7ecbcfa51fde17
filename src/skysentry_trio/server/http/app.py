"""Everything that is answered once: REST and pages in one application, with the headers and errors they share."""

from __future__ import annotations

from http import HTTPStatus

import trio
from quart import Blueprint, Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.logs import LogLimiter, get_logger
from skysentry_trio.server.http.exchange import PROTECTION, allow_origin
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.rest import ErrorReply

log = get_logger(__name__)

_MAX_BODY = 64 * 1024
_BODY_TIMEOUT = 10
_LOGGED_PATH = 200
"""Characters of an address in the log."""


def create_app(*parts: Blueprint, allowed_origins: frozenset[str] = frozenset()) -> QuartTrio:
    """Return the application.

    Args:
        parts: its routes.
        allowed_origins: whose pages may read what is answered here (CORS); ``*`` for all.
    """
    app = QuartTrio("skysentry_trio", static_folder=None)
    # An id such as "../" is refused, not redirected to where it leads.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.config["BODY_TIMEOUT"] = _BODY_TIMEOUT
    limit = LogLimiter()
    for part in parts:
        app.register_blueprint(part)

    @app.errorhandler(ProtocolViolation)
    async def refuse(violation: ProtocolViolation) -> Response:
        return _error(str(violation), violation.status)

    @app.errorhandler(HTTPException)
    async def explain(error: HTTPException) -> Response:
        reason = error.description or error.name
        if error.code == HTTPStatus.NOT_FOUND:
            reason = "there is nothing at this address; /api/openapi.json lists those of the API"
        response = _error(reason, error.code or 500)
        if (allow := dict(error.get_headers()).get("Allow")) is not None:
            response.headers["Allow"] = allow
        return response

    @app.errorhandler(Exception)
    async def apologize(error: Exception) -> Response:
        if (suppressed := limit.admit("request crashed", trio.current_time())) is not None:
            log.error("request crashed", path=request.path[:_LOGGED_PATH], suppressed=suppressed, exc_info=error)
        return _error("the server made a mistake; its log says more", 500)

    @app.after_request
    async def protect(response: Response) -> Response:
        response.headers.update(PROTECTION)
        if allowed_origins:
            _allow_origin(response, allowed_origins)
        return response

    return app


def _allow_origin(response: Response, allowed_origins: frozenset[str]) -> None:
    response.vary.add("Origin")
    preflight = "GET, HEAD, OPTIONS, POST" if request.method == "OPTIONS" else None
    origin, host = request.headers.get("Origin"), request.host
    response.headers.update(allow_origin(origin, host, allowed_origins, preflight=preflight))


def _error(message: str, status: int) -> Response:
    return Response(encode_json(ErrorReply(message)), status, content_type="application/json")
