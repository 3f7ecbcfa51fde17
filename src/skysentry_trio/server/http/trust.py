"""The page that explains how to trust the server's own certificate authority, and the files for it."""

from __future__ import annotations

from pathlib import Path

import trio
from quart import Blueprint, Response, request

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.languages import choose_language


def create_trust(authority_file: Path | None) -> Blueprint:
    """Return the routes ``/trust`` and ``/trust/…``.

    Args:
        authority_file: certificate of the authority in PEM form; None if the server has no authority of its own.
    """
    trust = Blueprint("trust", __name__)

    @trust.get("/trust")
    async def get_page() -> Response:
        return await _send(authority_file, "index.html", base="trust/")

    @trust.get("/trust/<name>")
    async def get_file(name: str) -> Response:
        return await _send(authority_file, name)

    return trust


async def _send(authority_file: Path | None, name: str, *, base: str = "") -> Response:
    if authority_file is None:
        raise ProtocolViolation(
            "this server has no certificate authority of its own, so there is nothing to trust here", "not-found"
        )
    # Imported here, because most servers do not need the library for certificates.
    from skysentry_trio.base.trust_page import CONTENT_TYPES, trust_files  # noqa: PLC0415

    language = choose_language(request.accept_languages)
    content = trust_files(await trio.Path(authority_file).read_bytes(), base=base, language=language).get(name)
    if content is None:
        raise ProtocolViolation(f"expected one of {', '.join(CONTENT_TYPES)}, got {name[:80]}", "not-found")
    response = Response(content, content_type=CONTENT_TYPES[name])
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept-Language")
    return response
