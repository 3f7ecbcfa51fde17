"""Serve the web pages from built files."""

from __future__ import annotations

import errno
from http import HTTPStatus
from pathlib import Path
from typing import Final

from quart import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from skysentry_trio.base.languages import choose_language
from skysentry_trio.base.plain_style import PLAIN_STYLE
from skysentry_trio.server.http.plain_page import STYLE, PlainWords, write_plain_page
from skysentry_trio.server.http.static_files import send_static_file

WEB = Path(__file__).parents[2] / "web"
SIGN_IN = "sign-in.html"
_PLAIN_SIGN_IN: Final = {
    "en": PlainWords(
        title="Sign in",
        heading="Please sign in",
        text="This server shows its cameras only to people who have signed in.",
        links=("Sign in",),
    ),
    "de": PlainWords(
        title="Anmelden",
        heading="Bitte anmelden",
        text="Dieser Server zeigt seine Kameras nur Personen, die sich angemeldet haben.",
        links=("Anmelden",),
    ),
}
_UNBUILT = """\
The server runs, but its web pages were not built.

Cameras:  GET {prefix}/api/clients
Build:    pip install .
"""


def create_pages(root: Path = WEB) -> Blueprint:
    """Return the routes of the pages; ``root`` is the folder of the built pages."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    @pages.get("/stream")
    async def get_viewer() -> Response:
        response = await _page(root, "index.html")
        # At /stream there is also a Motion JPEG stream.
        response.vary.add("Accept")
        return response

    @pages.get("/capture")
    async def get_capture() -> Response:
        return await _page(root, "capture.html")

    @pages.get("/sign-in")
    async def get_sign_in() -> Response:
        return await _page(root, SIGN_IN)

    @pages.get("/admin")
    async def get_admin() -> Response:
        return await _page(root, "admin.html")

    @pages.get("/assets/<path:name>")
    async def get_asset(name: str) -> Response:
        # The name of an asset contains a hash of its content, so the content for a name never changes.
        response = await _file_of_folder(root / "assets", name)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        # The element consists of several files.
        _let_all_pages_load(response)
        return response

    @pages.get("/skysentry-viewer.js")
    async def get_element() -> Response:
        response = await _page(root, "skysentry-viewer.js")
        _let_all_pages_load(response)
        return response

    @pages.get("/service-worker.js")
    async def get_service_worker() -> Response:
        # At the top, because a service worker looks after the pages in its folder.
        return await _page(root, "service-worker.js")

    @pages.get("/viewer.webmanifest")
    async def get_viewer_manifest() -> Response:
        return await _page(root, "viewer.webmanifest")

    @pages.get("/camera.webmanifest")
    async def get_camera_manifest() -> Response:
        return await _page(root, "camera.webmanifest")

    @pages.get(f"/{STYLE}")
    async def get_plain_style() -> Response:
        response = Response(PLAIN_STYLE, content_type="text/css; charset=utf-8")
        response.headers["Cache-Control"] = "no-cache"
        return response

    @pages.get("/icons/<name>")
    async def get_icon(name: str) -> Response:
        response = await _file_of_folder(root / "icons", name)
        response.headers["Cache-Control"] = "no-cache"
        return response

    return pages


async def sign_in_page(root: Path) -> Response:
    """Return the answer to a browser without a credential: the page on which people sign in, at any address."""
    # The page loads its parts from beside its address, so deeper addresses get a page without parts.
    if request.path.count("/") > 1 or not (root / SIGN_IN).is_file():
        response = _plain_sign_in()
    else:
        response = await send_static_file(root, SIGN_IN)
        # A condition of the request is about the page that it asked for.
        if response.status_code != HTTPStatus.OK:
            response = _plain_sign_in()
    response.status_code = HTTPStatus.UNAUTHORIZED
    response.headers.pop("ETag", None)
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    return response


def _plain_sign_in() -> Response:
    language = choose_language(request.accept_languages)
    depth = request.scope["raw_path"].count(b"/")
    page = write_plain_page(_PLAIN_SIGN_IN[language], ("sign-in",), depth=depth, language=language)
    response = Response(page, content_type="text/html; charset=utf-8")
    response.vary.add("Accept-Language")
    return response


def _let_all_pages_load(response: Response) -> None:
    """Let pages of all origins load a file: the element on them can then say that the server refuses their origin."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"


async def _file_of_folder(folder: Path, name: str) -> Response:
    """Return the response with a file whose name may be anything.

    Raises:
        NotFound: there is no such file in the folder.
    """
    try:
        return await send_static_file(folder, name)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise NotFound from None
        raise


async def _page(root: Path, name: str) -> Response:
    try:
        response = await send_static_file(root, name)
    except NotFound:
        return Response(_UNBUILT.format(prefix=request.root_path), 503, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response
