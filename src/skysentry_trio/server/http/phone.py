"""What a phone needs to become a camera: ``/api/phone`` with the code, and ``/set-up``, which leads to https."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from attrs import frozen
from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action
from skysentry_trio.server.access.phone_code import CodeState, PhoneCode
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.access.start import AccessSetup
from skysentry_trio.server.http.current import CurrentHub, current_request
from skysentry_trio.server.http.json_bodies import json_response
from skysentry_trio.server.http.static_files import send_static_file
from skysentry_trio.server.transport.https_redirect import https_address
from skysentry_trio.wire.administration import PhoneCodeReply, PhoneReply

_OWN_CONNECTIONS = "connect-src 'self'"


@frozen
class PhoneSetup:
    """What the server knows of phones."""

    code: PhoneCode | None = None
    """Of a server that was started with ``--phone``."""
    https_port: int | None = None
    """Port of https; None for a server without TLS."""
    is_self_signed: bool = False
    """Whether the server has made its certificate itself, so that devices warn of it."""


NO_PHONE: Final = PhoneSetup()
"""Of a server without https and without a code."""


def create_phone(current_hub: CurrentHub, setup: AccessSetup, phone: PhoneSetup, pages: Path) -> Blueprint:
    """Return the routes ``/api/phone`` and ``/set-up``.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may do.
        setup: the rules, and what changes them.
        phone: what the server knows of phones.
        pages: folder of the built web pages.
    """
    routes, access = Blueprint("phone", __name__), setup.access

    def may_give_links() -> bool:
        """Return whether the principal gets the code, which lets anyone who has it send as a camera.

        An address of this machine is no proof: behind a proxy on the same machine, all clients come from there.
        """
        try:
            return current_hub().may(Action.ADMIN)
        except ProtocolViolation:
            return False

    def describe() -> PhoneReply:
        shown = phone.code.describe(access) if phone.code is not None and may_give_links() else None
        code = None if shown is None else PhoneCodeReply(shown.url, shown.state, shown.expires_in)
        return PhoneReply(_find_https(phone), phone.is_self_signed, code)

    @routes.get("/api/phone")
    async def get_phone() -> Response:
        # A phone may have used the link a moment ago.
        setup.watcher.look()
        return json_response(describe())

    @routes.post("/api/phone")
    async def post_phone() -> Response:
        hub = current_hub()
        hub.require(Action.ADMIN)
        if (code := phone.code) is None:
            raise ProtocolViolation("this server was not started with --phone, so it has no code", "not-found")
        setup.watcher.look()
        shown = code.describe(access)
        if shown is not None and shown.state is not CodeState.WAITING:
            await setup.change(partial(code.renew, setup.editor, access.fact_of(hub.principal)))
            setup.watcher.look()
            audit.info("link made", who=hub.principal.name, action=Action.PUBLISH, camera="*", once=True)
        return json_response(describe(), 201)

    @routes.get("/set-up")
    async def get_set_up() -> Response:
        # With https, there is nothing to set up; the capture page has the same words for a server without https.
        if current_request().is_tls or _find_https(phone) is None:
            return Response(b"", 303, {"Location": "./capture"})
        response = await send_static_file(pages, "capture.html")
        response.headers["Cache-Control"] = "no-cache"
        return response

    @routes.after_app_request
    async def allow_trying_https(response: Response) -> Response:
        """Let the page find out whether the browser takes the certificate."""
        if request.endpoint == "phone.get_set_up" and (address := _find_https(phone)) is not None:
            policy = response.headers["Content-Security-Policy"]
            response.headers["Content-Security-Policy"] = policy.replace(
                _OWN_CONNECTIONS, f"{_OWN_CONNECTIONS} {address}"
            )
        return response

    return routes


def _find_https(phone: PhoneSetup) -> str | None:
    """Return the address of the server with https, by the name that the client uses; None if there is none."""
    asked = current_request()
    # The client reaches a proxy, whose ports are not known here.
    if phone.https_port is None or asked.is_from_proxy:
        return None
    return https_address(asked.head.headers.get("host", ""), phone.https_port)
