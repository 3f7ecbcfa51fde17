"""Tell a person who mistyped an address where the pages are; programs get JSON instead."""

from __future__ import annotations

from collections.abc import Iterable

from quart import Response

_PAGE = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta name="color-scheme" content="light dark">
    <title>No page here · SkySentry</title>
  </head>
  <body>
    <main>
      <h1>There is no page at this address</h1>
      <ul>
        <li><a href="{home}">Watch the cameras</a></li>
        <li><a href="{home}capture">Use this device as a camera</a></li>
        <li><a href="{home}api/openapi.json">Addresses for programs</a></li>
      </ul>
    </main>
  </body>
</html>
"""


def prefers_page(accepted: Iterable[tuple[str, float]]) -> bool:
    """Return whether the client is a browser that opens a page: it names text/html, and JSON only as second best.

    Args:
        accepted: media types and qualities of the ``Accept`` header; ``*/*``, which all programs send, does not count.
    """
    qualities = {name.lower(): quality for name, quality in accepted}
    return qualities.get("text/html", 0.0) > qualities.get("application/json", 0.0)


def describe_missing_page(raw_path: bytes) -> Response:
    """Return the answer 404 with links to the pages.

    Args:
        raw_path: path of the request, quoted. A proxy may have removed a prefix that the server does not know, so the
            links are relative to this path.
    """
    home = "../" * (raw_path.count(b"/") - 1) or "./"
    response = Response(_PAGE.format(home=home), 404, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept")
    return response
