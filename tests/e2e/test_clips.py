"""Clips of a running server, as FFmpeg, PyAV and a shell take them; slow downloads hold up nobody."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import time
import zipfile
from pathlib import Path

import av
import httpx
import pytest
from PIL import Image

from skysentry_trio.wire.orientation import orient
from tests.daemons import running_daemon
from tests.e2e.conftest import OpenPage
from tests.e2e.processes import PATIENCE, running_server
from tests.raw_peer import BINARY, client_frame, picture, request_head

pytestmark = pytest.mark.e2e

FPS = 50


def test_clips_are_read_by_other_programs(tmp_path: Path) -> None:
    """A second of a camera as video, as Motion JPEG and as archive: the same frames in all three, at their times."""
    jpegs = [picture(3000 + number, number) for number in range(FPS)]
    with running_server("--buffer-seconds", "30") as server, httpx.Client(base_url=f"http://{server}") as client:
        clip = "/api/clients/door/clip"
        for number, jpeg in enumerate(jpegs):
            if number:
                time.sleep(1 / FPS)
            sent = client.post("/api/clients/door/frames", content=jpeg, headers={"Content-Type": "image/jpeg"})
            assert sent.status_code == 201, sent.text
        files = {kind: client.get(clip, params={"format": kind}) for kind in ("zip", "mjpeg", "mkv")}
        for kind, answer in files.items():
            assert answer.status_code == 200
            (tmp_path / f"clip.{kind}").write_bytes(answer.content)
        half = client.get(clip, params={"format": "mjpeg", "from": "-1000", "to": "-999"})
        assert half.status_code == 404

    archive = zipfile.ZipFile(tmp_path / "clip.zip")
    assert [archive.read(name) for name in archive.namelist()[:-1]] == jpegs
    assert files["mjpeg"].content == b"".join(jpegs)
    rows = archive.read(archive.namelist()[-1]).decode().splitlines()[1:]
    received = [float(row.split(",")[2]) for row in rows]

    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_packets", "-of", "json"]
    probed = subprocess.run([*command, str(tmp_path / "clip.mkv")], check=True, capture_output=True, timeout=PATIENCE)
    found = json.loads(probed.stdout)
    (stream,) = found["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("mjpeg", 16, 16)
    assert int(stream["nb_read_frames"]) == len(jpegs)
    for packet, moment in zip(found["packets"], received, strict=True):
        assert float(packet["pts_time"]) == pytest.approx(moment - received[0], abs=0.01)
    with av.open(str(tmp_path / "clip.mkv")) as container:
        assert [bytes(packet) for packet in container.demux(video=0) if packet.size] == jpegs
    counted = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "mjpeg", "-i", str(tmp_path / "clip.mjpeg"), "-f", "framecrc", "-"],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert len([line for line in counted.stdout.splitlines() if not line.startswith("#")]) == len(jpegs)


async def test_a_download_that_nobody_reads_holds_up_nobody() -> None:
    """A viewer gets each frame as before, and the memory stays within its bound."""
    size, limit = 200_000, 6_000_000
    async with (
        running_daemon(buffer_seconds=30.0, max_memory=limit, max_frame_size=size, max_fps=1000.0) as address,
        address.camera("door") as camera,
        address.viewer() as viewer,
    ):
        message = client_frame(BINARY, picture(size))
        for sequence in range(1, 31):
            await camera.send(message)
            assert (await viewer.picture())[0] == sequence
        async with address.connection(receive_buffer=4096) as idle, address.connection() as reader:
            await idle.send(request_head("/api/clients/door/clip?format=mkv"))
            await reader.send(request_head("/api/clients/door/clip?from=-1000", "Connection: close"))
            data = (await reader.receive_rest())[0]
            assert data.startswith(b"HTTP/1.1 200 ")
            for sequence in range(31, 91):
                await camera.send(message)
                assert (await viewer.picture())[0] == sequence
            assert (await address.health())["memory"] <= limit


async def test_the_reply_is_whole() -> None:
    """What httpx takes for the end of it is the end of the archive."""
    async with running_daemon(max_fps=1000.0) as address, address.camera("door") as camera, address.viewer() as viewer:
        jpeg = picture(5000)
        await camera.send(client_frame(BINARY, jpeg))
        await viewer.picture()
        answer = await address.ask("/api/clients/door/clip")
        head = await address.ask("/api/clients/door/clip", method="HEAD")

    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    assert archive.testzip() is None
    assert archive.read(archive.namelist()[0]) == jpeg
    assert (head.status, head.body, head.headers["content-type"]) == (200, b"", "application/zip")


PLAY = """async (address) => {
  const video = document.createElement("video");
  video.muted = true;
  video.src = address;
  document.body.append(video);
  await new Promise((done, failed) => {
    video.onended = done;
    video.onerror = () => failed(new Error(video.error.message));
    video.play().catch(failed);
  });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const colors = [8, canvas.width - 8].map((x) => [...context.getImageData(x, 8, 1, 1).data].slice(0, 3));
  return {size: [video.videoWidth, video.videoHeight], end: video.currentTime, duration: video.duration, colors};
}"""


def test_a_browser_plays_an_mp4(open_page: OpenPage) -> None:
    """Chromium shows it from start to end: as long as the camera sent, upright, in its colours."""
    with running_server("--buffer-seconds", "60") as server, httpx.Client(base_url=f"http://{server}") as client:
        for number in range(12):
            if number:
                time.sleep(0.1)
            # Stored on its side: red is above, and blue is below until it is turned.
            stored = Image.new("RGB", (120, 160), (220, 20, 20))
            stored.paste((20, 20, 220), (0, 0, 120, 80))
            encoded = io.BytesIO()
            stored.save(encoded, "JPEG", quality=90)
            jpeg = orient(encoded.getvalue(), 6)
            sent = client.post("/api/clients/door/frames", content=jpeg, headers={"Content-Type": "image/jpeg"})
            assert sent.status_code == 201, sent.text
        address = "/api/clients/door/clip?format=mp4"
        head = client.head(address)
        assert (head.status_code, head.headers["content-type"]) == (200, "video/mp4")
        clip = client.get(address).content
    played = open_page("about:blank").evaluate(PLAY, "data:video/mp4;base64," + base64.b64encode(clip).decode())

    assert played["size"] == [160, 120]
    assert 1.0 < played["end"] < 10
    assert played["duration"] == pytest.approx(played["end"], abs=0.2)
    left, right = played["colors"]
    assert left[0] > left[2] + 100, "red is on the left"
    assert right[2] > right[0] + 100
