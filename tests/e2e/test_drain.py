"""Stuck clients of a server process: while it runs, and when it is told to stop."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import pytest
import trio
from attrs import evolve, frozen

from tests.daemons import CertificateFiles
from tests.e2e.processes import Program, running
from tests.raw_peer import BINARY, PATIENCE, Address, RawPeer, client_frame, picture, request_head

pytestmark = pytest.mark.e2e
_ENDS_WITHIN: Final = 15.0
"""Seconds. A quiet machine needs less than five; with several servers, their engine ends in this time too."""


@contextmanager
def server(*arguments: str, files: CertificateFiles | None = None) -> Iterator[tuple[Program, Address]]:
    if files is not None:
        written = files.write()
        arguments = (*arguments, "--tls-cert", written["tls_cert"], "--tls-key", written["tls_key"])
    with running("serve", "--host", "127.0.0.1", "--port", "0", "--max-fps", "1000", *arguments) as program:
        address = Address.parse(program.wait_for_line(r"127\.0\.0\.1:\d+").group())
        yield program, evolve(address, tls=None if files is None else files.trust())


@frozen
class Clients:
    camera: RawPeer
    viewer: RawPeer
    stuck_viewer: RawPeer
    stuck_browser: RawPeer


@asynccontextmanager
async def clients_of(address: Address) -> AsyncIterator[Clients]:
    """Have a camera, a viewer, and two that do not read: a viewer and one that asked for all of a ring."""
    async with (
        address.camera("door") as camera,
        address.viewer() as viewer,
        address.viewer() as stuck_viewer,
        address.connection() as stuck_browser,
    ):
        jpegs = [picture(1_000_000, shade) for shade in range(16)]
        for sequence, jpeg in enumerate(jpegs, 1):
            await camera.send(client_frame(BINARY, jpeg))
            assert await viewer.picture() == (sequence, jpeg)
        await stuck_browser.send(request_head("/api/clients/door/stream"))
        yield Clients(camera, viewer, stuck_viewer, stuck_browser)


async def wait_for(program: Program, seconds: float) -> float:
    """Wait for the end of the process and return how long that took."""
    started = time.monotonic()
    with trio.fail_after(seconds):
        while program.process.poll() is None:  # noqa: ASYNC110  (a process says nothing when it ends)
            await trio.sleep(0.01)
    return time.monotonic() - started


async def wait_for_viewers(address: Address, expected: dict[str, int]) -> None:
    """Wait until cameras have these numbers of viewers."""
    with trio.fail_after(PATIENCE):
        viewers = dict[str, int]()
        while viewers != expected:
            cameras = (await address.ask("/api/clients")).json["details"]
            viewers = {camera["clientId"]: camera["viewers"] for camera in cameras}


@pytest.mark.timed
async def test_who_does_not_read_delays_nobody() -> None:
    """Beside a viewer and a browser that are stuck, another viewer misses no frame and gets each at once."""
    with server() as (_, address):
        async with clients_of(address) as clients:
            delays = []
            for number in range(300):
                jpeg = picture(50_000, number)
                sent = trio.current_time()
                await clients.camera.send(client_frame(BINARY, jpeg))
                assert await clients.viewer.picture() == (17 + number, jpeg)
                delays.append(trio.current_time() - sent)
                await trio.sleep(0.003)
            # The median says that nobody waits for anybody; the rest is the machine's noise.
            assert sorted(delays)[150] < 0.02
            assert sorted(delays)[-3] < 0.5


# The other nodes of a cluster are reached without TLS.
WITH_TLS = pytest.param(signal.SIGINT, True, marks=pytest.mark.one_server)


@pytest.mark.parametrize(("number", "is_tls"), [(signal.SIGTERM, False), WITH_TLS])
async def test_who_does_not_read_does_not_hold_up_the_end(number: signal.Signals, is_tls: bool, tmp_path: Path) -> None:
    """The others are told 1001, and the server is soon gone, with status 0; with TLS too."""
    with server(files=CertificateFiles(tmp_path) if is_tls else None) as (program, address):
        async with clients_of(address) as clients:
            program.process.send_signal(number)
            for peer in (clients.camera, clients.viewer):
                assert (await peer.close_frame()).close_code == 1001
            await wait_for(program, _ENDS_WITHIN)
    assert program.process.returncode == 0
    assert "Traceback" not in "".join(program.lines)


async def test_what_goes_on_over_http_does_not_hold_up_the_end() -> None:
    """Streams end, who waits for a picture and who sends them are told, a download that is stuck is cut off."""
    with server() as (program, address):
        async with (
            clients_of(address),
            address.connection() as streaming,
            address.connection() as waiting,
            address.connection() as downloading,
            address.connection() as sending,
        ):
            await streaming.send(request_head("/api/clients/door/stream.mjpeg"))
            await waiting.send(request_head("/api/clients/door/latest.jpg?after=16&wait=60"))
            await downloading.send(request_head("/api/clients/door/clip"))
            await sending.send(
                request_head(
                    "/api/clients/gate/frames",
                    "Content-Type: multipart/x-mixed-replace; boundary=frame",
                    "Content-Length: 1000000",
                    method="POST",
                ),
                b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + picture(10_000, 1)[:5000],
            )
            # Two viewers of both cameras, and two clients that watch by other means.
            await wait_for_viewers(address, {"door": 4, "gate": 2})
            program.process.send_signal(signal.SIGTERM)
            assert (await waiting.answer()).status == 204
            assert (await sending.answer()).status == 503
            rest, _ = await streaming.receive_rest()
            assert rest.startswith(b"HTTP/1.1 200 OK")
            await wait_for(program, _ENDS_WITHIN)
    assert program.process.returncode == 0
    assert "Traceback" not in "".join(program.lines)


@pytest.mark.one_server  # Of several servers, each one ends when its own clients have left.
async def test_load_balancers_hear_of_the_end_first() -> None:
    """While the clients say goodbye, /api/ready is 503 and the server still answers."""
    with server("--shutdown-grace", "10s") as (program, address):
        async with address.viewer() as viewer, address.viewer():
            assert (await address.ask("/api/ready")).status == 200
            program.process.send_signal(signal.SIGTERM)
            assert (await viewer.close_frame()).close_code == 1001
            assert (await address.ask("/api/ready")).status == 503
            await wait_for(program, 30)
    assert program.process.returncode == 0


@pytest.mark.one_server  # This is about the signals of one process.
async def test_a_second_signal_is_not_argued_with() -> None:
    """Whatever the grace is, it is over then; the status is still that of an orderly end."""
    with server("--shutdown-grace", "1m", "--write-timeout", "1m") as (program, address):
        async with clients_of(address) as clients:
            program.process.send_signal(signal.SIGTERM)
            assert (await clients.viewer.close_frame()).close_code == 1001
            program.process.send_signal(signal.SIGTERM)
            await wait_for(program, 20)
    assert program.process.returncode == 0
