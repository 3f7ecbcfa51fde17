"""A person who mistypes an address gets a page; programs get JSON."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from tests.server.http.rest_harness import Site

BROWSERS = [
    # Chromium, Firefox, Safari
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "TEXT/HTML",
    "text/html, application/json;q=0.9",
]
PROGRAMS = [
    None,
    "",
    "*/*",
    "application/json",
    "application/json, text/plain, */*",
    "application/json, text/html",
    "application/json, text/html;q=0.9",
    "text/html;q=0",
    "image/avif,image/webp,*/*;q=0.8",
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("accept", BROWSERS)
async def test_a_person_gets_a_page(accept: str, method: str) -> None:
    """Still 404, with the policy of all pages and no style or script in the page, which the policy forbids."""
    answer = await Site().ask("/Capture", method, Accept=accept)

    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Accept" in answer.headers["vary"]
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert b"<style" not in answer.body
    assert b"style=" not in answer.body
    assert b"<script" not in answer.body


async def test_the_page_has_the_language_of_the_browser() -> None:
    """A German browser gets it in German, and caches are told."""
    answer = await Site().ask("/Capture", Accept="text/html", Accept_Language="de-AT,de;q=0.9,en;q=0.8")

    assert '<html lang="de">' in answer.body.decode()
    assert "Accept-Language" in answer.headers["vary"]


@pytest.mark.parametrize("accept", PROGRAMS)
async def test_a_program_keeps_json(accept: str | None) -> None:
    """The answer of all errors; caches are told that it depends on Accept."""
    headers = {} if accept is None else {"Accept": accept}
    answer = await Site().ask("/Capture", **headers)

    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["success"] is False
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize(
    "path",
    [
        "/captur",
        "/capture/",
        "/cameras/front/door",
        "/a%2Fb",
        "/assets/missing.js",
        "/x?y=/z",
        "/api/nowhere",
    ],
)
@pytest.mark.parametrize("prefix", ["", "/sky", "/behind/a/proxy"])
async def test_the_links_lead_home_below_any_prefix(prefix: str, path: str) -> None:
    """The server does not know the prefix that a proxy removes, so the links are relative."""
    answer = await Site().ask(path, Accept="text/html")
    links = re.findall(r'(?:href|src)="([^"]+)"', answer.body.decode())
    found = [urljoin(f"https://host.example{prefix}{path}", link) for link in links]

    home = f"https://host.example{prefix}/"
    style, icon, *addresses = found
    assert addresses == [home, f"{home}capture", f"{home}api/openapi.json"]
    assert (style, icon) == (f"{home}plain.css", f"{home}icons/viewer.svg")


async def test_the_style_of_the_page_is_for_everybody() -> None:
    """Both colour schemes; the page that asks people to sign in needs the style too."""
    style = await Site().ask("/plain.css")

    assert (style.status, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert b"prefers-color-scheme: dark" in style.body


@pytest.mark.parametrize(("path", "status"), [("/api/clients/nobody/latest", 404), ("/api/clients/a%20b/latest", 400)])
async def test_an_answer_of_the_api_is_json_for_everybody(path: str, status: int) -> None:
    """The address is right; what was asked for is not there."""
    answer = await Site().ask(path, Accept="text/html")

    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
