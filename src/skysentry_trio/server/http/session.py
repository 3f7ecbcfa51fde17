"""``/api/session``: who makes the request, signing in, and signing out."""

from __future__ import annotations

from functools import partial

from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Principal
from skysentry_trio.server.access.access import Access
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.access.start import AccessSetup
from skysentry_trio.server.http.current import current_request
from skysentry_trio.server.http.json_bodies import json_response, read_json
from skysentry_trio.server.http.session_cookie import remove_session_cookies, set_session_cookie
from skysentry_trio.wire.administration import SessionReply, SignIn
from skysentry_trio.wire.messages import to_milliseconds
from skysentry_trio.wire.presented import read_credentials


def create_session(setup: AccessSetup) -> Blueprint:
    """Return the routes at ``/api/session``."""
    session, access = Blueprint("session", __name__, url_prefix="/api"), setup.access

    @session.get("/session")
    async def get_session() -> Response:
        return json_response(_describe(access, current_request().principal))

    @session.post("/session")
    async def post_session() -> Response:
        # Otherwise a foreign page could sign a browser in as somebody else.
        current_request().require_allowed_origin("sign in")
        asked = await read_json(SignIn)
        if access.is_open:
            return json_response(_describe(access, current_request().principal))
        try:
            principal = await _verify(access, asked, current_request().peer.host)
        except ProtocolViolation as violation:
            # People type their password into the wrong field.
            who = asked.user if access.has_user(asked.user) else None
            audit.info("sign-in refused", who=who, code=violation.code, error=str(violation))
            raise
        cookie, expires = access.sign_in(principal)
        audit.info("signed in", who=principal.name, how=principal.kind)
        response = json_response(_describe(access, access.verify_cookie(cookie)))
        set_session_cookie(response, cookie, expires - access.now())
        return response

    @session.delete("/session")
    async def delete_session() -> Response:
        current_request().require_allowed_origin("sign out")
        await _end_cookie(setup)
        response = Response(b"", 204)
        del response.headers["Content-Type"], response.headers["Content-Length"]
        remove_session_cookies(response)
        return response

    return session


async def _verify(access: Access, asked: SignIn, address: str) -> Principal:
    if asked.key is not None:
        return await access.check_token(asked.key, address)
    if asked.user is None or asked.password is None:
        raise ProtocolViolation("expected user and password, or key", "bad-request")
    return await access.check_password(asked.user, asked.password, address)


async def _end_cookie(setup: AccessSetup) -> None:
    """Let the cookie of the request count no longer, wherever it was copied to."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    cookie = read_credentials({"cookie": headers.get("cookie", "")}, "", is_tls=current_request().is_tls).cookie
    if cookie is None or setup.access.is_open:
        return
    try:
        ticket, principal = setup.access.read_cookie(cookie), setup.access.verify_cookie(cookie)
    except ProtocolViolation:
        return
    audit.info("signed out", who=principal.name)
    # Otherwise the cookie is a link, which others may use too.
    if ticket.made is not None:
        await setup.change(partial(setup.editor.end_ticket, ticket.id, ticket.expires))


def _describe(access: Access, principal: Principal) -> SessionReply:
    return SessionReply(
        principal.name,
        principal.kind,
        principal.rights.describe(),
        to_milliseconds(principal.expires_at),
        access.is_open,
    )
