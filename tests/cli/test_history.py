"""``skysentry-trio history``, run as a person runs it."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from click.testing import CliRunner, Result

from skysentry_trio.cli.main import cli
from skysentry_trio.server.history.segment import scan
from tests.clocks import NOON
from tests.server.history.helpers import OpenFolder, frames

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two minutes of one camera at one frame a second, and a day before that ten seconds of it."""
    opened = OpenFolder(tmp_path / "history")
    opened.record("door", frames(10, fps=1, start=NOON - 86400))
    opened.record("door", frames(120, fps=1))
    opened.close()
    return opened.path


@pytest.fixture
def run(folder: Path) -> Run:
    def run_command(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["history", *arguments, "--history", str(folder)], catch_exceptions=True)

    return run_command


def test_cameras_are_listed(run: Run) -> None:
    """Each camera has its times, frames and bytes."""
    result = run("ls")

    assert "door\t2026-11-28 12:00:00Z to 2026-11-29 12:01:59Z\t130 frames" in result.stdout


def test_the_times_of_a_camera_are_listed(run: Run) -> None:
    """Each time in which it was recorded has a line."""
    lines = run("ls", "door", "--from", "2026-11-28T00:00:00Z").stdout.splitlines()

    assert [line.split("\t")[0] for line in lines] == [
        "2026-11-28 12:00:00Z to 2026-11-28 12:00:09Z",
        "2026-11-29 12:00:00Z to 2026-11-29 12:01:59Z",
    ]


@pytest.mark.parametrize(
    ("camera", "sentence"), [((), "no recordings in"), (("yard",), "no recordings of camera yard of this time")]
)
def test_a_list_without_recordings_says_so(tmp_path: Path, camera: tuple[str, ...], sentence: str) -> None:
    """A server that has just begun to record has no complete file; an empty answer would look like a fault."""
    OpenFolder(tmp_path / "history").close()
    result = CliRunner().invoke(cli, ["history", "ls", *camera, "--history", str(tmp_path / "history")])

    assert (result.exit_code, result.stdout) == (0, "")
    assert sentence in result.stderr
    assert "only complete files are listed" in result.stderr


def test_a_video_has_the_times_of_the_frames(run: Run, tmp_path: Path) -> None:
    """An exported minute plays for a minute."""
    path = tmp_path / "minute.mkv"
    run("export", "door", "--from", "2026-11-29T12:00:00Z", "--to", "2026-11-29T12:01:00Z", "-o", str(path))

    with av.open(str(path)) as container:
        times = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None]
    assert times == [float(second) for second in range(61)]


def test_the_form_on_disk_can_be_exported(run: Run, tmp_path: Path) -> None:
    """One file has the frames of several."""
    path = tmp_path / "all.mpjpeg"
    run("export", "door", "--format", "mpjpeg", "-o", str(path))

    assert [one.sequence for one in scan(path.read_bytes())] == [*range(1, 11), *range(1, 121)]


@pytest.mark.parametrize("kind", ["zip", "mkv", "mpjpeg"])
def test_several_cameras_are_exported_into_an_archive(run: Run, folder: Path, tmp_path: Path, kind: str) -> None:
    """It has a manifest with all frames of both cameras; without any, nothing is written."""
    opened = OpenFolder(folder)
    opened.record("yard", frames(5, fps=1))
    opened.close()
    path = tmp_path / "both.zip"
    span = ("--from", "2026-11-29T12:00:00Z", "--to", "2026-11-29T12:01:00Z")
    result = run("export", "door", "yard", *span, "--format", kind, "-o", str(path))
    none = run("export", "attic", "cellar", "--format", "zip", "-o", str(tmp_path / "none.zip"))

    with zipfile.ZipFile(path) as archive:
        said = json.loads(archive.read("manifest.json"))
    assert [(one["clientId"], len(one["frames"])) for one in said["cameras"]] == [("door", 61), ("yard", 5)]
    assert "66 frames in" in result.stderr
    assert "there are no recordings of cameras attic, cellar of this time" in str(none.exception)
    assert not (tmp_path / "none.zip").exists()


def test_an_existing_file_is_not_replaced(run: Run, tmp_path: Path) -> None:
    """The sentence names the file."""
    path = tmp_path / "mine.zip"
    path.write_bytes(b"mine")

    result = run("export", "door", "--format", "zip", "-o", str(path))

    assert f"{path} exists" in str(result.exception)
    assert path.read_bytes() == b"mine"


def test_whole_recordings_are_clean(run: Run) -> None:
    """Nothing is wrong, and the exit status is 0; a frame that was cut off by a kill is nothing wrong."""
    assert run("verify").exit_code == 0


