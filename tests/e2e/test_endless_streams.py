"""Streams over real sockets: clients that are stuck, old, or there when the server stops."""

from __future__ import annotations

import json
import os
import signal

import pytest
import trio

from tests.daemons import CertificateFiles, running_daemon
from tests.e2e.browser import CHROMIUM
from tests.e2e.conftest import OpenPage
from tests.e2e.processes import running
from tests.raw_peer import BINARY, PATIENCE, Address, RawPeer, client_frame, picture, request_head

pytestmark = pytest.mark.e2e
STREAM = "/api/clients/door/stream.mjpeg"


async def part_of(peer: RawPeer) -> bytes:
    """Receive the next part and the boundary behind it; return its JPEG."""
    head = b""
    with trio.fail_after(PATIENCE):
        while not head.endswith(b"\r\n\r\n"):
            head += await peer._take(1)
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        jpeg = await peer._take(length)
        assert await peer._take(11) == b"\r\n--frame\r\n"
    return jpeg


async def open_stream(peer: RawPeer, request: bytes) -> bytes:
    """Ask for a stream; return the head of the answer."""
    await peer.send(request)
    head = b""
    with trio.fail_after(PATIENCE):
        while not head.endswith(b"\r\n\r\n"):
            head += await peer._take(1)
        assert await peer._take(9) == b"--frame\r\n"
    return head


async def test_a_stuck_client_delays_nobody_and_is_cut_off(perhaps_tls: CertificateFiles | None) -> None:
    """Twenty that read nothing: the one that reads misses no frame, and they are gone when their time is over."""
    async with running_daemon(perhaps_tls, write_timeout=1.0, max_fps=1000) as address, trio.open_nursery() as nursery:
        before = (await address.wait_until_alone())["connections"]

        async def be_stuck(task_status: trio.TaskStatus[None]) -> None:
            async with address.connection(receive_buffer=4096) as peer:
                await peer.send(request_head(STREAM))
                task_status.started()
                await trio.sleep_forever()

        async with address.camera("door") as camera, address.connection() as reader:
            # Everyone can take a small frame. So nobody is stuck, and cut off, before all have come.
            await camera.send(client_frame(BINARY, picture()))
            await address.wait_until_healthy(lambda health: health["framesReceived"] == 1)
            await open_stream(reader, request_head(STREAM))
            assert await part_of(reader) == picture()
            for _ in range(20):
                await nursery.start(be_stuck)
            await address.wait_until_healthy(lambda health: health["streamSubscribers"] == 21)
            for shade in range(1, 100):
                jpeg = picture(100_000, shade)
                await camera.send(client_frame(BINARY, jpeg))
                assert await part_of(reader) == jpeg
            health = await address.wait_until_healthy(lambda health: health["streamSubscribers"] == 1)
            assert health["connections"] == before + 2
        nursery.cancel_scope.cancel()


async def test_a_client_of_http_1_0_is_served() -> None:
    """Its answer is as long as the connection lasts."""
    async with running_daemon() as address, address.camera("door") as camera, address.connection() as peer:
        await camera.send(client_frame(BINARY, picture()))
        await address.wait_until_healthy(lambda health: health["framesReceived"] == 1)
        head = await open_stream(peer, f"GET {STREAM} HTTP/1.0\r\n\r\n".encode())
        assert b"chunked" not in head
        assert b"Connection: close" in head
        assert await part_of(peer) == picture()


async def test_a_client_that_leaves_is_gone_at_once(perhaps_tls: CertificateFiles | None) -> None:
    """Though the camera sends nothing at which the server would notice."""
    async with running_daemon(perhaps_tls) as address, address.camera("door"):
        async with address.connection() as peer:
            await peer.send(request_head(f"{STREAM}?placeholder=1"))
            await address.wait_until_healthy(lambda health: health["streamSubscribers"] == 1)
        await address.wait_until_healthy(lambda health: health["streamSubscribers"] == 0)


@pytest.mark.one_server  # This counts the frames of one server, and stops it.
async def test_streams_end_when_the_server_stops() -> None:
    """Those who watch see the end, those who send are told why, and nobody is waited for."""
    with running("serve", "--host", "127.0.0.1", "--port", "0") as program:
        address = Address.parse(program.wait_for_line(r"127\.0\.0\.1:\d+").group())
        async with address.connection() as sender, address.connection() as watcher:
            kind, chunked = "Content-Type: multipart/x-mixed-replace", "Transfer-Encoding: chunked"
            await sender.send(request_head("/api/clients/door/frames", kind, chunked, method="POST"))
            jpeg = picture()
            part = b"--b\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)
            await sender.send(b"%x\r\n%b\r\n" % (len(part), part))
            await address.wait_until_healthy(lambda health: health["framesReceived"] == 1)
            await open_stream(watcher, request_head(STREAM))
            assert await part_of(watcher) == jpeg
            program.process.send_signal(signal.SIGTERM)
            assert await watcher.receive_rest() == (b"", "eof")
            answer = await sender.answer()
            await trio.to_thread.run_sync(program.process.wait, PATIENCE)

    assert (answer.status, answer.json["error"]) == (503, "the server is stopping")
    assert program.process.returncode == 0


@pytest.mark.skipif(not CHROMIUM.exists() and "CI" not in os.environ, reason=f"no {CHROMIUM} on this machine")
def test_a_browser_shows_the_stream_as_a_picture(open_page: OpenPage) -> None:
    """Each frame is painted when it has come, not when the next one has."""
    with running("serve", "--host", "127.0.0.1", "--port", "0", "--demo") as program:
        server = program.wait_for_line(r"127\.0\.0\.1:\d+").group()
        size = open_page(f"http://{server}/api/health").evaluate(
            """async () => {
              const image = new Image();
              image.src = "/api/clients/demo-1/stream.mjpeg?placeholder=1";
              document.body.append(image);
              const paint = () => new Promise((done) => setTimeout(done, 50));
              const canvas = document.createElement("canvas"), seen = new Set();
              for (let turn = 0; turn < 600 && seen.size < 5; turn++) {
                await paint();
                if (!image.naturalWidth) continue;
                canvas.width = 64; canvas.height = 36;
                const context = canvas.getContext("2d");
                context.drawImage(image, 0, 0, 64, 36);
                seen.add(context.getImageData(0, 0, 64, 36).data.join());
              }
              return JSON.stringify([image.naturalWidth, image.naturalHeight, seen.size]);
            }"""
        )
    assert json.loads(size) == [640, 360, 5]
