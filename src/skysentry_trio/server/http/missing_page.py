"""Tell a person who mistyped an address where the pages are; programs get JSON instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from quart import Response

from skysentry_trio.server.http.plain_page import PlainWords, write_plain_page

_ADDRESSES: Final = ("", "capture", "api/openapi.json")
_WORDS: Final = {
    "en": PlainWords(
        title="No page here",
        heading="There is no page at this address",
        text="It may be mistyped, or the page has another address now.",
        links=("Watch the cameras", "Use this device as a camera", "Addresses for programs"),
    ),
    "de": PlainWords(
        title="Keine Seite",
        heading="Unter dieser Adresse gibt es keine Seite",
        text="Vielleicht ist die Adresse falsch geschrieben, oder die Seite hat jetzt eine andere.",
        links=("Kameras ansehen", "Dieses Gerät als Kamera verwenden", "Adressen für Programme"),
    ),
}


def prefers_page(accepted: Iterable[tuple[str, float]]) -> bool:
    """Return whether the client is a browser that opens a page: it names text/html, and JSON only as second best.

    Args:
        accepted: media types and qualities of the ``Accept`` header; ``*/*``, which all programs send, does not count.
    """
    qualities = {name.lower(): quality for name, quality in accepted}
    return qualities.get("text/html", 0.0) > qualities.get("application/json", 0.0)


def describe_missing_page(raw_path: bytes, language: str) -> Response:
    """Return the answer 404 with links to the pages.

    Args:
        raw_path: path of the request, quoted.
        language: one of `LANGUAGES`.
    """
    page = write_plain_page(_WORDS[language], _ADDRESSES, depth=raw_path.count(b"/"), language=language)
    response = Response(page, 404, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.vary.update(["Accept", "Accept-Language"])
    return response
