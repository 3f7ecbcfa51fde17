"""The pages of one server show the cameras of another one as their own."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from skysentry_trio.client import Camera
from skysentry_trio.sources.drawing import DUSK
from tests.e2e.browser import CHROMIUM, feeding, moving_pictures, wait_until
from tests.e2e.guarded import guarded_server
from tests.e2e.several_nodes import SEVERAL
from tests.e2e.test_access_clients import sign_in
from tests.e2e.test_pages import open_panel, status

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine"),
]

OpenPage = Callable[..., Page]


def test_a_page_shows_a_camera_of_another_server_as_one_of_its_own(tmp_path: Path, open_page: OpenPage) -> None:
    """Live, with the way between the servers among its figures; back in time; as a clip; until its access ends."""
    over = threading.Event()

    def feed(camera: Camera) -> None:
        pictures = moving_pictures("door", DUSK, size=(320, 180))
        while not over.wait(0.1):
            camera.send(pictures[0])
            pictures.append(pictures.pop(0))

    with guarded_server(tmp_path, "--history", str(tmp_path / "history"), program=SEVERAL) as server:
        server.user("anna", "correct horse", {"view": ["door"], "history": ["door"]})
        key = server.key({"publish": ["door"]})
        with Camera(server.url, "door", token=key) as camera, feeding(feed, camera, over):
            page = open_page(server.url)
            sign_in(page, "anna", "correct horse")
            wait_until(lambda: status(page, "door") == "live", "the page shows the camera as live")
            open_panel(page, "Performance")
            page.locator('.page-drawer [data-stage="transit"]').wait_for()
            page.locator('[data-camera="door"] .sky-tile__open').click()
            page.locator(".sky-timeline").wait_for()
            page.keyboard.press("ArrowLeft")
            page.locator('.sky-live[data-live="false"]').wait_for()
            clip = page.request.get(f"{server.url}/api/clients/door/clip")
            with zipfile.ZipFile(io.BytesIO(clip.body())) as archive:
                assert len(archive.namelist()) > 5
            recorded = f"{server.url}/api/clients/door/history"
            wait_until(lambda: page.request.get(recorded).json()["frames"], "the camera is recorded")
            server.user("anna", "other horse", {"view": ["door"]})
            page.get_by_label("Password").wait_for()
