"""The file of rules is private, and always either old or new."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from threading import Thread

import pytest

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.server.access import records as records_module
from skysentry_trio.server.access.records import AccessRecords, KeyRecord, change_records, decode_records, read_records


def add(name: str) -> object:
    def change(records: AccessRecords) -> None:
        records.keys.append(KeyRecord(name, name, "", {}, 0.0))

    return change


def test_a_folder_without_the_file_has_no_rules(tmp_path: Path) -> None:
    """Reading creates nothing."""
    assert not read_records(tmp_path / "none").has_rules
    assert not (tmp_path / "none").exists()


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    """The folder that is created is private too, and no other file stays."""
    folder = tmp_path / "state"
    change_records(folder, add("a"))  # type: ignore[arg-type]
    assert (folder.stat().st_mode & 0o777, (folder / "access.json").stat().st_mode & 0o777) == (0o700, 0o600)
    assert {path.name for path in folder.iterdir()} == {"access.json", "access.json.lock"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    """So a server that runs as another user can read it."""
    os.chown(tmp_path, 65534, 65534)
    change_records(tmp_path, add("a"))  # type: ignore[arg-type]
    assert {path.stat().st_uid for path in tmp_path.iterdir()} == {65534}


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    """One waits for the other."""
    threads = [Thread(target=change_records, args=(tmp_path, add(str(number)))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(key.id) for key in read_records(tmp_path).keys) == list(range(20))


def test_a_program_that_never_ends_its_change_stops_no_other_one_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be stopped in the debugger, or wait for a disk on a network; the error says which file it holds."""
    monkeypatch.setattr(records_module, "_LOCK_TIMEOUT", 0.2)
    change_records(tmp_path, add("a"))  # type: ignore[arg-type]
    with (tmp_path / "access.json.lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match=r"access\.json: another program .* for 0\.2 s"):
            change_records(tmp_path, add("b"))  # type: ignore[arg-type]
    change_records(tmp_path, add("c"))  # type: ignore[arg-type]
    assert [key.id for key in read_records(tmp_path).keys] == ["a", "c"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"version": 2}', b'{"keys": [{}]}', b"\xff", b"[" * 100_000])
def test_an_unexpected_content_is_an_error(content: bytes) -> None:
    """It says which file, and nothing of the content."""
    with pytest.raises(ConfigurationError, match=r"file access\.json: expected"):
        decode_records(content, "access.json")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """It says which file."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        change_records(tmp_path / "file", add("a"))  # type: ignore[arg-type]


def test_secrets_are_replaced_and_the_one_before_still_counts() -> None:
    """After ninety days, and after twice that time no more."""
    records = AccessRecords()
    for day in (0, 30, 91, 182):
        records.rotate_secrets(day * 86400.0)
    assert [one.created for one in records.secrets] == [91 * 86400.0, 182 * 86400.0]
