"""Print what a server process weighs: alone, with idle viewers, with full rings, while rings are asked for.

::

    PYTHONPATH=src python -m tests.measure_memory

Sizes are resident set sizes in MB (10^6 bytes) as the kernel counts them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import trio
from attrs import define, field

from tests.e2e.processes import Program, running
from tests.raw_peer import BINARY, Address, RawPeer, client_frame, picture, request_head

MALLOC = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
_VIEWERS, _CAMERAS, _RING, _FRAME = 100, 10, 16, 50_000


def resident(pid: int) -> float:
    """Return the resident set size of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@define
class Table:
    """Measurements of one process."""

    program: Program
    rows: list[tuple[str, float]] = field(factory=list)

    async def measure(self, what: str) -> None:
        await trio.sleep(1)
        self.rows.append((what, resident(self.program.process.pid)))


@asynccontextmanager
async def crowd(address: Address) -> AsyncIterator[list[RawPeer]]:
    """Have idle viewers, which read what comes."""
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        viewers = [await stack.enter_async_context(address.viewer("?client=nobody")) for _ in range(_VIEWERS)]
        for viewer in viewers:
            nursery.start_soon(_read, viewer)
        yield viewers
        nursery.cancel_scope.cancel()


async def _read(peer: RawPeer) -> None:
    while await peer.stream.receive_some():
        pass


async def measure_all(program: Program, address: Address) -> Table:
    """Do one thing after the other, and look what the process weighs after each."""
    table = Table(program)
    await table.measure("serve, nobody there")
    await address.ask("/")
    await address.health()
    await table.measure("after the first requests")
    async with crowd(address):
        await table.measure(f"{_VIEWERS} idle viewers")
        async with AsyncExitStack() as stack:
            cameras = [
                await stack.enter_async_context(address.camera(f"camera-{number}")) for number in range(_CAMERAS)
            ]
            await table.measure(f"{_CAMERAS} cameras, no frames")
            jpegs = [picture(_FRAME, shade) for shade in range(_RING)]
            for number in range(_RING):
                for camera in cameras:
                    await camera.send(client_frame(BINARY, jpegs[number]))
            await address.wait_until_healthy(lambda health: health["framesReceived"] == _RING * _CAMERAS)
            await table.measure(f"full rings: {_RING} frames of {_FRAME} bytes each")
            for _ in range(100):
                for camera in cameras:
                    await camera.send(client_frame(BINARY, jpegs[0]))
                await trio.sleep(0.02)
            await table.measure("100 frames of each later")
            await _ask_for_rings(address, table)
        await address.wait_until_healthy(lambda health: health["onlineClients"] == 0)
    await address.wait_until_alone()
    await table.measure("everybody gone, rings kept")
    await trio.sleep(25)
    await address.wait_until_healthy(lambda health: health["totalClients"] == 0)
    await table.measure("cameras forgotten")
    return table


async def _ask_for_rings(address: Address, table: Table) -> None:
    """Have twenty clients ask for a ring of large frames at the same time, and look at the peak."""
    async with address.camera("large") as camera, trio.open_nursery() as nursery:
        for number in range(_RING):
            await camera.send(client_frame(BINARY, picture(5_000_000, number)))
            await address.wait_until_healthy(
                lambda health, number=number: health["framesReceived"] == 1160 + number + 1  # type: ignore[misc]
            )
        await table.measure(f"one ring more: {_RING} frames of 5 MB")
        peak = 0.0

        async def watch() -> None:
            nonlocal peak
            while True:
                peak = max(peak, resident(table.program.process.pid))
                await trio.sleep(0.01)

        async def ask() -> None:
            async with address.connection() as peer:
                await peer.send(request_head("/api/clients/large/stream"))
                await _read(peer)

        nursery.start_soon(watch)
        async with trio.open_nursery() as asking:
            for _ in range(20):
                asking.start_soon(ask)
        nursery.cancel_scope.cancel()
        table.rows.append(("at most, while 20 ask for that ring", peak))
    await table.measure("after that")


def measure(environment: dict[str, str]) -> Table:
    """Measure a process with these variables in its environment."""
    os.environ.update(environment)
    arguments = ("--port", "0", "--max-fps", "1000", "--client-timeout", "20s", "--cleanup-interval", "1s")
    try:
        with running("serve", *arguments) as program:
            address = Address.parse(program.wait_for_line(r"127\.0\.0\.1:\d+").group())
            return trio.run(measure_all, program, address)
    finally:
        for name in environment:
            del os.environ[name]


def measure_imports() -> list[tuple[str, float]]:
    """Return what each of the libraries adds to a bare interpreter, in the order in which they are needed."""
    modules = [
        "attrs", "msgspec", "structlog", "click", "h11", "trio", "wsproto", "trio_websocket", "werkzeug", "jinja2",
        "quart", "quart_trio", "hypercorn.trio.tcp_server", "PIL.Image", "skysentry_trio.cli.main",
    ]  # fmt: skip
    lines = "".join(f"import {module}\nsay({module!r})\n" for module in modules)
    program = (
        "import os\n"
        "def say(name):\n"
        "    pages = int(open('/proc/self/statm').read().split()[1])\n"
        "    print(name, pages * os.sysconf('SC_PAGE_SIZE') / 1e6)\n"
        "say('python')\n"
    ) + lines
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    sizes = [(name, float(size)) for name, size in (line.split() for line in out.splitlines())]
    before = [0.0, *(size for _, size in sizes)]
    return [(name, size - earlier) for (name, size), earlier in zip(sizes, before, strict=False)]


def main() -> None:
    plain, tuned = measure({}), measure(MALLOC)
    lines = [f"{'':48}{'as it is':>10}{'MALLOC_*':>10}"]
    for (what, one), (_, other) in zip(plain.rows, tuned.rows, strict=True):
        lines.append(f"{what:48}{one:10.1f}{other:10.1f}")
    lines.append("\nimports add")
    lines += [f"{name:48}{size:10.1f}" for name, size in measure_imports()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
