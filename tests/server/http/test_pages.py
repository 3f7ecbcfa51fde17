"""The web pages, built or not."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.server.http.rest_harness import Site

FRONTEND = Path(__file__).parents[3] / "frontend"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Return a folder with what the build leaves, and a secret beside it."""
    root = tmp_path / "web"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>viewer</title>")
    (root / "capture.html").write_text("<!doctype html><title>capture</title>")
    (root / "skysentry-viewer.js").write_text("export {}")
    (root / "assets" / "app-1a2b.js").write_text("export {}")
    (root / "assets" / "app-1a2b.css").write_text("body {}")
    (root / "service-worker.js").write_text("export {}")
    (root / "camera.webmanifest").write_text("{}")
    (root / "icons").mkdir()
    (root / "icons" / "camera-192.png").write_bytes(b"PNG")
    (tmp_path / "secret").write_text("secret")
    return root


@pytest.mark.parametrize(("path", "title"), [("/", "viewer"), ("/stream", "viewer"), ("/capture", "capture")])
async def test_pages_are_served_and_never_stale(built: Path, path: str, title: str) -> None:
    """A page names the newest assets, so it is asked for again each time."""
    answer = await Site(pages=built).ask(path, Accept="text/html")

    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert title.encode() in answer.body
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("app-1a2b.js", "text/javascript; charset=utf-8"), ("app-1a2b.css", "text/css; charset=utf-8")],
)
async def test_assets_are_kept_for_ever(built: Path, name: str, content_type: str) -> None:
    """Their names change with what is in them."""
    answer = await Site(pages=built).ask(f"/assets/{name}")

    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_the_element_may_be_loaded_by_all_pages(built: Path) -> None:
    """Other people's pages show our cameras with it, whatever CORS says of the API."""
    answer = await Site(pages=built).ask("/skysentry-viewer.js", Origin="https://anybody.example")

    assert (answer.status, answer.body) == (200, b"export {}")
    assert answer.headers["cache-control"] == "no-cache"
    # It loads further files.
    part = await Site(pages=built).ask("/assets/app-1a2b.js", Origin="https://anybody.example")
    for loaded in (answer, part):
        assert loaded.headers["access-control-allow-origin"] == "*"
        assert loaded.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/service-worker.js", "text/javascript; charset=utf-8"),
        ("/camera.webmanifest", "application/manifest+json"),
        ("/icons/camera-192.png", "image/png"),
    ],
)
async def test_what_makes_pages_installable_is_never_stale(built: Path, path: str, content_type: str) -> None:
    """Their names never change, and a browser that kept an old service worker would miss the new build."""
    answer = await Site(pages=built).ask(path)

    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert answer.headers["cache-control"] == "no-cache"
    assert "manifest-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("page", "app"), [("index.html", "viewer"), ("capture.html", "camera")])
def test_each_page_is_an_app_of_its_own_with_its_icons(page: str, app: str) -> None:
    """A system installs a page only if its manifest and icons are what they say they are."""
    folder = FRONTEND / "public"
    manifest = json.loads((folder / f"{app}.webmanifest").read_text("utf-8"))
    html = (FRONTEND / page).read_text("utf-8")
    linked = dict(re.findall(r'<link rel="(manifest|apple-touch-icon)" href="./([^"]+)"', html))

    assert linked == {"manifest": f"{app}.webmanifest", "apple-touch-icon": f"icons/{app}-apple.png"}
    # Relative to the manifest, so that a proxy may add a path.
    assert (manifest["scope"], manifest["display"]) == ("./", "standalone")
    assert {icon.get("purpose", "any") for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        if icon["type"] == "image/png":
            with Image.open(folder / icon["src"]) as picture:
                assert icon["sizes"] == f"{picture.width}x{picture.height}"
        else:
            assert (folder / icon["src"]).is_file()


@pytest.mark.parametrize("path", ["/", "/stream", "/capture", "/skysentry-viewer.js", "/service-worker.js"])
async def test_without_the_build_a_page_says_how_to_get_it(path: str) -> None:
    """503 and the command, not a riddle."""
    answer = await Site().ask(path, Accept="text/html")

    assert (answer.status, answer.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert b"pip install ." in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/assets/missing.js",
        "/assets/../../secret",
        "/assets/..%2F..%2Fsecret",
        "/assets/%2e%2e/%2e%2e/secret",
        "/assets/..%5c..%5csecret",
        "/assets//etc/passwd",
        "/assets/%2Fetc%2Fpasswd",
        "/assets/app-1a2b.js%00",
        "/assets/.",
        "/assets/",
        f"/assets/{'x' * 256}",
        f"/assets/{'x/' * 3000}",
        "/assets/%ff%fe",
        "/assets/%ed%a0%80",
        "/index.html",
        "/icons/..%2F..%2Fsecret",
        "/icons/missing.png",
        f"/icons/{'x' * 256}",
    ],
)
async def test_nothing_else_is_served(built: Path, path: str) -> None:
    """No way leads out of the folder, and what is not there is 404 without being cached."""
    answer = await Site(pages=built).ask(path)

    assert answer.status == 404
    assert b"secret" not in answer.body
    assert b"root:" not in answer.body
    assert "immutable" not in answer.headers.get("cache-control", "")


async def test_a_disk_that_fails_is_not_called_a_missing_file(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator has to hear of it: 500 and a line in the log."""

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr("skysentry_trio.server.http.static_files._read", fail)

    assert (await Site(pages=built).ask("/assets/app-1a2b.js")).status == 500
