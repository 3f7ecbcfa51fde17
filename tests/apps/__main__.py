"""``python -m tests.apps [APP]...``: pack the npm package, build fresh apps with it, and open them in Chromium.

Each app shows the demo cameras of a server in `<CameraGrid>` and `<skysentry-viewer>`, and is a camera itself with
`<SkySentryClient>`. npm and the npm registry are needed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.e2e.browser import CHROMIUM, CHROMIUM_FLAGS, ROOT, Server, wait_until
from tests.ports import free_port

HERE: Final = Path(__file__).parent
PATIENCE: Final = 60.0
"""Seconds to wait for what a page should show."""


@frozen
class App:
    """An app to build, and how to run it."""

    folder: str
    react: str
    start: tuple[str, ...]
    """The npm script that serves the app, and its arguments before the port."""


APPS: Final = {
    "vite-react-18": App("vite", "18", ("preview", "--strictPort", "--port")),
    "vite-react-19": App("vite", "19", ("preview", "--strictPort", "--port")),
    "vite-dev": App("vite", "19", ("dev", "--strictPort", "--port")),
    "next": App("next", "19", ("start", "--port")),
}


def main() -> int:
    """Try the apps one by one; return 1 if an app failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("apps", nargs="*", metavar="APP", help=f"of {', '.join(APPS)}; all without names")
    names = parser.parse_args().apps or list(APPS)
    with tempfile.TemporaryDirectory(prefix="skysentry-apps-") as folder:
        tarball = pack(Path(folder))
        arguments = ("--demo", "--cors-origin", "*", "--state-dir", str(Path(folder, "state")))
        with Server(*arguments) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
            for name in names:
                started = time.monotonic()
                app = APPS[name]
                built = build(app, tarball, Path(folder, name))
                with serving(app, built) as url:
                    shown = try_out(browser, f"{url}/?server={server.url}", server)
                print(f"{name}: {shown}, {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
            browser.close()
    return 0


def npm(folder: Path, *arguments: str) -> str:
    """Run npm and return what it printed on stdout."""
    environment = {**os.environ, "NEXT_TELEMETRY_DISABLED": "1"}
    command = ["npm", *arguments]
    ended = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return ended.stdout


def pack(folder: Path) -> Path:
    """Pack the npm package as somebody does who has just cloned the repository; return the tarball."""
    clone = folder / "clone" / "frontend"
    shutil.copytree(ROOT / "frontend", clone, ignore=shutil.ignore_patterns("node_modules", "dist", "coverage"))
    shutil.copy(ROOT / "LICENSE", clone.parent)
    name = npm(clone, "pack", "--silent", "--pack-destination", str(folder)).splitlines()[-1]
    return folder / name


def build(app: App, tarball: Path, folder: Path) -> Path:
    """Install and build an app in a new folder; return the folder."""
    shutil.copytree(HERE / app.folder, folder)
    react = [f"{name}@{app.react}" for name in ("react", "react-dom", "@types/react", "@types/react-dom")]
    npm(folder, "install", "--silent", "--no-audit", "--no-fund", str(tarball), *react)
    sys.stdout.write(npm(folder, "run", "build"))
    return folder


@contextmanager
def serving(app: App, folder: Path) -> Iterator[str]:
    """Serve an app; give its address."""
    port = free_port()
    script, *arguments = app.start
    command = ["npm", "run", script, "--", *arguments, str(port)]
    # A session of its own, because npm leaves its children alone when it ends.
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            url = f"http://localhost:{port}"
            wait_until(lambda: answers(url), f"{' '.join(command)} answers", patience=PATIENCE)
            yield url
        finally:
            os.killpg(process.pid, 15)


def answers(url: str) -> bool:
    """Return whether a page is served at the address."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def try_out(browser: Browser, url: str, server: Server) -> str:
    """Open an app and wait until it shows live cameras and is one; return what was seen.

    Raises:
        AssertionError: it did not work, or the page reported an error.
    """
    before = server.camera("fresh-app")
    sent = 0 if before is None else int(before["frameCount"])
    complaints: list[str] = []
    context = browser.new_context(permissions=["camera"], viewport={"width": 1280, "height": 1600})
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    page.goto(url)
    try:
        wait_until(lambda: live(page, "article") >= 3, "three cameras are live in the grid", patience=PATIENCE)
        wait_until(
            lambda: page.get_attribute("skysentry-viewer", "status") == "live", "the element is live", patience=PATIENCE
        )

        def is_camera() -> bool:
            camera = server.camera("fresh-app")
            return camera is not None and camera["frameCount"] >= sent + 5

        wait_until(is_camera, "the app sends frames", patience=PATIENCE)
        page.locator("skysentry-viewer").scroll_into_view_if_needed()
        wait_until(lambda: is_painted(page), "a picture of the element is not of one colour", patience=PATIENCE)
        count = page.inner_text("#live")
    except AssertionError as error:
        raise AssertionError(f"{error}; the page reported {complaints}") from None
    finally:
        context.close()
    assert complaints == [], complaints
    return count


def is_complaint(said: ConsoleMessage) -> bool:
    """Return whether a page reports a fault. In development, React mounts twice, which ends the first connection."""
    return said.type in {"error", "warning"} and "closed before the connection is established" not in said.text


def live(page: Page, tiles: str) -> int:
    """Return how many tiles are live."""
    return page.locator(f'{tiles}[data-status="live"]').count()


def is_painted(page: Page) -> bool:
    """Return whether the element shows a picture: a PNG of one colour has less than 5 kB."""
    return len(page.locator("skysentry-viewer").screenshot()) > 5000


if __name__ == "__main__":
    sys.exit(main())
