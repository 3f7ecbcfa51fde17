"""A wall of sixteen cameras weighs the same all the time; `benchmarks.wall` measures the same for minutes."""

from __future__ import annotations

import os

import pytest
from benchmarks.wall import CAMERAS, find_needless, names_of_cameras, open_wall, take_renders, take_sample
from playwright.sync_api import Browser

from tests.e2e.browser import CHROMIUM, Server, cameras, wait_for_frames

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]


def test_a_tile_is_rendered_once_for_a_change_of_its_own_camera(browser: Browser) -> None:
    """Frames cause no render, and neither do other cameras; nothing is added to the document."""
    names = names_of_cameras()
    with Server() as server, cameras(server, names, fps=8, size=(320, 180)):
        page = open_wall(browser, server)
        wait_for_frames(server, names[0][0], 8)
        take_renders(page)
        before = take_sample(browser, page)
        wait_for_frames(server, names[0][0], 40)
        counted, after = take_renders(page), take_sample(browser, page)
        page.close()

    assert len(counted) == CAMERAS
    assert find_needless(counted) == []
    assert after.nodes <= before.nodes
