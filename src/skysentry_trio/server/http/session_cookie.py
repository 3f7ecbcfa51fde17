"""Set and remove the cookie of a browser that has signed in."""

from __future__ import annotations

from quart import Response

from skysentry_trio.server.http.current import current_request
from skysentry_trio.wire.presented import COOKIE, SECURE_COOKIE


def set_session_cookie(response: Response, cookie: str, seconds: float) -> None:
    """Let the browser keep a cookie for some seconds."""
    is_tls = current_request().is_tls
    response.set_cookie(
        SECURE_COOKIE if is_tls else COOKIE,
        cookie,
        max_age=max(0, int(seconds)),
        path="/",
        secure=is_tls,
        httponly=True,
        samesite="Lax",
    )


def remove_session_cookies(response: Response) -> None:
    """Let the browser forget both cookies."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Lax")
    if current_request().is_tls:
        response.delete_cookie(SECURE_COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
