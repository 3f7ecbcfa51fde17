"""What a server process weighs, and for how long large replies hold it up; tests/measure_memory.py prints a table."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio
import trio.lowlevel

from tests.daemons import running_daemon
from tests.e2e.processes import running
from tests.measure_memory import resident
from tests.raw_peer import BINARY, PATIENCE, Address, RawPeer, client_frame, picture

pytestmark = pytest.mark.e2e

_ASK = """
import socket, sys, threading
def ask():
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
        headers = b"Host: localhost\\r\\nConnection: close\\r\\n\\r\\n"
        connection.sendall(b"GET /api/clients/door/stream HTTP/1.1\\r\\n" + headers)
        size, last = 0, b""
        while data := connection.recv(1 << 20):
            size, last = size + len(data), (last + data)[-5:]
        assert last == b"0\\r\\n\\r\\n", last
        sys.stdout.write(f"{size}\\n")
threads = [threading.Thread(target=ask) for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
"""Twenty clients that ask for a ring at the same time and read it to its end, as a program of their own."""


@asynccontextmanager
async def large_ring(address: Address, size: int, count: int = 16) -> AsyncIterator[RawPeer]:
    """Have a camera named door with this many frames of this size."""
    async with address.camera("door") as camera:
        for sequence in range(1, count + 1):
            await camera.send(client_frame(BINARY, picture(size, sequence)))
            await address.wait_until_healthy(lambda health, expected=sequence: health["framesReceived"] == expected)  # type: ignore[misc]
        yield camera


@pytest.mark.one_server  # This is about the memory of one process.
async def test_a_full_ring_weighs_little_more_than_its_frames() -> None:
    """Ten rings of 16 frames of 50 kB are 8 MB; an idle viewer is less than a frame."""
    with running("serve", "--port", "0", "--max-fps", "1000") as program:
        address = Address.parse(program.wait_for_line(r"127\.0\.0\.1:\d+").group())
        await address.health()
        empty = resident(program.process.pid)
        async with AsyncExitStack() as stack:
            for _ in range(100):
                await stack.enter_async_context(address.viewer("?client=nobody"))
            watched = resident(program.process.pid)
            for camera_number in range(10):
                camera = await stack.enter_async_context(address.camera(f"camera-{camera_number}"))
                await camera.send(*(client_frame(BINARY, picture(50_000, shade)) for shade in range(16)))
            health = await address.wait_until_healthy(lambda health: health["framesReceived"] == 160)
            assert health["memory"] == 8_000_000
            full = resident(program.process.pid)
    assert watched - empty < 100 * 0.06
    assert full - watched < 10 * 1.3


@pytest.mark.one_server  # This is about the memory of one process.
async def test_large_replies_are_not_held_in_memory() -> None:
    """Twenty clients that get a ring of 20 MB at the same time cost less than 50 MB together."""
    with running("serve", "--port", "0", "--max-fps", "1000") as program:
        address = Address.parse(program.wait_for_line(r"127\.0\.0\.1:\d+").group())
        async with large_ring(address, 5_000_000, 4):
            before = peak = resident(program.process.pid)
            asking = await trio.lowlevel.open_process([sys.executable, "-c", _ASK, address.host, str(address.port)])
            with trio.fail_after(6 * PATIENCE):
                while asking.poll() is None:
                    peak = max(peak, resident(program.process.pid))
                    await trio.sleep(0.01)
            assert asking.returncode == 0
    assert peak - before < 50


async def test_large_replies_hold_up_nobody() -> None:
    """While twenty clients get a ring of 16 MB, no task waits for its turn for long."""
    async with running_daemon(max_fps=1000) as address, large_ring(address, 1_000_000), trio.open_nursery() as nursery:
        # What the tests have in memory is not the server's: its garbage collector must not walk over that.
        gc.collect()
        gc.freeze()
        stalls: list[float] = []

        async def watch() -> None:
            while True:
                # Processor time: what other processes on the machine take away is not our doing.
                started = time.thread_time()
                await trio.lowlevel.checkpoint()
                stalls.append(time.thread_time() - started)

        nursery.start_soon(watch)
        with trio.fail_after(6 * PATIENCE):
            command = [sys.executable, "-c", _ASK, address.host, str(address.port)]
            asked = await trio.run_process(command, capture_stdout=True, stderr=subprocess.DEVNULL)
        nursery.cancel_scope.cancel()
        gc.unfreeze()
    assert len(asked.stdout.split()) == 20
    assert max(stalls) < 0.05
