"""A phone becomes a camera: scan the code, go past the warning, tap once. The server is on a host of its own."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import httpx
import pytest
from benchmarks.far_host import FarHost
from PIL import Image
from PIL.ExifTags import Base
from playwright.sync_api import Browser, Error, FilePayload, Page, Playwright, expect

from skysentry_trio.base.principal import Action
from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.sources.drawing import MORNING, Pattern
from tests.e2e.browser import CHROMIUM_FLAGS, WINDOWED_CHROMIUM, link, wait_until
from tests.e2e.conftest import running_chromium
from tests.e2e.namespaces import far_host
from tests.e2e.processes import Program, running
from tests.qr_codes import read_qr

pytestmark = [
    pytest.mark.e2e,
    # The server is on another host and has a certificate of its own. Several servers are on this host, without TLS.
    pytest.mark.one_server,
    pytest.mark.skipif(
        not WINDOWED_CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {WINDOWED_CHROMIUM} on this machine"
    ),
]

OpenPage = Callable[..., Page]
PHONE = (390, 844)
# Where the pictures in the documentation come from: set it to docs/images to take them again.
SCREENSHOTS = os.environ.get("SCREENSHOTS")
PROMISE = 20.0
"""Seconds from the command to the picture on a quiet machine; a busy one may need three times as long."""
HAND = {"is_mobile": True, "has_touch": True}
# What a network does that lets only HTTP through.
NO_WEBSOCKETS = """
const Real = WebSocket;
window.blocked = true;
window.WebSocket = function (url, protocols) {
  return new Real(window.blocked ? String(url).replace(/ws$/, "no-websocket") : url, protocols);
};
"""


@pytest.fixture(scope="module")
def browser(playwright: Playwright, folder_of_browsers: Path) -> Iterator[Browser]:
    """Run the Chromium that warns of certificates, and lets people go past the warning."""
    with running_chromium(playwright, folder_of_browsers, WINDOWED_CHROMIUM) as launched:
        yield launched


@pytest.fixture(scope="module")
def host() -> Iterator[FarHost]:
    with far_host("100mbit", 1_000_000) as host:
        yield host


@contextmanager
def serving(host: FarHost, state: Path, *arguments: str) -> Iterator[Program]:
    """Run a server on the other host; every port is free there."""
    with running("serve", "--state-dir", str(state), *arguments, before=host.command()) as program:
        yield program


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file that gets the certificate of the server's authority."""
    return tmp_path_factory.mktemp("phone") / "tls" / "authority.pem"


@pytest.fixture(scope="module")
def server(host: FarHost, authority: Path) -> Iterator[Program]:
    """Run a server whose code is for any number of browsers."""
    flags = ("--phone", "--open", "--port", "8443", "--http-redirect-port", "80")
    with serving(host, authority.parent.parent, *flags) as program:
        program.wait_for_line(r"To get rid of the warning")
        yield program


def photograph(page: Page, name: str, host: str) -> None:
    """Take the pictures of a page for the documentation, with a usual address in place of that of this host."""
    if SCREENSHOTS is None:
        return
    page.evaluate(
        """(host) => {
          const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(host, "192.168.1.20");
        }""",
        host,
    )
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        # The colours of buttons change slowly.
        page.wait_for_timeout(500)
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{scheme}.png", full_page=name.endswith("phone"))


def scan(server: Program) -> str:
    return read_qr("".join(server.lines))


def go_live(page: Page) -> None:
    page.get_by_role("button", name="Go live").tap()
    wait_until(lambda: link(page) == "on-air", "live")


def go_past_warning(page: Page, address: str) -> None:
    """Open an address whose certificate the browser warns of, and continue with its buttons."""
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        page.goto(address)
    page.locator("#details-button").click()
    page.locator("#proceed-link").click()
    page.locator(".sky-client").wait_for()


def test_a_phone_is_live_within_twenty_seconds_of_the_command(
    host: FarHost, tmp_path: Path, open_page: OpenPage, record_property: Callable[[str, object], None]
) -> None:
    """Scan the code, go past the warning, tap once. The code needs no sign-in, and is for the first browser only."""
    page = open_page("about:blank", PHONE, **HAND)
    started = time.monotonic()
    with serving(host, tmp_path, "--phone", "--port", "9443") as server:
        server.wait_for_line(r"To get rid of the warning")
        address = scan(server)
        assert "/capture?link=" in address
        go_past_warning(page, address)
        go_live(page)
        assert "link=" not in page.url
        invitation = server.wait_for_line(r"https://\S+/admin\?link=\S+").group()
        viewer = open_page(invitation, ignore_https_errors=True)
        viewer.goto(invitation.partition("/admin")[0])
        expect(viewer.locator('.sky-tile[data-status="live"]')).to_be_visible()
        took = time.monotonic() - started
        record_property("seconds from the command to the picture", round(took, 1))
        assert took < 3 * PROMISE
        second = open_page(address, PHONE, ignore_https_errors=True)
        assert second.get_by_role("button", name="Go live").count() == 0
        # On a computer, the capture page says that the code is used, and gives a new one.
        viewer.goto(address.partition("?")[0])
        expect(viewer.locator("[data-code]")).to_have_attribute("data-code", "used")
        viewer.get_by_role("button", name="New code").click()
        shown = viewer.get_by_role("img", name="QR code for")
        expect(shown).to_be_visible()
        assert "/capture?link=" in (shown.get_attribute("aria-label") or "")
        assert address not in (shown.get_attribute("aria-label") or "")
        photograph(viewer, "phone-code-desktop", host.address)