def test_damage_is_found_and_mended(run: Run, folder: Path) -> None:
    """A file that was cut in the middle does not agree with the index until the index is made again."""
    path = max(folder.glob("door/2026/11/29/*"), key=lambda one: one.stat().st_size)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    before, mended, after = run("verify"), run("rebuild"), run("verify")

    assert "the index does not agree with the file" in before.stdout
    assert (before.exit_code, mended.exit_code, after.exit_code) == (1, 0, 0)


def test_a_lost_index_is_made_again(run: Run, folder: Path) -> None:
    """The new index has the same rows."""
    rows = read_rows(folder)
    for path in folder.glob("@index.sqlite3*"):
        path.unlink()

    run("rebuild")

    assert read_rows(folder) == rows


def read_rows(folder: Path) -> list[object]:
    with sqlite3.connect(folder / "@index.sqlite3") as connection:
        return connection.execute("SELECT * FROM segments ORDER BY name").fetchall()


@pytest.mark.parametrize(("keep", "left"), [("0B", 0), ("1GB", 130)])
def test_the_oldest_are_deleted(run: Run, keep: str, left: int) -> None:
    """What does not fit goes; a dry run deletes nothing."""
    run("prune", "--keep", keep, "--dry-run")
    assert "130 frames" in run("ls").stdout
    run("prune", "--keep", keep)

    assert (f"{left} frames" in run("ls").stdout) == bool(left)


def test_a_folder_in_which_a_server_records_is_not_changed(run: Run, folder: Path) -> None:
    """Deleting beside a server is refused; reading is not."""
    opened = OpenFolder(folder)
    refused, listed = run("prune", "--keep", "0B"), run("ls")
    opened.close()

    assert "a server records in" in str(refused.exception)
    assert listed.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prune"], "expected --older-than DURATION or --keep SIZE, got neither"),
        (
            ["prune", "--older-than", "soon"],
            "--older-than: expected a duration such as",
        ),
        (["ls", "door", "--from", "yesterday"], "is a moment such as"),
        (["export", "yard", "--format", "zip"], "there are no recordings of camera yard of this time"),
    ],
)
def test_wrong_usage_is_explained(run: Run, arguments: list[str], sentence: str) -> None:
    """The sentence says what was expected."""
    assert sentence in str(run(*arguments).exception)


def test_a_folder_that_is_not_there_is_not_made() -> None:
    """A mistyped folder is an error."""
    result = CliRunner().invoke(cli, ["history", "ls", "--history", "/nowhere/at/all"])

    assert "expected a folder, got /nowhere/at/all" in str(result.exception)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--fps 15", "65.0 GB a day, 455.2 GB for 7 days\n6.0 Mbit/s"),
        ("--fps 1 --event-hours 2", "9.4 GB a day, 65.8 GB for 7 days\n0.9 Mbit/s"),
        ("--fps 1 --pre-roll-fps 15 --cameras 2", "8.7 GB a day, 60.7 GB for 7 days\n12.0 Mbit/s"),
    ],
)
def test_the_need_for_disk_is_estimated(flags: str, said: str) -> None:
    """Fifteen frames a second of 50 kB are 65 GB a day; two hours of events add to one frame a second."""
    result = CliRunner().invoke(cli, ["history", "estimate", *flags.split()])

    assert result.stdout == said + " on average from cameras that nobody watches\n"


def test_ageing_counts_in_the_estimate() -> None:
    """Each rule for recordings that are kept has a line; the frames around events keep their rate."""
    flags = "--fps 5 --days 90 --ageing 7d:1/10s --ageing 1d:1/s --ageing 365d:1/h"
    result = CliRunner().invoke(cli, ["history", "estimate", *flags.split()])
    with_events = CliRunner().invoke(cli, ["history", "estimate", *flags.split(), "--event-hours", "24"])

    assert [" ".join(line.split()) for line in result.stdout.splitlines()[:4]] == [
        "recordings of 0 to 1 days 21.7 GB a day 21.7 GB",
        "recordings of 1 to 7 days 4.3 GB a day 26.0 GB",
        "recordings of 7 to 90 days 0.4 GB a day 36.0 GB",
        "21.7 GB a day, 83.7 GB for 90 days",
    ]
    assert "65.0 GB a day, 5853.0 GB for 90 days" in with_events.stdout


def test_a_rule_that_is_none_is_refused() -> None:
    """The sentence names the flag."""
    result = CliRunner().invoke(cli, ["history", "estimate", "--ageing", "often"])

    assert "--ageing: expected a rule such as 7d:1/10s, got 'often'" in str(result.exception)
