"""Programs that nobody here wrote use a camera, as docs/how-to/use-a-camera-elsewhere.md tells their users to."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from tests.e2e.processes import PATIENCE, running_server

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-a-camera-elsewhere.md"
PROGRAMS = ("curl", "ffmpeg", "gst-launch-1.0")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(MISSING) and "CI" not in os.environ, reason=f"no {' and '.join(MISSING)} on this machine"),
]
DEMO_FPS = 15
WATCH_WITH_OPENCV = """
import json, sys, time
import cv2
started = time.monotonic()
camera = cv2.VideoCapture(sys.argv[1])
opened, took = camera.isOpened(), time.monotonic() - started
shapes = [camera.read()[1].shape for _ in range(20)]
print(json.dumps({"opened": opened, "took": took, "shapes": shapes}))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run a server with its demo's cameras, which do not rest while nobody watches."""
    with running_server("--demo", "--idle-fps", "60", "--buffer-size", "600") as address:
        wait_until_sent(address, "demo-1", 2 * DEMO_FPS)
        yield address


def wait_until_sent(server: str, camera_id: str, frames: int) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while (details := camera(server, camera_id)) is None or details["frameCount"] < frames:
        assert time.monotonic() < deadline, details
        time.sleep(0.1)
    return details


def camera(server: str, camera_id: str) -> dict[str, Any] | None:
    details: list[dict[str, Any]] = httpx.get(f"http://{server}/api/clients").json()["details"]
    return next((camera for camera in details if camera["clientId"] == camera_id), None)


