"""The pages on the home screen: what a system needs to install them, and what they do without the server."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import CHROMIUM, ROOT, Proxy, Server, wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]
PACKAGE = ROOT / "src" / "skysentry_trio"
KEPT = """async () => {
  const kept = {};
  for (const name of await caches.keys())
    kept[name.split(" ").at(-1)] = (await (await caches.open(name)).keys()).map(({ url }) => url);
  return kept;
}"""

ACTIVE = """async () => {
  const { active, installing } = await navigator.serviceWorker.getRegistration();
  return (await caches.keys()).some((name) => name.endsWith("second")) && !installing && active?.state === "activated";
}"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder with the package, whose web pages the test may change."""
    package = tmp_path / "skysentry_trio"
    package.mkdir()
    for part in PACKAGE.iterdir():
        if part.name != "web":
            (package / part.name).symlink_to(part)
    # Without the compressed forms, there is one file to change.
    shutil.copytree(PACKAGE / "web", package / "web", ignore=shutil.ignore_patterns("*.br", "*.gz"))
    return tmp_path


def build_anew(web: Path) -> None:
    """Change the files as another build does."""
    for name, old, new in [
        ("index.html", "<title>", '<meta name="build" content="second"><title>'),
        ("service-worker.js", r'version:?"?:"?\w+"', 'version":"second"'),
    ]:
        text, changes = re.subn(old, new, (web / name).read_text())
        assert changes == 1
        (web / name).write_text(text)


def check_installable(page: Page) -> None:
    """Check that Chromium finds nothing that keeps the page from being installed."""
    session = page.context.new_cdp_session(page)
    assert session.send("Page.getAppManifest")["errors"] == []
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # The windows of tests are private ones.
    assert [error for error in errors if error["errorId"] != "in-incognito"] == []


def test_pages_are_installed_open_without_the_server_and_follow_a_new_build(source: Path, open_page: OpenPage) -> None:
    """Also below a path of a proxy. A browser keeps the build and nothing else, and shows a new build at once."""
    with Server(source=source) as server, Proxy(server, prefix="/cams") as proxy:
        page = open_page(f"{proxy.url}/", service_workers="allow")
        check_installable(page)
        wait_until(lambda: page.evaluate("() => navigator.serviceWorker.controller !== null"), "the pages are kept")
        (kept,) = page.evaluate(KEPT).values()
        assert all(re.fullmatch(re.escape(proxy.url) + r"/(|capture|assets/[\w.-]+)", url) for url in kept)
        assert len(kept) > 15

        build_anew(source / "skysentry_trio" / "web")
        page.goto(f"{proxy.url}/")
        expect(page.locator('meta[name="build"]')).to_have_attribute("content", "second")
        wait_until(lambda: page.evaluate(ACTIVE), "the new build is kept")

        proxy.is_down = True
        proxy.block()
        page.goto(f"{proxy.url}/capture?id=door")
        expect(page.get_by_role("heading", name="SkySentry")).to_be_visible()
        page.goto(f"{proxy.url}/?lang=de")
        expect(page.get_by_text("keine Verbindung")).to_be_visible()
        assert page.locator('meta[name="build"]').count() == 1

        proxy.is_down = False
        proxy.unblock()
        expect(page.get_by_text("keine Verbindung")).to_be_hidden(timeout=15_000)
        expect(page.get_by_text("Keine Kamera sendet")).to_be_visible()
