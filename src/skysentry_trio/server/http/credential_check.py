"""Refuse requests that need a credential and have none: with JSON for programs, with the sign-in page for people."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus

from quart import Response, request
from quart_trio import QuartTrio

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.access.gate import SAFE_METHODS
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.access.start import AccessSetup
from skysentry_trio.server.http.current import current_request
from skysentry_trio.server.http.missing_page import prefers_page
from skysentry_trio.server.http.pages import sign_in_page
from skysentry_trio.server.http.session_cookie import set_session_cookie
from skysentry_trio.server.transport.request import refusal_of
from skysentry_trio.wire.presented import LINK_FIELD

PUBLIC: Final = frozenset(
    {
        "pages.get_asset",
        "pages.get_camera_manifest",
        "pages.get_element",
        "pages.get_icon",
        "pages.get_plain_style",
        "pages.get_service_worker",
        "pages.get_sign_in",
        "pages.get_viewer_manifest",
        "phone.get_phone",
        "phone.get_set_up",
        "session.delete_session",
        "session.post_session",
        "trust.get_file",
        "trust.get_page",
    }
)
"""Routes that need no credential, and that do not look at one: what the sign-in page needs, what others embed, what
systems load to install the pages, and what devices must have before they trust the server.
`phone.get_phone` gives the code only to administrators."""
TERSE: Final = frozenset({"api.get_health", "api.get_ready"})
"""Routes that answer briefly without a credential, because load balancers have none; a wrong one is refused."""


def add_credential_check(app: QuartTrio, setup: AccessSetup, pages: Path) -> None:
    """Let an application refuse requests without a credential before it looks for their route.

    Args:
        app: the application; this comes before its other functions for all requests.
        setup: the rules.
        pages: folder of the built web pages.
    """

    @app.before_request
    async def require_credential() -> Response | None:
        asked = current_request()
        # For every principal, and on an open server: browsers send some requests of foreign pages without asking.
        if request.method not in SAFE_METHODS:
            asked.require_allowed_origin("change anything")
        # A browser asks with OPTIONS, and never with a credential, whether a page may send the request that it makes.
        if request.method == "OPTIONS" or request.endpoint in PUBLIC:
            return None
        is_navigation = request.method == "GET" and prefers_page(request.accept_mimetypes)
        if is_navigation and not setup.access.is_open and (link := request.args.get(LINK_FIELD)) is not None:
            try:
                return await _exchange_link(setup, link)
            except ProtocolViolation as violation:
                audit.info("access refused", what=request.path, code=violation.code, error=str(violation))
                return await sign_in_page(pages)
        refusal = refusal_of(asked)
        if refusal is None or (request.endpoint in TERSE and asked.denial is None):
            return None
        if asked.denial is not None:
            audit.info("access refused", what=request.path, code=refusal.code, error=str(refusal))
        if is_navigation:
            return await sign_in_page(pages)
        raise refusal


async def _exchange_link(setup: AccessSetup, link: str) -> Response:
    """Answer with a cookie in exchange for a link, and lead to the same address without the link.

    So the link is not in the address that the browser shows, keeps and sends as ``Referer``.

    Raises:
        ProtocolViolation: the link is invalid.
    """
    access, editor = setup.access, setup.editor
    ticket = access.read_link(link)
    cookie, expires = access.exchange(ticket)
    access.verify_cookie(cookie)
    if ticket.once:
        if not await setup.change(partial(editor.end_ticket, ticket.id, ticket.expires)):
            raise ProtocolViolation("the link was used already", "unauthenticated")
        if ticket.id == access.records.invitation:
            await setup.change(partial(editor.accept_invitation, ticket.id))
    audit.info("signed in", who=access.verify_cookie(cookie).name, how="link")
    parts = request.query_string.decode("latin-1").split("&")
    query = "&".join(part for part in parts if unquote_plus(part.partition("=")[0]) != LINK_FIELD)
    last_segment = request.scope["raw_path"].decode("latin-1").rpartition("/")[2]
    # Relative, because a proxy may have removed a prefix of the path that the server does not know. With a dot, because
    # a last segment such as https:example.org would lead to another site.
    response = Response(b"", 303)
    response.headers["Location"] = f"./{last_segment}?{query}" if query else f"./{last_segment}"
    response.headers["Cache-Control"] = "no-store"
    set_session_cookie(response, cookie, expires - access.now())
    return response
