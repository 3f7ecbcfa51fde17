from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.cli.credentials import TokenFile, find_credentials
from skysentry_trio.cli.settings_sources import load_settings
from skysentry_trio.client.engine.addresses import parse_server_address

SERVER = parse_server_address("http://cameras.example:8080")
WITH_PASSWORD = parse_server_address("http://user:password@cameras.example")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def netrc(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a person whose netrc file has a password for one host."""
    text = "machine cameras.example login anna password p:w\ndefault login guest password guest\n"
    return {"NETRC": str(write(tmp_path / "netrc", text))}


def test_the_first_of_file_variable_address_and_netrc_counts(tmp_path: Path, netrc: dict[str, str]) -> None:
    """A password in the address stays: with a token, a proxy wants it."""
    file = write(tmp_path / "key", "sky_file\n")
    environ = {**netrc, "SKYSENTRY_TOKEN": " sky_variable\n"}
    assert find_credentials(WITH_PASSWORD, file, environ) == (WITH_PASSWORD, TokenFile(file))
    assert find_credentials(WITH_PASSWORD, None, environ) == (WITH_PASSWORD, "sky_variable")
    assert find_credentials(WITH_PASSWORD, None, netrc) == (WITH_PASSWORD, None)
    server, token = find_credentials(SERVER, None, netrc)
    assert (server.credentials, token) == ("anna:p:w", None)


def test_the_default_of_netrc_is_for_other_programs(netrc: dict[str, str]) -> None:
    """A server that is open refuses a wrong password."""
    other = parse_server_address("http://other.example")
    assert find_credentials(other, None, netrc) == (other, None)


@pytest.mark.parametrize("text", ["machine\n", "\xff\xfe", "machine a login b c\n"])
def test_a_netrc_file_that_cannot_be_read_is_ignored(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line names the file; the content belongs to other programs."""
    path = tmp_path / "netrc"
    path.write_bytes(text.encode("latin-1"))
    assert find_credentials(SERVER, None, {"NETRC": str(path)}) == (SERVER, None)
    assert f"ignores {path}" in capsys.readouterr().err


def test_without_any_of_them_there_is_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is a netrc file needed, nor a variable."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_credentials(SERVER, None, {"SKYSENTRY_TOKEN": ""}) == (SERVER, None)
    write(tmp_path / ".netrc", "machine cameras.example login anna password secret\n").chmod(0o600)
    assert find_credentials(SERVER, None, {})[0].credentials == "anna:secret"


def test_a_token_file_is_read_again_each_time(tmp_path: Path) -> None:
    """A file that is replaced renews the token; while the file is missing, the client tries again."""
    file = TokenFile(write(tmp_path / "key", "first\n"))
    assert file() == "first"
    write(tmp_path / "key", "second")
    assert file() == "second"
    (tmp_path / "key").unlink()
    with pytest.raises(OSError, match="--token-file: expected a readable file, got an error: No such file"):
        file()


@pytest.mark.parametrize("text", ["", "\n", "two words", "sky_ü"])
def test_a_file_without_a_token_is_refused(tmp_path: Path, text: str) -> None:
    """The error shows nothing of the file."""
    file = write(tmp_path / "key", text)
    with pytest.raises(ConfigurationError, match="--token-file: expected a token") as caught:
        find_credentials(SERVER, file, {})
    assert not text.strip() or text not in str(caught.value)


def test_a_variable_without_a_token_is_refused() -> None:
    """The error names the variable, and shows nothing of its value."""
    with pytest.raises(ConfigurationError, match="variable SKYSENTRY_TOKEN: expected a token") as caught:
        find_credentials(SERVER, None, {"SKYSENTRY_TOKEN": "two words"})
    assert "two words" not in str(caught.value)


def test_the_server_ignores_the_variable_of_the_clients() -> None:
    """A container may have the same environment for both."""
    assert load_settings({}, {"SKYSENTRY_TOKEN": "sky_1"}, None).port == 8080


@pytest.mark.parametrize("command", [["capture", "pattern"], ["watch"]])
def test_a_missing_token_file_is_exit_status_2(run: Callable[..., Any], tmp_path: Path, command: list[str]) -> None:
    """It ends before anything is connected."""
    outcome = run(*command, "--token-file", str(tmp_path / "missing"))
    assert (outcome.status, outcome.out) == (2, "")
    assert "--token-file: expected a readable file" in outcome.err
