"""Every state of the pages for people who use a screen reader, a keyboard, or need more contrast."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from skysentry_trio.server.access.changes import RulesEditor
from tests.e2e.browser import CHROMIUM, ROOT, Server, cameras, registered, wait_for_frames
from tests.e2e.processes import running_server

from .test_capture_page import CAMERA

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

AXE = (ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text()
OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("--buffer-seconds", "20") as running:
        yield running


class Judge:
    """Asks axe about a page in each of its states, and collects what it finds."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.query = f"lang={language}&theme=light"
        self.found: list[str] = []
        self.states: list[str] = []

    def look(self, page: Page, state: str) -> None:
        """Note what is wrong in this state: in the first theme by all rules, in others only by those on contrast."""
        self.states.append(state)
        expect(page.locator("html")).to_have_attribute("lang", self.language)
        # Evaluated by the debugger, which the page's policy does not bind.
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE)
        for theme, problem, help_text, html in page.evaluate(LOOK):
            self.found.append(f"{state}, {theme}: {problem}: {help_text} ({html})")


LOOK = """async () => {
  const { dataset } = document.documentElement, found = [];
  for (const theme of ["dark", "contrast", "light"]) {
    dataset.skyTheme = theme;
    // Only what breaks a rule is described in full.
    const options = { resultTypes: ["violations"], ...(theme === "light" ? {} : { runOnly: ["color-contrast"] }) };
    for (const { id, help, nodes } of (await axe.run(options)).violations)
      for (const { html } of nodes) found.push([theme, id, help, html]);
  }
  return found;
}"""


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Iterator[Judge]:
    """Give a judge for a language; nothing may be found.

    Each test has one language: what a screen reader is told is there in all of them, or the types are wrong.
    """
    one = Judge(request.param)
    yield one
    assert "\n".join(one.found) == ""
    assert len(set(one.states)) == len(one.states) > 2


def live(page: Page) -> Locator:
    return page.locator('[data-status="live"]').first


@pytest.mark.parametrize("judge", ["en"], indirect=True)
def test_axe_finds_nothing_on_the_wall(server: Server, open_page: OpenPage, judge: Judge) -> None:
    """No accessibility problem in any state of the wall, in all themes."""
    page = open_page("about:blank", reduced_motion="reduce")

    def show(query: str) -> None:
        page.goto(f"{server.url}/?{judge.query}&{query}")

    # A name that no camera of another test has.
    show("group=nobody")
    page.locator(".page-empty").wait_for()
    judge.look(page, "a wall without cameras")
    names = [("door", "Front door"), *((f"cam-{index:02}", f"Camera {index}") for index in range(15))]
    with cameras(server, names, fps=2):
        show("cams=door")
        live(page).wait_for()
        judge.look(page, "a wall of one camera")
        with registered(server, "gone", "Gone"):
            pass
        show(f"cams={','.join(name for name, _ in names[:15])},gone")
        page.locator('[data-camera="cam-13"][data-status="live"]').wait_for()
        page.locator('[data-camera="gone"][data-status="offline"]').wait_for()
        page.keyboard.press("i")
        judge.look(page, "a wall of sixteen cameras, one of them offline, with figures")
        page.keyboard.press("i")
        page.locator('[data-camera="door"] .sky-tools [aria-expanded]').click()
        judge.look(page, "the menu of a tile")
        page.keyboard.press("Escape")
        page.locator(".wall-more summary").click()
        judge.look(page, "the menu of the page")
        for panel in ("figures", "keys", "cameras", "add", "look"):
            show(f"client=door&view=&panel={panel}")
            live(page).wait_for()
            judge.look(page, f"the panel {panel}")
        show("cams=door,gone&ui=none")
        live(page).wait_for()
        judge.look(page, "a kiosk")
        with lost(server):
            page.locator(".sky-banner").wait_for()
            judge.look(page, "no connection")


@pytest.mark.parametrize("judge", ["de"], indirect=True)
def test_axe_finds_nothing_in_the_camera_view(server: Server, open_page: OpenPage, judge: Judge) -> None:
    """No accessibility problem in any state of one camera, in all themes."""
    page = open_page("about:blank", reduced_motion="reduce")
    view = page.locator(".sky-view")
    with cameras(server, [("yard", "Yard"), ("gate", "Gate")], fps=5):
        page.goto(f"{server.url}/?{judge.query}&view=yard")
        expect(view).to_have_attribute("data-status", "live")
        judge.look(page, "a live camera")
        page.keyboard.press("i")
        judge.look(page, "a live camera with figures")
        page.keyboard.press("Escape")
        wait_for_frames(server, "yard", 10)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press(" ")
        expect(view).to_have_attribute("data-playback", "true")
        judge.look(page, "a paused playback")
        page.keyboard.press("+")
        page.keyboard.press("c")
        page.locator(".sky-clip__length").wait_for()
        judge.look(page, "a clip of a picture that is zoomed in on")
        page.goto(f"{server.url}/?{judge.query}&view=nosuch")
        expect(view).to_have_attribute("data-status", "unknown")
        judge.look(page, "an unknown camera")
    page.goto(f"{server.url}/?{judge.query}&view=yard")
    expect(view).to_have_attribute("data-status", "offline")
    judge.look(page, "a camera that is offline")


