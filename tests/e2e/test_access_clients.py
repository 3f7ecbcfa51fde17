"""Programs and pages use a server that asks for keys."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from skysentry_trio.client import Camera, Viewer
from tests.e2e.browser import wait_until
from tests.e2e.conftest import OpenPage
from tests.e2e.guarded import GuardedServer, bearer, guarded_server, wait_for_cameras
from tests.e2e.processes import PATIENCE
from tests.jpegs import draw_jpeg

pytestmark = pytest.mark.e2e
PROGRAMS = ("curl", "ffmpeg", "gst-launch-1.0")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]
WATCH_WITH_OPENCV = """
import sys
import cv2
camera = cv2.VideoCapture(sys.argv[1])
print([camera.read()[1].shape for _ in range(5)][-1])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedServer]:
    """Run a server with two cameras."""
    with (
        guarded_server(tmp_path_factory.mktemp("guarded"), "--registration-timeout", "2s") as server,
        server.camera("door"),
        server.camera("yard"),
    ):
        wait_for_cameras(server, server.key({"view": ["*"]}), ["door", "yard"])
        yield server


def seen(json_lines: str) -> list[str]:
    """Return the cameras in the last line of ``watch --json``."""
    return [camera["client_id"] for camera in json.loads(json_lines.splitlines()[-1])["cameras"]]


