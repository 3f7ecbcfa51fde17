"""REST and pages in one application, with the headers and errors that they share."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from quart import Blueprint, Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.languages import choose_language
from skysentry_trio.base.logs import LogLimiter, get_logger
from skysentry_trio.server.access.start import AccessSetup, open_to_everybody
from skysentry_trio.server.health import Health
from skysentry_trio.server.http.administration import create_administration
from skysentry_trio.server.http.clips import create_clips
from skysentry_trio.server.http.cluster_metrics import ClusterFigures, alone
from skysentry_trio.server.http.credential_check import add_credential_check
from skysentry_trio.server.http.current import current_request, scoped
from skysentry_trio.server.http.events import create_events
from skysentry_trio.server.http.exchange import allow_origin, protection
from skysentry_trio.server.http.export_jobs import ExportJobs
from skysentry_trio.server.http.exports import create_exports
from skysentry_trio.server.http.history import create_history
from skysentry_trio.server.http.link_metrics import ListLinks, list_no_links
from skysentry_trio.server.http.metrics import create_metrics
from skysentry_trio.server.http.missing_page import describe_missing_page, prefers_page
from skysentry_trio.server.http.pages import WEB, create_pages
from skysentry_trio.server.http.phone import NO_PHONE, PhoneSetup, create_phone
from skysentry_trio.server.http.recordings import Recordings
from skysentry_trio.server.http.rest import create_api
from skysentry_trio.server.http.results import create_results
from skysentry_trio.server.http.session import create_session
from skysentry_trio.server.http.trust import create_trust
from skysentry_trio.server.loop_monitor import LoopMonitor
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.transport.connection_log import ConnectionLog
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS, OtherServers
from skysentry_trio.wire.messages import encode_json
from skysentry_trio.wire.response import describe_challenge, describe_refusal
from skysentry_trio.wire.rest import ErrorReply

if TYPE_CHECKING:
    from skysentry_trio.server.history.history import History

log = get_logger(__name__)

_MAX_BODY = 64 * 1024
_BODY_TIMEOUT = 10
_EXPLAINING = {"Allow", "Content-Range"}
"""Headers of errors that say what would have been right."""
_LOGGED_PATH = 200
"""Maximum number of characters of an address in the log."""


def build_app(
    hub: Hub,
    health: Health,
    connections: ConnectionLog,
    loop: LoopMonitor,
    setup: AccessSetup | None = None,
    *,
    history: History | None = None,
    recordings: Recordings | None = None,
    exports: ExportJobs | None = None,
    pages: Path = WEB,
    authority: Path | None = None,
    phone: PhoneSetup = NO_PHONE,
    others: OtherServers = NO_OTHER_SERVERS,
    list_links: ListLinks = list_no_links,
    read_cluster: Callable[[], ClusterFigures] = alone,
) -> QuartTrio:
    """Return the application: every route that Quart serves, for the daemon, the tests and the documentation.

    Args:
        hub: of the server; every route sees only what the principal of the request may see.
        health: state of the process.
        connections: counted by the router.
        loop: measures the delay of the event loop.
        setup: the rules of access; None for a server that is open to everybody.
        history: what is recorded; None for a server that records nothing.
        recordings: reads what was recorded; None to read what ``history`` has.
        exports: of the recordings; None for a server that records nothing.
        pages: folder of the built web pages.
        authority: certificate of the server's own authority; None if the server has none.
        phone: what the server knows of phones.
        others: the other servers of a cluster.
        list_links: returns the links to these servers.
        read_cluster: returns what this server knows of its cluster.
    """
    recordings = recordings or Recordings(None if history is None else history.reader)
    current_hub, setup = scoped(hub), setup or open_to_everybody()
    return create_app(
        create_api(current_hub, health, connections, setup.access, others),
        create_session(setup),
        create_administration(current_hub, setup, others),
        create_clips(current_hub, recordings),
        create_history(current_hub, history, recordings, others),
        create_events(current_hub, history, recordings, others),
        create_exports(current_hub, exports, recordings, others),
        create_results(current_hub),
        create_metrics(
            hub,
            current_hub,
            health,
            connections,
            loop,
            history=history,
            exports=exports,
            list_links=list_links,
            read_cluster=read_cluster,
        ),
        create_pages(pages),
        create_trust(authority),
        create_phone(current_hub, setup, phone, pages),
        prepare=lambda app: add_credential_check(app, setup, pages),
        allowed_origins=frozenset(hub.settings.cors_origins),
        frame_ancestors=hub.settings.frame_ancestors,
    )


def create_app(
    *parts: Blueprint,
    allowed_origins: frozenset[str] = frozenset(),
    frame_ancestors: tuple[str, ...] = (),
    prepare: Callable[[QuartTrio], None] = lambda _app: None,
) -> QuartTrio:
    """Return an application with the headers and errors that all routes share.

    Args:
        parts: the routes of the application.
        allowed_origins: origins whose pages may read the answers (CORS); ``*`` for all.
        frame_ancestors: origins whose pages may show the answers in a frame; ``*`` for all.
        prepare: called with the application before it has routes.
    """
    app = QuartTrio("skysentry_trio", static_folder=None)
    # An id such as "../" is refused, not redirected.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.config["BODY_TIMEOUT"] = _BODY_TIMEOUT
    limit = LogLimiter()
    prepare(app)
    for part in parts:
        app.register_blueprint(part)

    @app.errorhandler(ProtocolViolation)
    async def refuse(violation: ProtocolViolation) -> Response:
        response = Response(
            encode_json(describe_refusal(violation)), violation.http_status, content_type="application/json"
        )
        if violation.http_status == HTTPStatus.UNAUTHORIZED:
            response.headers.update(describe_challenge(violation, current_request().head))
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(ConfigurationError)
    async def postpone(error: ConfigurationError) -> Response:
        log.error("rules not changed", exc_info=error)
        return await refuse(ProtocolViolation("the server cannot write its file of rules", "busy"))

    @app.errorhandler(HTTPException)
    async def explain(error: HTTPException) -> Response:
        reason = error.description or error.name
        if error.code == HTTPStatus.NOT_FOUND:
            reason = "nothing is at this address; /api/openapi.json lists the addresses of the API"
            if prefers_page(request.accept_mimetypes):
                return describe_missing_page(request.scope["raw_path"], choose_language(request.accept_languages))
        response = _error(reason, error.code or 500)
        for name, value in error.get_headers():
            if name in _EXPLAINING:
                response.headers[name] = value
        if error.code == HTTPStatus.NOT_FOUND:
            response.vary.add("Accept")
        return response

    @app.errorhandler(Exception)
    async def apologize(error: Exception) -> Response:
        if (suppressed := limit.admit("request crashed", trio.current_time())) is not None:
            log.error("request crashed", path=request.path[:_LOGGED_PATH], suppressed=suppressed, exc_info=error)
        return _error("internal error; the log of the server has the details", 500)

    @app.after_request
    async def protect(response: Response) -> Response:
        response.headers.update(protection(frame_ancestors))
        # Most answers depend on who asks, which no cache looks at.
        response.headers.setdefault("Cache-Control", "no-store")
        if allowed_origins:
            _allow_origin(response, allowed_origins)
        return response

    return app


def _allow_origin(response: Response, allowed_origins: frozenset[str]) -> None:
    preflight = "DELETE, GET, HEAD, OPTIONS, POST" if request.method == "OPTIONS" else None
    headers = allow_origin(current_request(), allowed_origins, preflight=preflight)
    response.vary.add(headers.pop("Vary"))
    response.headers.update(headers)


def _error(message: str, status: int) -> Response:
    return Response(encode_json(ErrorReply(message)), status, content_type="application/json")
