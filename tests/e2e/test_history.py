"""A server that records: it is killed, its disk fails, other programs read what it wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import httpx
import pytest
from benchmarks.history.kills import measure_kills
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from skysentry_trio.server.history.folder import HistoryFolder
from tests.clocks import NOON
from tests.e2e.processes import PATIENCE, Program, running
from tests.server.history.helpers import JPEG, OpenFolder, frames

pytestmark = pytest.mark.e2e

ADDRESS = r"127\.0\.0\.1:\d+"
EVERYTHING = ("--history-fps", "0", "--history-min-free", "0B", "--shutdown-grace", "0s")


def recording(folder: Path, *flags: str) -> tuple[str, ...]:
    return (
        *("serve", "--host", "127.0.0.1", "--port", "0", "--demo", "--history", str(folder)),
        *EVERYTHING,
        *flags,
    )


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def state(server: Program) -> dict[str, object]:
    found: dict[str, object] = httpx.get(f"http://{server.wait_for_line(ADDRESS).group()}/api/history").json()
    return found


def written(server: Program) -> int:
    count = state(server)["framesWritten"]
    assert isinstance(count, int)
    return count


@pytest.mark.one_server  # The benchmark starts the server.
def test_a_server_that_is_killed_loses_at_most_a_second(tmp_path: Path) -> None:
    """Two kills at random moments: every file can be read, and nothing is wrong; ten are a benchmark."""
    missed = [one.show() for one in measure_kills(tmp_path, kills=2, longest=2.5) if not one.is_held]

    assert missed == []


def test_other_programs_read_what_was_recorded(tmp_path: Path) -> None:
    """FFmpeg finds all frames in a file, and an exported clip has the times at which the frames arrived."""
    if shutil.which("ffprobe") is None and "CI" not in os.environ:
        pytest.skip("no ffprobe on this machine")
    with running(*recording(tmp_path)) as server:
        eventually(lambda: written(server) > 40)
    path = max(tmp_path.glob("*/*/*/*/*.mpjpeg"), key=lambda one: one.stat().st_size)
    probe = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]
    read = subprocess.run([*probe, "-f", "mpjpeg", str(path)], capture_output=True, text=True, check=True)
    history = HistoryFolder.open(tmp_path, writing=False)
    segment, _ = history.read_table(path.relative_to(tmp_path).as_posix())
    history.close()

    assert int(read.stdout.strip().strip(",")) == segment.frames


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Have a volume of 64 megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)], check=False)
    if mount.returncode and "CI" not in os.environ:
        pytest.skip("this user may not mount")
    assert mount.returncode == 0
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def watching(address: str, camera_id: str) -> Iterator[list[int]]:
    """Watch a camera; give the sequences of its frames, which grow while the context lasts."""
    seen = list[int]()

    def watch(viewer: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            for message in viewer:
                if isinstance(message, bytes):
                    header = json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")])
                    seen.append(header["sequence"])

    with connect(f"ws://{address}/stream/ws?client={camera_id}", max_size=None) as viewer:
        reader = Thread(target=watch, args=(viewer,))
        reader.start()
        yield seen
    reader.join(PATIENCE)


FAULTY = """\
import errno, os, time
real_writev, real_open = os.writev, os.open
def check():
    while os.path.exists({flag!r}):
        with open({flag!r}) as file:
            if file.read() == "read-only":
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        time.sleep(0.05)
def writev(descriptor, pieces):
    check()
    return real_writev(descriptor, pieces)
def open_file(path, flags, *rest, **more):
    if flags & os.O_CREAT and str(path).endswith(".mpjpeg"):
        check()
    return real_open(path, flags, *rest, **more)
os.writev, os.open = writev, open_file
from skysentry_trio.cli.main import main
from skysentry_trio.server.history import disk_writer
disk_writer._RETRY = disk_writer._SLOW = 1.0
main()
"""
"""A server for which writes hang while a file exists, or fail if the file says that the volume is read-only."""


def test_faults_of_the_disk_cost_no_live_frame(small_disk: Path, tmp_path: Path) -> None:
    """A full volume, one that turns read-only, and writes that hang: one line of the log each, and all returns.

    A file that was cut in the middle has its first half, and files of somebody else stay.
    """
    prepared = OpenFolder(small_disk)
    prepared.record("yard", frames(10, start=NOON + 20, fps=1))
    prepared.close()
    (cut,) = small_disk.glob("yard/*/*/*/*.mpjpeg")
    foreign = [cut.with_name("notes.txt"), cut.with_name("00-00-00.mpjpeg"), small_disk / "lost+found"]
    for path in foreign:
        path.write_bytes(b"mine")
    flag, ballast = tmp_path / "flag", small_disk / "ballast"
    arguments = recording(small_disk, "--history-age", "0s")
    with running(*arguments, program=("-c", FAULTY.format(flag=str(flag)))) as server:
        address = server.wait_for_line(ADDRESS).group()

        def failing() -> str:
            found: str = httpx.get(f"http://{address}/api/health").json()["failing"].get("history", "")
            return found

        def breaks_and_returns(broken: Callable[[], object], mended: Callable[[], object], reason: str) -> None:
            eventually(lambda: written(server) > 5)
            broken()
            eventually(lambda: reason in failing())
            mended()
            count = written(server)
            eventually(lambda: not failing() and written(server) > count)

        def fill() -> None:
            with suppress(OSError):  # the volume is full after a part of it
                ballast.write_bytes(bytes(2**26))

        with watching(address, "demo-1") as seen:
            breaks_and_returns(fill, ballast.unlink, "No space left on device")
            breaks_and_returns(lambda: flag.write_text("read-only"), flag.unlink, "Read-only file system")
            breaks_and_returns(flag.touch, flag.unlink, "the disk has not answered")
            cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
            clip = httpx.get(f"http://{address}/api/clients/yard/clip?format=mjpeg")
            count = len(seen)
            eventually(lambda: len(seen) > count + 10)
        paused = [line for line in server.lines if "recording paused" in line]

    assert len(paused) == 3
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    assert (clip.status_code, clip.content.count(JPEG)) == (200, 4)
    assert all(path.read_bytes() == b"mine" for path in foreign)


def test_a_second_server_does_not_record_in_the_same_folder(tmp_path: Path) -> None:
    """It refuses to start, with status 2 and a sentence."""
    with running(*recording(tmp_path)) as first:
        first.wait_for_line(ADDRESS)
        second = subprocess.run(
            [sys.executable, "-m", "skysentry_trio", *recording(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    assert second.returncode == 2
    assert f"a server records in {tmp_path}" in second.stderr
