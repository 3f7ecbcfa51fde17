"""The language and the theme of the pages in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import CHROMIUM, Server, cameras

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running, cameras(running, [("door", "Front door")], fps=5):
        yield running


def test_the_pages_speak_the_language_of_the_browser(server: Server, open_page: OpenPage) -> None:
    """In a German browser all pages are German, for screen readers too, and numbers have a decimal comma."""
    page = open_page(f"{server.url}/", locale="de-AT")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page).to_have_title("Kameras \u2013 SkySentry")
    expect(page.locator(".page-count")).to_contain_text("von 1 live")
    page.keyboard.press("i")
    expect(page.locator('.sky-tile__figures [data-figure="fps"]')).to_contain_text(",")
    page.get_by_role("button", name="Front door groß anzeigen").click()
    expect(page.get_by_role("dialog", name="Front door, live")).to_be_visible()
    expect(page.get_by_role("button", name="10 Sekunden zurück")).to_be_visible()
    page = open_page(f"{server.url}/capture", locale="de-AT")
    expect(page).to_have_title("Kameraseite \u2013 SkySentry")
    page.get_by_role("button", name="Kamera einschalten").or_(page.get_by_role("button", name="Live gehen")).click()


def test_a_chosen_language_is_remembered(server: Server, open_page: OpenPage) -> None:
    """The switch changes the page at once, after a reload and on the other page; the address is stronger."""
    page = open_page(f"{server.url}/?lang=de&panel=look", locale="en-GB")
    page.get_by_label("Sprache").last.select_option("English")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert "lang=" not in page.url
    page.get_by_label("Language").last.select_option("Deutsch")
    expect(page.locator(".page-count")).to_contain_text(" von ")
    page.goto(f"{server.url}/capture?autostart=1&id=other")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("button", name="Beenden")).to_be_visible()
    page.goto(f"{server.url}/capture?id=other&lang=en")
    expect(page.get_by_text("Advanced")).to_be_visible()
    expect(page).to_have_url(f"{server.url}/capture?id=other&lang=en")


def test_a_chosen_theme_is_remembered(server: Server, open_page: OpenPage) -> None:
    """The switch changes the colours at once and for the next visit; behind pictures it stays dark."""

    def ground(of: str) -> str:
        colour: str = page.locator(of).first.evaluate("(element) => getComputedStyle(element).backgroundColor")
        return colour

    page = open_page(f"{server.url}/?panel=look", scheme="dark")
    assert ground(".page-drawer") == "rgb(23, 28, 35)"
    page.get_by_label("Theme", exact=True).select_option("Light")
    assert ground(".page-drawer") == "rgb(255, 255, 255)"
    assert ground("body") == ground(".sky-wall") == "rgb(10, 13, 17)"
    page.goto(f"{server.url}/capture")
    assert ground(".sky-panel") == "rgb(255, 255, 255)"
    assert ground(".sky-preview") == "rgb(11, 14, 18)"
    page.goto(f"{server.url}/capture?theme=contrast")
    assert ground(".sky-panel") == "rgb(0, 0, 0)"
    page.goto(f"{server.url}/capture")
    assert ground(".sky-panel") == "rgb(255, 255, 255)"


def test_more_contrast_is_shown_where_the_system_asks_for_it(server: Server, open_page: OpenPage) -> None:
    """A system with more contrast gets the theme with high contrast, unless the person has chosen another one."""
    page = open_page(f"{server.url}/capture", contrast="more")
    expect(page.locator("html")).to_have_attribute("data-sky-theme", "contrast")
    page.goto(f"{server.url}/capture?theme=light")
    expect(page.locator("html")).to_have_attribute("data-sky-theme", "light")
