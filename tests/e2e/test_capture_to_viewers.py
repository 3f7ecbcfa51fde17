"""The main job as a user does it: a video file, a server, three viewers, each a program of its own."""

from __future__ import annotations

import base64
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import httpx
import pytest
from PIL import Image, ImageDraw
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.processes import PATIENCE, running, running_server

pytestmark = pytest.mark.e2e

FPS = 30
SECONDS = 10


def make_video(path: Path) -> list[bytes]:
    """Write ten seconds of Motion JPEG at 30 fps, no two frames alike, and return its JPEGs."""
    jpegs: list[bytes] = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        for number in range(FPS * SECONDS):
            image = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
            ImageDraw.Draw(image).text((20, 20), f"{number:06d}", font_size=60, fill=(255, number % 256, 0))
            drawn: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            frame = drawn.reformat(format="yuvj420p")
            frame.pts = number
            for packet in stream.encode(frame):
                jpegs.append(bytes(packet))
                container.mux(packet)
        for packet in stream.encode():
            jpegs.append(bytes(packet))
            container.mux(packet)
    assert len(set(jpegs)) == FPS * SECONDS
    return jpegs


def collect_json(websocket: ClientConnection, frames: dict[int, bytes]) -> None:
    """Keep every frame that a viewer knowing nothing of ours is shown as text, by its number."""
    with suppress(ConnectionClosed):
        for message in websocket:
            update = json.loads(message)
            data = update["image"].removeprefix("data:image/jpeg;base64,")
            frames[update["stats"]["frameCount"]] = base64.b64decode(data, validate=True)


@contextmanager
def json_viewer(server: str) -> Iterator[dict[int, bytes]]:
    """Watch as SkySentry Go's clients do; the frames shown so far are in the dictionary."""
    frames: dict[int, bytes] = {}
    with connect(f"ws://{server}/stream/ws?format=json", max_size=None, close_timeout=PATIENCE) as websocket:
        collector = threading.Thread(target=collect_json, args=(websocket, frames))
        collector.start()
        yield frames
    collector.join(PATIENCE)


def wait_for_viewers(server: str, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while (health := httpx.get(f"http://{server}/api/health").json())["streamSubscribers"] < count:
        assert time.monotonic() < deadline, health
        time.sleep(0.05)


def saved_frames(folder: Path) -> dict[int, bytes]:
    """Return the frames a `watch --save` wrote, by sequence number."""
    return {int(path.stem.rpartition("-")[2]): path.read_bytes() for path in (folder / "film").glob("*.jpg")}


@pytest.mark.timed
def test_a_video_reaches_every_viewer(tmp_path: Path) -> None:
    """Ten seconds at 30 fps: every viewer gets the frames, byte for byte what is in the file, without gaps."""
    jpegs = make_video(tmp_path / "film.mkv")
    with (
        running_server() as server,
        running("watch", "film", "--server", server, "--save", str(tmp_path / "one")) as first,
        running("watch", "--server", server, "--save", str(tmp_path / "two")) as second,
        json_viewer(server) as third,
    ):
        wait_for_viewers(server, 3)
        started = time.monotonic()
        with running("capture", str(tmp_path / "film.mkv"), "--server", server, "--id", "film", "--once") as camera:
            assert camera.process.wait(SECONDS + PATIENCE) == 0
            took = time.monotonic() - started
            sent = int(camera.wait_for_line(r"sent (\d+) frames")[1])
        newest = httpx.get(f"http://{server}/api/clients/film/latest", headers={"Accept": "image/jpeg"})
        deadline = time.monotonic() + PATIENCE
        while min(len(saved_frames(tmp_path / name)) for name in ("one", "two")) < sent and time.monotonic() < deadline:
            time.sleep(0.05)
        assert first.end(signal.SIGINT) == 0
        assert second.end(signal.SIGINT) == 0

    assert took >= SECONDS - 1
    assert sent >= 0.99 * len(jpegs)
    assert newest.headers["Content-Type"] == "image/jpeg"
    assert newest.content == jpegs[-1]
    position = {jpeg: index for index, jpeg in enumerate(jpegs)}
    for seen in (saved_frames(tmp_path / "one"), saved_frames(tmp_path / "two"), third):
        assert len(seen) >= 0.99 * sent
        assert sorted(seen) == list(range(1, sent + 1))
        shown = [position[seen[sequence]] for sequence in sorted(seen)]
        assert shown == sorted(set(shown))
        assert shown[-1] == len(jpegs) - 1
