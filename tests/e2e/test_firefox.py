"""What people do most, in Firefox as well: the same tests as in Chromium, and one browser for all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Playwright

from tests.e2e.browser import Server
from tests.e2e.conftest import OpenPage

from . import test_capture_page as capture
from . import test_pages as pages
from . import test_viewer_page as viewer

FIREFOX: Final = Path("/usr/bin/firefox-esr")
RELAY: Final = Path(__file__).with_name("bidi_relay.py")
PREFERENCES: Final[dict[str, str | float | bool]] = {
    # A camera that sees a test picture, and that all pages may use.
    "media.navigator.streams.fake": True,
    "permissions.default.camera": 1,
}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not FIREFOX.exists() and "CI" not in os.environ, reason=f"no {FIREFOX} on this machine"),
]


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run Debian's Firefox by WebDriver BiDi; Playwright's own protocol needs a Firefox that was made for it."""
    program = tmp_path_factory.mktemp("firefox") / "firefox"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{RELAY}" "{FIREFOX}" "$@"\n')
    program.chmod(0o755)
    launched = playwright.firefox.launch(channel="moz-firefox", executable_path=program, firefox_user_prefs=PREFERENCES)
    yield launched
    launched.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("--buffer-seconds", "120") as running:
        yield running


def test_cameras_are_watched_opened_and_saved_by_keys(server: Server, open_page: OpenPage) -> None:
    """Choose, open, step, save a picture, and return."""
    pages.test_keys_and_snapshot(server, open_page)


def test_what_is_open_is_in_the_address(server: Server, open_page: OpenPage) -> None:
    """Back, forward, reload and a link that somebody sent."""
    pages.test_what_is_open_is_in_the_address(server, open_page)


def test_the_past_is_shown_frame_by_frame(server: Server, open_page: OpenPage) -> None:
    """Back, pause, step, play, and live again."""
    viewer.test_the_past_is_shown_frame_by_frame(server, open_page)


def test_a_clip_is_saved_and_played(server: Server, open_page: OpenPage) -> None:
    """As MP4, which Firefox plays, and as an archive."""
    viewer.test_a_clip_is_saved_and_played(server, open_page)


def test_a_person_goes_live_and_shares_the_link(server: Server, open_page: OpenPage) -> None:
    """Preview, name, live; somebody else opens the link and is counted."""
    capture.test_a_person_sees_the_picture_before_anybody_else(server, open_page)


def test_a_camera_that_was_unplugged_is_opened_again(server: Server, open_page: OpenPage) -> None:
    """Nobody touches the page."""
    capture.test_a_camera_that_was_unplugged_is_opened_again(server, open_page, "NotFoundError")


def test_a_phone_shows_what_is_behind_it(server: Server, open_page: OpenPage) -> None:
    """The button for the other side."""
    capture.test_a_phone_shows_what_is_behind_it(server, open_page)


def test_two_tabs_are_two_cameras(server: Server, open_page: OpenPage) -> None:
    """Neither throws the other off."""
    capture.test_two_tabs_of_one_browser_are_two_cameras(server, open_page)
