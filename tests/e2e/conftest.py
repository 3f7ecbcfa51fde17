"""A browser for the tests that need one, and its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from skysentry_trio.sources.drawing import MORNING
from tests.e2e.browser import CHROMIUM, CHROMIUM_FLAGS, moving_pictures
from tests.e2e.processes import PATIENCE
from tests.printed_secrets import find_secrets

OpenPage = Callable[..., Page]
Scheme = Literal["light", "dark"]

expect.set_options(timeout=PATIENCE * 1000)

NEVER_IDLE = "setInterval(() => window.dispatchEvent(new Event('pointermove')), 1000)"
"""Controls hide while nobody touches anything, and a busy machine may be slower with a test's next click."""


@pytest.fixture(scope="session")
def folder_of_browsers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which browsers run."""
    return tmp_path_factory.mktemp("browsers")


@pytest.fixture(scope="session")
def playwright(folder_of_browsers: Path) -> Iterator[Playwright]:
    """Run what drives the browsers, of which a process can have one."""
    with chdir(folder_of_browsers):
        started = sync_playwright().start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def browser(playwright: Playwright, folder_of_browsers: Path) -> Iterator[Browser]:
    """Run Chromium with a camera that sees the test pattern."""
    with running_chromium(playwright, folder_of_browsers, CHROMIUM) as launched:
        yield launched


@contextmanager
def running_chromium(playwright: Playwright, folder: Path, program: Path) -> Iterator[Browser]:
    """Run this Chromium with a camera that sees the test pattern; playwright works in the folder."""
    # Chromium plays JPEGs that follow each other at 30 a second, over and over.
    scene = b"".join(moving_pictures("Balcony", MORNING, count=30, size=(640, 480)))
    (folder / "camera.mjpeg").write_bytes(scene)
    # A relative path, because it becomes the camera's name.
    flags = [*CHROMIUM_FLAGS, "--use-file-for-fake-video-capture=camera.mjpeg"]
    launched = playwright.chromium.launch(executable_path=program, args=flags)
    yield launched
    launched.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open pages, each in a window of its own; none of them may complain."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(
        url: str,
        size: tuple[int, int] = (1440, 900),
        scheme: Scheme = "light",
        before: str = "",
        service_workers: Literal["allow", "block"] = "block",
        **options: Any,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            permissions=["camera"],
            # Each context would load all files of the build once more.
            service_workers=service_workers,
            **options,
        )
        contexts.append(context)
        context.add_init_script(before)
        context.add_init_script(NEVER_IDLE)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.extend(find_secrets(asked.headers.get("referer", ""))))
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said.text) else None)
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def is_complaint(text: str) -> bool:
    """Tell what a page should not have said, such as a breach of its own policy, from a network that is down."""
    return "Content Security Policy" in text or "Warning:" in text