@contextmanager
def lost(server: Server) -> Iterator[None]:
    """Have no server for a while."""
    server.kill()
    try:
        yield
    finally:
        server.start()


@pytest.mark.parametrize("judge", ["de"], indirect=True)
def test_axe_finds_nothing_on_the_way_of_a_phone(server: Server, open_page: OpenPage, judge: Judge) -> None:
    """No accessibility problem where a phone is led to https, and where a computer shows the code for it."""
    address = f"{server.url}/capture?{judge.query}&id=phone"
    # The page of a server with https may connect there, and this server has none.
    before = "Object.defineProperty(window, 'isSecureContext', {value: false})"
    page = open_page(address, before=before, bypass_csp=True, reduced_motion="reduce")
    expect(page.locator("input[type=file]")).to_be_attached()
    judge.look(page, "without https")
    secure = {"https": "https://192.168.1.20:8443", "selfSigned": True, "code": None}
    page.route("**/api/phone", lambda route: route.fulfill(json=secure))
    page.reload()
    expect(page.locator("a.sky-button--primary")).to_be_visible()
    judge.look(page, "with https")
    code = {"url": "https://192.168.1.20:8443/capture?link=lnk_a", "state": "waiting", "expiresIn": 600}
    page = open_page("about:blank", reduced_motion="reduce")
    page.route("**/api/phone", lambda route: route.fulfill(json={**secure, "code": code}))
    page.goto(address)
    page.locator(".page-code .page-qr").wait_for()
    judge.look(page, "the code for phones")