def script(word: str, server: str, info: str = r"sh\b[^\n]*") -> str:
    """Return the page's block that has a word in it, with our own server in the place of the page's."""
    blocks = re.findall(rf"^```{info}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    found = [text for text in blocks if word in text]
    assert len(found) == 1, found
    return str(found[0]).replace("localhost:8080", server)


def run(command: str, folder: Path) -> str:
    ended = subprocess.run(
        ["/bin/sh", "-ec", command], cwd=folder, capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


@contextmanager
def started(*command: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def is_whole(jpeg: Path) -> bool:
    with Image.open(jpeg) as image:
        image.load()
        return image.size == (640, 360)


def test_curl_takes_a_picture(server: str, tmp_path: Path) -> None:
    """It can be decoded, and be sent back as a camera's."""
    run(script("--output now.jpg", server), tmp_path)
    run(script("--data-binary", server), tmp_path)

    assert is_whole(tmp_path / "now.jpg")
    assert (gate := camera(server, "gate")) is not None
    assert (gate["online"], gate["name"], gate["frameCount"]) == (True, "Garden gate", 1)


def test_a_shell_script_takes_every_new_picture(server: str, tmp_path: Path) -> None:
    """Each once, with none asked for in vain."""
    with started("/bin/sh", "-c", script("while true", server), folder=tmp_path):
        deadline = time.monotonic() + PATIENCE
        while len(list(tmp_path.glob("picture-*.jpg"))) < 12:
            assert time.monotonic() < deadline, list(tmp_path.iterdir())
            time.sleep(0.1)
    # They are named by the one before; the last may be cut off.
    taken = sorted(tmp_path.glob("picture-*.jpg"), key=lambda path: path.stat().st_mtime)[:-1]
    numbers = [int(path.stem.partition("-")[2]) for path in taken]
    assert numbers == sorted(set(numbers))
    assert all(is_whole(path) for path in taken)
    assert len({path.read_bytes() for path in taken}) == len(taken)


def test_ffmpeg_records(server: str, tmp_path: Path) -> None:
    """Five seconds hold every frame that the camera sent in five seconds, as it was."""
    run(script("recording.mkv", server), tmp_path)
    ring = httpx.get(f"http://{server}/api/clients/demo-1/stream").json()["frames"]
    sequences = {base64.b64decode(frame["data"]): frame["sequence"] for frame in ring}
    taken_at = {frame["sequence"]: datetime.fromisoformat(frame["timestamp"]).timestamp() for frame in ring}

    with av.open(str(tmp_path / "recording.mkv")) as recording:
        recorded = [sequences[bytes(packet)] for packet in recording.demux(video=0) if packet.size]
    assert recorded == list(range(recorded[0], recorded[-1] + 1))
    assert taken_at[recorded[-1]] - taken_at[recorded[0]] == pytest.approx(5, rel=0.1)


def test_opencv_opens_and_reads(server: str, tmp_path: Path) -> None:
    """Within three seconds, and then one frame after the other."""
    url = re.findall(r'VideoCapture\("(.*)"\)', script("import cv2", server, "python opencv"))[0]
    command = [sys.executable, "-c", WATCH_WITH_OPENCV, url]
    seen = json.loads(subprocess.run(command, capture_output=True, check=True, text=True, timeout=2 * PATIENCE).stdout)

    assert seen["opened"]
    assert seen["took"] < 3
    assert seen["shapes"] == [[360, 640, 3]] * 20


def test_the_example_for_opencv_works(server: str, tmp_path: Path) -> None:
    """As it stands there."""
    command = (sys.executable, "-uc", script("import cv2", server, "python opencv"))
    with started(*command, folder=tmp_path) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["(360, 640, 3)\n"] * 3


def test_gstreamer_plays(server: str, tmp_path: Path) -> None:
    """Twenty decoded pictures; a screen is the one thing that is missing here."""
    command = script("gst-launch-1.0", server).replace("autovideosink", "fakesink num-buffers=20")
    assert "EOS" in run(command, tmp_path)


def test_ffmpeg_is_a_camera(server: str, tmp_path: Path) -> None:
    """A file that it plays is here frame by frame, for as long as it plays."""
    make = "ffmpeg -nostdin -loglevel error -f lavfi -i testsrc=size=320x240:rate=20 -t 2 -c:v mpeg4 film.mp4"
    run(make, tmp_path)
    command = script("film.mp4", server).replace("ffmpeg ", "ffmpeg -nostdin -loglevel error ", 1)
    with started("/bin/sh", "-c", f"exec {command}", folder=tmp_path) as process:
        during = wait_until_sent(server, "film", 5)
        assert process.wait(PATIENCE) == 0
    after = wait_until_sent(server, "film", 40)

    assert during["online"]
    assert (after["online"], after["frameCount"], after["refused"]) == (False, 40, {})
    assert (after["width"], after["height"]) == (320, 240)
    (tmp_path / "last.jpg").write_bytes(httpx.get(f"http://{server}/api/clients/film/latest.jpg").content)
    with Image.open(tmp_path / "last.jpg") as image:
        image.load()


def test_python_is_a_camera(server: str, tmp_path: Path) -> None:
    """With nothing but what it brings."""
    picture = httpx.get(f"http://{server}/api/clients/demo-1/latest.jpg").content
    (tmp_path / "now.jpg").write_bytes(picture)
    command = [sys.executable, "-c", script("urlopen", server, "python send")]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=PATIENCE)

    assert httpx.get(f"http://{server}/api/clients/python/latest.jpg").content == picture


def test_what_octoprint_and_go2rtc_ask_for_is_there(server: str) -> None:
    """The addresses of their fields and files, through all of the server."""
    text = PAGE.read_text("utf-8").replace("localhost:8080", server)
    # An address with a key needs a server that knows the key.
    addresses = re.findall(r"`(http://[^`@]*(?:action|latest|stream\.mjpeg)[^`@]*)`|: (http://\S+stream\.mjpeg)", text)
    assert len(addresses) == 7
    for address in (found for pair in addresses for found in pair if found):
        with httpx.stream("GET", address) as answer:
            assert answer.status_code == 200, address
            beginning = next(answer.iter_raw())
            wanted = b"\xff\xd8" if "latest" in address or "snapshot" in address else b"--frame\r\n"
            assert beginning.startswith(wanted), address


def test_nothing_newer_is_an_answer_without_a_body(server: str) -> None:
    """Whatever serves HTTP below makes of it."""
    picture = httpx.get(f"http://{server}/api/clients/demo-1/latest.jpg").content
    sequence = httpx.post(f"http://{server}/api/clients/still/frames", content=picture).json()["sequence"]
    answer = httpx.get(f"http://{server}/api/clients/still/latest.jpg?after={sequence}&wait=0.1")
    assert (answer.status_code, answer.content) == (204, b"")
