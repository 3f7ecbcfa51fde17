"""Tell a person who mistyped an address where the pages are; programs get JSON instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from quart import Response

_PAGE: Final = """\
<!doctype html>
<html lang="{language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta name="color-scheme" content="light dark">
    <title>{title} · SkySentry</title>
  </head>
  <body>
    <main>
      <h1>{heading}</h1>
      <ul>
        <li><a href="{home}">{watch}</a></li>
        <li><a href="{home}capture">{capture}</a></li>
        <li><a href="{home}api/openapi.json">{addresses}</a></li>
      </ul>
    </main>
  </body>
</html>
"""
_WORDS: Final = {
    "en": {
        "title": "No page here",
        "heading": "There is no page at this address",
        "watch": "Watch the cameras",
        "capture": "Use this device as a camera",
        "addresses": "Addresses for programs",
    },
    "de": {
        "title": "Keine Seite",
        "heading": "Unter dieser Adresse gibt es keine Seite",
        "watch": "Kameras ansehen",
        "capture": "Dieses Gerät als Kamera verwenden",
        "addresses": "Adressen für Programme",
    },
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
        raw_path: path of the request, quoted. A proxy may have removed a prefix that the server does not know, so the
            links are relative to this path.
        language: one of `LANGUAGES`.
    """
    home = "../" * (raw_path.count(b"/") - 1) or "./"
    page = _PAGE.format(home=home, language=language, **_WORDS[language])
    response = Response(page, 404, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.vary.update(["Accept", "Accept-Language"])
    return response
