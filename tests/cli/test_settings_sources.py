from __future__ import annotations

from pathlib import Path

import pytest

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.cli.settings_sources import load_settings
from skysentry_trio.server.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_without_anything_given_the_defaults_hold() -> None:
    """Flags that were not used are None or empty, and other programs' variables are not ours."""
    assert Settings() == load_settings({"port": None, "cors_origins": ()}, {"HOME": "/", "PORT": "1"}, None)


def test_a_flag_wins_over_a_variable_and_that_over_the_file(file: Path) -> None:
    """Each source is asked for what those before it leave open."""
    file.write_text("port = 1\nmax_fps = 1\nbuffer_size = 1\n")
    settings = load_settings({"port": "3"}, {"SKYSENTRY_PORT": "2", "SKYSENTRY_MAX_FPS": "2"}, str(file))
    assert Settings(port=3, max_fps=2, buffer_size=1) == settings


def test_a_file_may_write_its_keys_like_flags(file: Path) -> None:
    """Dashes and underscores are the same, numbers may be text, lists are arrays."""
    file.write_text(
        'max-frame-size = "1MiB"\nclient_timeout = 2.5\ncors-origins = ["https://a.example", "*"]\nport="1"'
    )
    settings = load_settings({}, {}, str(file))
    expected = Settings(max_frame_size=1024 * 1024, client_timeout=2.5, cors_origins=("https://a.example", "*"), port=1)
    assert expected == settings


def test_the_environment_may_name_the_file(file: Path) -> None:
    """SKYSENTRY_CONFIG counts where --config is not given; empty means none."""
    file.write_text("port = 1")
    assert load_settings({}, {"SKYSENTRY_CONFIG": str(file)}, None).port == 1
    assert load_settings({}, {"SKYSENTRY_CONFIG": "/nowhere"}, str(file)).port == 1
    assert load_settings({}, {"SKYSENTRY_CONFIG": ""}, None).port == 8080


def test_lists_in_variables_are_separated_by_commas() -> None:
    """A repeated flag and a list in a variable mean the same."""
    by_flag = load_settings({"cors_origins": ("https://a.example", "https://b.example")}, {}, None)
    by_variable = load_settings({}, {"SKYSENTRY_CORS_ORIGINS": "https://a.example,https://b.example"}, None)
    assert by_flag == by_variable == Settings(cors_origins=("https://a.example", "https://b.example"))


def refused(flags: dict[str, object], environ: dict[str, str], path: str | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(flags, environ, path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_bad_flag_is_named() -> None:
    """The message says which flag, what it got and what would be right."""
    assert refused({"port": "http"}, {}) == "flag --port: expected a whole number from 0 to 65535, got 'http'"
    error = refused({"cors_origins": ("*", "x")}, {})
    assert error.startswith("flag --cors-origin: expected * or origins")
    assert error.endswith("got '*', 'x'")


def test_a_bad_variable_is_named() -> None:
    """Kubernetes sets such a one for a Service named skysentry."""
    expected = "variable SKYSENTRY_PORT: expected a whole number from 0 to 65535, got 'tcp://10.0.0.1:8080'"
    assert expected == refused({}, {"SKYSENTRY_PORT": "tcp://10.0.0.1:8080"})


def test_a_bad_value_in_the_file_is_named_with_its_key(file: Path) -> None:
    """The key is written as the file writes it."""
    file.write_text("log-level = 3")
    expected = f"file {file}, key log-level: expected debug, info, warning or error, got 3"
    assert expected == refused({}, {}, str(file))


def test_what_is_overridden_is_not_judged(file: Path) -> None:
    """A flag repairs what a file has wrong, so that one can try."""
    file.write_text("port = -1")
    assert load_settings({"port": "1"}, {}, str(file)).port == 1


def test_an_unknown_variable_is_refused() -> None:
    """A typing error must not leave a setting at its default without a word."""
    expected = "variable SKYSENTRY_PROT: there is no such setting; did you mean SKYSENTRY_PORT?"
    assert expected == refused({}, {"SKYSENTRY_PROT": "1"})
    assert refused({}, {"SKYSENTRY_ZZZ": ""}) == "variable SKYSENTRY_ZZZ: there is no such setting"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max-fsp = 3", ", key max-fsp: there is no such setting; did you mean max_fps?"),
        ("[server]\nport = 3", ", key server: there is no such setting"),
        ("max-fps = 1\nmax_fps = 2", ", key max_fps: expected each setting once, got it again as max_fps"),
        ("port: 3", ": expected TOML, got an error: "),
        ("port = " + "[" * 50_000, ": expected TOML, got an error: "),
    ],
)
def test_a_file_with_mistakes_is_refused(file: Path, text: str, complaint: str) -> None:
    """Unknown keys, tables, the same setting twice, and what is no TOML at all."""
    file.write_text(text)
    assert refused({}, {}, str(file)).startswith(f"file {file}{complaint}")


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    """TOML is UTF-8."""
    file.write_bytes(b"\xff\xfe")
    assert refused({}, {}, str(file)).startswith(f"file {file}: expected TOML, got an error: 'utf-8' codec")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Naming a file and running without it would be a surprise."""
    expected = f"file {tmp_path}/none.toml: expected a readable TOML file, got an error: No such file or directory"
    assert expected == refused({}, {}, f"{tmp_path}/none.toml")


def test_settings_that_contradict_each_other_name_their_sources() -> None:
    """Each may come from somewhere else."""
    assert refused({"max_memory": "1MiB"}, {"SKYSENTRY_MAX_FRAME_SIZE": "2MiB", "SKYSENTRY_PORT": "1"}) == (
        "max_memory: expected at least max_frame_size (2MiB), got 1MiB "
        "(max_frame_size from variable SKYSENTRY_MAX_FRAME_SIZE; max_memory from flag --max-memory)"
    )