@pytest.mark.parametrize("way", ["file", "variable", "address", "netrc"])
def test_watch_with_a_key(server: GuardedServer, tmp_path: Path, way: str) -> None:
    """Each way to give the key works, and only the cameras of the key are shown."""
    key = server.key({"view": ["door"]})
    environ, url, options = {**os.environ, "HOME": str(tmp_path)}, server.url, []
    if way == "file":
        (tmp_path / "key").write_text(f"{key}\n")
        options = ["--token-file", str(tmp_path / "key")]
    elif way == "variable":
        environ["SKYSENTRY_TOKEN"] = key
    elif way == "address":
        url = f"http://any:{key}@{server.address}"
    else:
        (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login any password {key}\n")
    done = server.skysentry("watch", "--json", "--count", "5", "--server", url, *options, environ=environ)
    assert (seen(done.stdout), done.stderr) == (["door"], "")


@pytest.mark.parametrize(
    ("command", "allow", "message"),
    [
        (["watch"], None, "give a key with --token-file"),
        (["watch"], {"publish": ["door"]}, "this access does not allow view"),
        (["capture", "pattern", "--id", "roof"], None, "give a key with --token-file"),
        (["capture", "pattern", "--id", "roof"], {"publish": ["door"]}, "this access does not allow publish"),
    ],
)
def test_without_the_right_a_command_ends_with_the_reason(
    server: GuardedServer, command: list[str], allow: dict[str, list[str]] | None, message: str
) -> None:
    """Exit status 1, and one line on stderr that a person understands."""
    environ = {**os.environ, "SKYSENTRY_TOKEN": "" if allow is None else server.key(allow)}
    done = server.skysentry(*command, "--server", server.url, check=False, environ=environ)
    assert done.returncode == 1, done.stderr
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_camera_in_python_renews_its_key_without_a_missed_frame(server: GuardedServer) -> None:
    """Before its key expires, the next one is presented on the same connection."""
    watcher, lasting = server.key({"view": ["scope"]}), server.key({"publish": ["scope"]})
    # A key is renewed when a fifth of its time is left: enough to present the next one from a busy machine.
    expires = time.time() + 8
    keys = [server.key({"publish": ["scope"]}, expires=expires), lasting]
    numbers = itertools.count()

    def send() -> bytes:
        jpeg = draw_jpeg(next(numbers) % 50)
        camera.send(jpeg)
        time.sleep(0.05)
        return jpeg

    def has_viewer() -> bool:
        send()
        return camera.demand is not None and camera.demand.viewers > 0

    def pass_on() -> int:
        """Send a frame and wait for it; return its sequence."""
        jpeg = send()
        while (frame := viewer.receive(timeout=PATIENCE)).jpeg != jpeg:
            pass
        return frame.sequence

    with Camera(server.url, "scope", token=lambda: keys.pop(0)) as camera, Viewer(server.url, token=watcher) as viewer:
        # Until the camera knows of the viewer, it sends a frame now and then.
        wait_until(has_viewer, "the camera has a viewer")
        sequences, dropped = [pass_on()], camera.dropped
        while keys or time.time() < expires:
            sequences.append(pass_on())
        assert (camera.state, camera.dropped) == ("live", dropped)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def test_a_viewer_in_python_goes_on_with_another_key_after_its_key_was_revoked(server: GuardedServer) -> None:
    """The function is asked again, and frames come again."""
    tokens = iter([server.key({"view": ["door"]}, name="short-lived"), server.key({"view": ["door"]})])
    with Viewer(server.url, "door", token=lambda: next(tokens)) as viewer:
        viewer.receive(timeout=PATIENCE)
        server.revoke("short-lived")
        deadline = time.monotonic() + PATIENCE
        while next(tokens, None) is not None:
            assert time.monotonic() < deadline
        viewer.receive(timeout=PATIENCE)


COMMANDS = {
    "curl": "curl -sf -o now.jpg URL/latest.jpg",
    "ffmpeg": "ffmpeg -nostdin -loglevel error -y -f mpjpeg -i URL/stream.mjpeg -frames:v 5 -c copy out.mkv",
    "gst-launch-1.0": "gst-launch-1.0 -q souphttpsrc location=URL/stream.mjpeg num-buffers=9 ! fakesink",
}


@pytest.mark.parametrize("program", [*PROGRAMS, "opencv"])
def test_a_program_with_basic_authentication(server: GuardedServer, program: str, tmp_path: Path) -> None:
    """A program that knows only a user and a password gets the pictures; with a key for another camera, none."""
    if program in MISSING:
        pytest.skip(f"no {program} on this machine")

    def run(key: str, *, check: bool) -> int:
        url = f"http://any:{key}@{server.address}/api/clients/door"
        if program == "opencv":
            command = [sys.executable, "-c", WATCH_WITH_OPENCV, f"{url}/stream.mjpeg"]
        else:
            command = COMMANDS[program].replace("URL", url).split()
        return server.run(*command, check=check, cwd=tmp_path).returncode

    assert run(server.key({"view": ["door"]}), check=True) == 0
    assert run(server.key({"view": ["yard"]}), check=False) != 0


SENDING = {
    "curl": "curl -sf --data-binary @now.jpg URL/frames",
    "ffmpeg": "ffmpeg -nostdin -loglevel error -f lavfi -i testsrc=size=160x120:rate=25:duration=1 -c:v mjpeg -f mpjpeg"
    " URL/frames",
}


@pytest.mark.parametrize("program", sorted(SENDING))
def test_a_program_sends_with_basic_authentication(server: GuardedServer, program: str, tmp_path: Path) -> None:
    """A program that knows only a user and a password is a camera; with a key for another camera, it is not."""
    if program in MISSING:
        pytest.skip(f"no {program} on this machine")
    (tmp_path / "now.jpg").write_bytes(draw_jpeg())

    def run(publish: str) -> None:
        url = f"http://any:{server.key({'publish': [publish]})}@{server.address}/api/clients/from-{program}"
        server.run(*SENDING[program].replace("URL", url).split(), check=publish != "yard", cwd=tmp_path)

    viewer = bearer(server.key({"view": ["from-*"]}))
    for publish, status in (("yard", 404), (f"from-{program}", 200)):
        run(publish)
        answer = httpx.get(f"{server.url}/api/clients/from-{program}/latest.jpg", headers=viewer)
        assert answer.status_code == status


def sign_in(page: Page, user: str, password: str) -> None:
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_person_signs_in_and_sees_the_cameras(server: GuardedServer, open_page: OpenPage) -> None:
    """The page comes back to the address that the person wanted; a wrong password is explained."""
    server.user("anna", "correct horse", {"view": ["door"]})
    page = open_page(f"{server.url}/?layout=2x2")
    sign_in(page, "anna", "wrong horse")
    page.get_by_role("alert").get_by_text("The user name or the password is wrong.").wait_for()
    sign_in(page, "anna", "correct horse")
    page.locator('.sky-tile[data-camera="door"]').wait_for()
    assert page.locator(".sky-tile").count() == 1
    assert page.url.endswith("/?layout=2x2")
    page.goto(f"{server.url}/sign-in")
    page.get_by_role("heading", name="You are signed in as anna").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    page.goto(server.url)
    page.get_by_label("Password").wait_for()


def test_a_page_whose_access_ends_leads_to_the_sign_in_page(server: GuardedServer, open_page: OpenPage) -> None:
    """And after signing in back to where it was."""
    server.user("bert", "first horse", {"view": ["*"]})
    page = open_page(server.url)
    sign_in(page, "bert", "first horse")
    page.locator(".sky-tile").first.wait_for()
    server.user("bert", "second horse", {"view": ["*"]})
    page.get_by_label("Password").wait_for()
    assert "/sign-in?next=%2F" in page.url
    sign_in(page, "bert", "second horse")
    page.locator(".sky-tile").first.wait_for()


def test_an_administrator_makes_a_key_and_a_link_and_revokes_the_key(
    server: GuardedServer, open_page: OpenPage, tmp_path: Path
) -> None:
    """The link opens one camera; the key opens the cameras until it is revoked, and then its viewer ends at once."""
    server.user("chief", "admin horse", {"admin": ["*"]})
    page = open_page(f"{server.url}/admin")
    sign_in(page, "chief", "admin horse")
    keys = page.get_by_role("region", name="Keys")
    keys.get_by_text("New key").click()
    keys.get_by_label("Name").fill("porch display")
    keys.get_by_role("button", name="Make the key").click()
    key = keys.get_by_label("The new key.").get_by_role("textbox").input_value()
    links = page.get_by_role("region", name="Links")
    links.get_by_label("Camera").fill("yard")
    links.get_by_role("button", name="Make the link").click()
    link = links.get_by_label("The new link.").get_by_role("textbox").input_value()
    server.secrets += [key, link.partition("link=")[2]]

    guest = open_page(link)
    guest.locator('[data-camera="yard"]').first.wait_for()
    assert "lnk_" not in guest.url
    assert guest.locator('[data-camera="door"]').count() == 0

    with httpx.stream("GET", f"{server.url}/api/clients/door/stream.mjpeg", headers=bearer(key)) as stream:
        pieces = stream.iter_raw()
        next(pieces)
        revoke = keys.get_by_role("button", name="Revoke the key porch display")
        revoke.click()
        keys.get_by_role("button", name="Really? Revoke the key porch display").click()
        revoked = time.monotonic()
        with contextlib.suppress(httpx.NetworkError, httpx.RemoteProtocolError):
            for _ in pieces:
                assert time.monotonic() - revoked < PATIENCE
    (tmp_path / "key").write_text(key)
    watched = server.skysentry("watch", "--server", server.url, "--token-file", str(tmp_path / "key"), check=False)
    assert (watched.returncode, "there is no such key" in watched.stderr) == (1, True)