@pytest.mark.parametrize("judge", ["en"], indirect=True)
def test_axe_finds_nothing_on_the_capture_page(server: Server, open_page: OpenPage, judge: Judge) -> None:
    """No accessibility problem in any state of the capture page, in all themes."""

    def show(query: str, before: str = "", **options: object) -> Page:
        address = f"{server.url}/capture?{judge.query}&width=320&demand=0&{query}"
        return open_page(address, before=before, reduced_motion="reduce", **options)

    def state(page: Page, kind: str) -> None:
        expect(page.locator(".sky-client")).to_have_attribute("data-state", kind)

    page = show("id=refused", before=CAMERA.replace("FAILURES", "1").replace("NotReadable", "NotAllowed"))
    state(page, "refused")
    judge.look(page, "refused by the person")
    page = show("id=a%20b")
    state(page, "bad-id")
    judge.look(page, "an invalid id")
    page = show("id=cam", before=CAMERA.replace("FAILURES", "0"))
    state(page, "previewing")
    judge.look(page, "a preview")
    page.locator(".sky-thumb__main").click()
    page.locator('[data-link="on-air"]').wait_for()
    for folded in page.locator("summary").all():
        folded.click()
    page.locator(".page-qr").first.wait_for()
    judge.look(page, "live, with everything unfolded")
    page.evaluate("unplug(1000, 'NotFoundError')")
    state(page, "waiting")
    judge.look(page, "waiting for the camera")
    page.evaluate("camera.failures = 0; navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    page.locator('[data-link="on-air"]').wait_for()
    with registered(server, "cam"):
        state(page, "taken-over")
        judge.look(page, "taken over")
    page.locator(".sky-card .sky-button").click()
    page.locator('[data-link="on-air"]').wait_for()
    with lost(server):
        state(page, "reconnecting")
        judge.look(page, "reconnecting")
    page.locator('[data-link="on-air"]').wait_for()
    page.locator(".sky-thumb__stop").click()
    state(page, "stopped")
    judge.look(page, "stopped")
    page = show("id=phone&autostart=1", size=(390, 844), has_touch=True, is_mobile=True)
    page.locator('[data-link="on-air"]').wait_for()
    judge.look(page, "live on a phone")
    for button, sheet in ((".sky-thumb__settings", "settings"), (".sky-chip--share", "share")):
        page.locator(button).click()
        page.locator(f'[data-sheet="{sheet}"]').wait_for()
        judge.look(page, f"the sheet {sheet}")
        page.keyboard.press("Escape")
    page.locator(".sky-thumb__side button").last.click()
    page.locator(".sky-dark").wait_for()
    judge.look(page, "a dark screen")


@pytest.mark.parametrize("judge", ["de"], indirect=True)
def test_axe_finds_nothing_where_people_get_access(open_page: OpenPage, judge: Judge, tmp_path: Path) -> None:
    """No accessibility problem where people sign in and administrators give access, in all themes."""
    key = RulesEditor(tmp_path / "state").add_key("admin", {"admin": ["*"]}, None).key
    with running_server("--state-dir", str(tmp_path / "state")) as address:
        page = open_page(f"http://{address}/sign-in?{judge.query}", reduced_motion="reduce")
        secret = page.locator("[name=password]")
        secret.wait_for()
        judge.look(page, "signing in")
        page.locator(".page-link").click()
        secret.fill("no key")
        secret.press("Enter")
        expect(page.get_by_role("alert")).not_to_be_empty()
        judge.look(page, "a wrong key")
        secret.fill(key)
        secret.press("Enter")
        page.wait_for_url(f"http://{address}/")
        page.goto(f"http://{address}/admin?{judge.query}")
        page.locator(".admin-list li").first.wait_for()
        for folded in page.locator("summary").all():
            folded.click()
        judge.look(page, "the page for administrators")


# What a screen reader says by itself: the texts of live regions when they change.
LISTEN = """
window.heard = [];
const last = new WeakMap();
const listen = () => {
  for (const region of document.querySelectorAll("[role=status], [role=alert]")) {
    const text = region.textContent.trim();
    if (text !== (last.get(region) ?? "") && text !== "") heard.push(text);
    last.set(region, text);
  }
};
new MutationObserver(listen).observe(document, { subtree: true, childList: true, characterData: true });
"""


def hears(page: Page, text: str) -> None:
    """Wait until a screen reader has said this, and forget what it said."""
    page.wait_for_function("text => heard.some((one) => new RegExp(text).test(one))", arg=text)
    page.evaluate("heard.length = 0")


def focused(page: Page) -> str:
    """Return the role and the name of what has the focus, as a screen reader says it."""
    tree = page.locator(":focus").aria_snapshot()
    return tree.splitlines()[0].removeprefix("- ").rstrip(":")


def test_a_screen_reader_watches_and_plays_back(server: Server, open_page: OpenPage) -> None:
    """With keys and ears alone: choose a camera, look back, make a clip, return; hear what changes by itself."""
    with ExitStack() as stack:
        stack.enter_context(cameras(server, [("yard", "Yard")], fps=5))
        gate = stack.enter_context(ExitStack())
        gate.enter_context(cameras(server, [("gate", "Gate")], fps=5))
        page = open_page(f"{server.url}/?cams=gate,yard", before=LISTEN)
        for name in ("Gate", "Yard"):
            expect(page.get_by_role("article", name=f"{name}, live")).to_be_visible()
        expect(page.get_by_role("heading", name="SkySentry", level=1)).to_be_visible()
        for _ in range(20):
            if page.locator(".sky-tile__open:focus").count():
                break
            page.keyboard.press("Tab")
        assert focused(page) == 'button "Show Gate in full size"'
        page.keyboard.press("ArrowRight")
        assert focused(page) == 'button "Show Yard in full size"'
        page.keyboard.press("Enter")
        view = page.get_by_role("dialog", name="Yard, live")
        expect(view).to_be_focused()
        # Nothing behind the picture can be reached.
        expect(page.get_by_role("article").locator("xpath=self::*[not(@inert)]")).to_have_count(0)
        hears(page, "^live$")
        wait_for_frames(server, "yard", 15)
        page.keyboard.press("ArrowLeft")
        hears(page, "^replay$")
        page.keyboard.press(" ")
        hears(page, "^replay, paused$")
        position = view.or_(page.get_by_role("dialog")).get_by_role("slider", name="Position")
        expect(position).to_have_attribute(
            "aria-valuetext", re.compile(r"^\d\d:\d\d:\d\d, \u2212[\d.:]+( s)? from now$")
        )
        page.keyboard.press("c")
        expect(page.get_by_role("slider", name="Start of the clip")).to_have_attribute(
            "aria-valuetext", re.compile(r"^\d\d:\d\d:\d\d\.\d$")
        )
        expect(page.get_by_role("button", name="Save MP4")).to_be_visible()
        page.keyboard.press("End")
        hears(page, "^live$")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Show Yard in full size")).to_be_focused()
        gate.close()
        hears(page, "^Gate is offline\\.$")
        expect(page.get_by_role("article", name="Gate, offline")).to_be_visible()
        with lost(server):
            hears(page, "^No connection since")


def test_a_screen_reader_starts_and_stops_a_camera(server: Server, open_page: OpenPage) -> None:
    """With keys and ears alone: preview, go live, lose the camera, get it back, stop."""
    page = open_page(f"{server.url}/capture?id=cam&width=320&demand=0", before=LISTEN + CAMERA.replace("FAILURES", "0"))
    expect(page.get_by_role("region", name="Camera cam")).to_be_visible()
    hears(page, "^Preview$")
    page.get_by_role("button", name="Go live").press("Enter")
    hears(page, "^Live$")
    # Who has sent nothing has nothing to be told at the end.
    wait_for_frames(server, "cam", 1)
    page.evaluate("unplug(1000, 'NotFoundError')")
    hears(page, "^Waiting for the camera.+Try now$")
    page.evaluate("camera.failures = 0")
    page.get_by_role("button", name="Try now").press("Enter")
    hears(page, "^Live$")
    page.get_by_role("button", name="Stop").press("Enter")
    hears(page, "^Stopped after .+The server knows that you stopped\\.$")
    expect(page.get_by_role("button", name="Go live again")).to_be_visible()