def test_a_phone_that_trusts_the_server_is_not_warned(
    server: Program, authority: Path, tmp_path: Path, browser: Browser
) -> None:
    """With the authority in the browser's store, also the address over http leads straight to the camera."""
    if shutil.which("certutil") is None and "CI" not in os.environ:
        pytest.skip("no certutil on this machine")
    address = scan(server)
    home = tmp_path / "home"
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for words in (["-N", "--empty-password"], ["-A", "-n", "server", "-t", "C,,", "-i", str(authority)]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *words], check=True, timeout=30)
    trusting = browser.browser_type.launch(
        executable_path=WINDOWED_CHROMIUM, args=[*CHROMIUM_FLAGS], env={**os.environ, "HOME": str(home)}
    )
    try:
        page = trusting.new_page(permissions=["camera"])
        page.goto(address)
        page.get_by_role("button", name="Go live").wait_for()
        page.goto(f"http://{httpx.URL(address).host}/capture?name=Door")
        page.wait_for_url(re.compile(r"https://.*/capture\?.*name=Door"))
        page.get_by_role("button", name="Go live").wait_for()
    finally:
        trusting.close()


def test_a_phone_that_comes_over_http_is_led_to_https(server: Program, open_page: OpenPage) -> None:
    """It is told of the warning before it sees it, with the file for its system; nothing secret goes over http."""
    there = httpx.URL(scan(server)).host
    page = open_page(f"http://{there}/capture?name=Door", PHONE, user_agent="Mozilla/5.0 (iPhone) Safari/605", **HAND)
    expect(page.get_by_role("heading", name="One step before this phone is a camera")).to_be_visible()
    expect(page.locator(".set-up__trust a")).to_have_attribute("href", "trust/skysentry.mobileconfig")
    assert page.locator("input[type=file]").count() == 0
    button = page.get_by_role("link", name=f"Open https://{there}:8443")
    assert button.get_attribute("href") == f"https://{there}:8443/capture?name=Door"
    photograph(page, "set-up-phone", there)
    # After the person has gone past the warning elsewhere, the page notices it.
    other = page.context.new_page()
    go_past_warning(other, f"https://{there}:8443/capture")
    other.close()
    expect(page.get_by_text("This browser takes the certificate.")).to_be_visible(timeout=15_000)


def picture() -> bytes:
    """Return an upright picture as phones save it: lying, with a note how to turn it."""
    exif, saved = Image.Exif(), io.BytesIO()
    exif[Base.Orientation] = 6
    upright = Image.open(io.BytesIO(Pattern("Front door", 1200, 1600, look=MORNING).draw(0, time.time())))
    upright.transpose(Image.Transpose.ROTATE_90).save(saved, "JPEG", exif=exif)
    return saved.getvalue()


def test_without_https_a_phone_sends_single_pictures(host: FarHost, tmp_path: Path, open_page: OpenPage) -> None:
    """In the size of the camera and upright, with the access of a link; without it the page says why not."""
    editor = RulesEditor(tmp_path)
    admin = editor.add_key("admin", {"admin": ["*"]}).key
    tokens = {action: editor.make_link(action, "*", 600).token for action in (Action.PUBLISH, Action.VIEW)}
    with serving(host, tmp_path, "--host", "0.0.0.0", "--port", "8080") as server:
        server.wait_for_line("serving")
        there = f"http://{host.address}:8080"
        page = open_page(f"{there}/capture?id=door&link={tokens[Action.PUBLISH]}", PHONE, **HAND)
        expect(page.get_by_text("skysentry-trio serve --phone")).to_be_visible()
        result, file = page.locator(".set-up__result"), page.locator("input[type=file]")
        lying = FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=picture())
        page.get_by_label("Name").fill("Front door")
        file.set_input_files([lying])
        expect(result).to_have_text("The picture is on the wall.")
        access = {"Authorization": f"Bearer {admin}"}
        photograph(page, "single-picture-phone", host.address)
        (details,) = httpx.get(f"{there}/api/clients", headers=access).json()["details"]
        assert (details["clientId"], details["name"], details["online"]) == ("door", "Front door", True)
        latest = httpx.get(f"{there}/api/clients/door/latest.jpg", headers=access)
        assert Image.open(io.BytesIO(latest.content)).size == (960, 1280)
        file.set_input_files([FilePayload(name="a.heic", mimeType="image/heic", buffer=b"ftypheic")])
        expect(result).to_contain_text("cannot read the picture")
        file.set_input_files([lying])
        expect(result).to_have_text("The picture is on the wall.")
        watcher = open_page(f"{there}/capture?id=door&link={tokens[Action.VIEW]}", PHONE, **HAND)
        watcher.locator("input[type=file]").set_input_files([lying])
        expect(watcher.locator(".set-up__result")).to_contain_text("You may not send as this camera")


def test_without_websockets_a_phone_posts_its_pictures(server: Program, open_page: OpenPage) -> None:
    """At least two a second; the page says so, and returns to the WebSocket when it gets one."""
    posted: list[float] = []
    page = open_page(scan(server), PHONE, before=NO_WEBSOCKETS, ignore_https_errors=True, **HAND)
    page.on("requestfinished", lambda request: posted.append(time.monotonic()) if request.method == "POST" else None)
    go_live(page)
    wait_until(lambda: page.evaluate("1") and len(posted) > 10, "pictures posted")
    assert (len(posted) - 1) / (posted[-1] - posted[0]) >= 2
    assert "lets no WebSocket through" in page.inner_text("body")
    page.evaluate("window.blocked = false")
    wait_until(lambda: "lets no WebSocket through" not in page.inner_text("body"), "back on the WebSocket", patience=40)
    wait_until(lambda: link(page) == "on-air", "live")
