from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.cli.config import as_toml
from skysentry_trio.cli.settings_sources import load_settings
from skysentry_trio.server.settings import Settings


def test_show_prints_all_settings_as_toml(run: Any) -> None:
    """Without anything given these are the defaults, and no comment says otherwise."""
    outcome = run("config", "show")
    assert (outcome.status, outcome.err) == (0, "")
    assert set(tomllib.loads(outcome.out)) == {setting.name for setting in attrs.fields(Settings)}
    assert 'max_frame_size = "5MiB"\n' in outcome.out
    assert "max_fps = 60\n" in outcome.out
    assert 'client_timeout = "2m"\n' in outcome.out
    assert "cors_origins = []\n" in outcome.out
    assert "#" not in outcome.out


def test_show_says_where_each_value_comes_from(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an operator finds the place to change it."""
    file = tmp_path / "settings.toml"
    file.write_text("buffer-size = 4")
    monkeypatch.setenv("SKYSENTRY_HOST", "::")
    outcome = run("config", "show", "--config", str(file), "--cors-origin", "*", "--cors-origin", "http://a.example")
    commented = [line for line in outcome.out.splitlines() if "#" in line]
    assert commented == [
        'host = "::"  # variable SKYSENTRY_HOST',
        f"buffer_size = 4  # file {file}, key buffer-size",
        'cors_origins = ["*", "http://a.example"]  # flag --cors-origin',
    ]


def test_show_refuses_what_serve_would_refuse(run: Any) -> None:
    """It is the way to test a configuration before a restart."""
    outcome = run("config", "show", "--max-fps", "fast")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == "skysentry-trio: flag --max-fps: expected a number from 0.01 to 1000, got 'fast'\n"


durations = st.integers(1, 3_600_000).map(lambda milliseconds: milliseconds / 1000)


@given(
    st.builds(
        Settings,
        host=st.sampled_from(["127.0.0.1", "::1", "127", "camera-relay.local"]),
        port=st.integers(0, 65535),
        buffer_size=st.one_of(st.just("auto"), st.integers(1, 100_000)),
        buffer_seconds=st.one_of(st.just(0.0), durations),
        buffer_bytes=st.integers(0, 2**40),
        max_frame_size=st.integers(1, 2**30),
        max_memory=st.integers(2**30, 2**40),
        max_fps=st.integers(1, 100_000).map(lambda hundredths: hundredths / 100),
        client_timeout=durations,
        ping_interval=durations,
        shutdown_grace=st.one_of(st.just(0.0), durations),
        cors_origins=st.lists(st.sampled_from(["*", "http://[::1]:8080", "https://a.example"])).map(tuple),
        log_format=st.sampled_from(["auto", "text", "json"]),
    )
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_show_prints_gives_the_same_settings(tmp_path: Path, settings: Settings) -> None:
    """The output is a file for --config."""
    file = tmp_path / "settings.toml"
    file.write_text(as_toml(settings, {}))
    assert settings == load_settings({}, {}, str(file))


def test_the_password_of_an_engine_is_not_shown() -> None:
    """People paste what `config show` prints into reports."""
    settings = Settings(cluster="redis://user:secret@engine/1")
    assert 'cluster = "redis://engine/1"' in as_toml(settings, {})
    assert "secret@" not in repr(settings)
    with pytest.raises(ConfigurationError, match="expected redis://HOST/NUMBER") as refused:
        load_settings({"cluster": "redis://user:secret@engine/x"}, {}, None)
    assert "secret" not in str(refused.value)
