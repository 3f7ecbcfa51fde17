"""Clips of a running server, as FFmpeg, PyAV and a shell take them; slow downloads hold up nobody."""

from __future__ import annotations

import io
import json
import subprocess
import time
import zipfile
from pathlib import Path

import av
import httpx
import pytest

from tests.daemons import running_daemon
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
            await reader.send(request_head("/api/clients/door/clip?from=-1000"))
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
