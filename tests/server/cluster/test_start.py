from __future__ import annotations

import sys
from pathlib import Path

import pytest

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.server.cluster.directory import ClusterDirectory
from skysentry_trio.server.cluster.start import join_cluster
from skysentry_trio.server.relay.hub import Hub
from skysentry_trio.server.settings import Settings

LOCAL = "http://127.0.0.1:8080"


def join(urls: tuple[str, ...] = (LOCAL,), **settings: str) -> ClusterDirectory:
    settings = {"cluster": "redis://127.0.0.1", **settings}
    return join_cluster(Settings(**settings), Hub(Settings(**settings)), urls).directory  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("urls", "settings", "expected"),
    [
        ((LOCAL,), {}, LOCAL),
        (("unix:/run/sky", "http://[::1]:80"), {}, "http://[::1]:80"),
        (("http://0.0.0.0:8080",), {"node_url": "https://cams-1.example"}, "https://cams-1.example"),
    ],
)
def test_others_reach_a_node_where_it_listens_or_where_it_says(
    urls: tuple[str, ...], settings: dict[str, str], expected: str
) -> None:
    """The setting counts; without it, an address that is no wildcard."""
    assert join(urls, **settings).url == expected


@pytest.mark.parametrize("url", ["http://0.0.0.0:8080", "http://[::]:8080", "unix:/run/sky"])
def test_a_node_that_nobody_can_reach_does_not_start(url: str) -> None:
    """Nobody knows which of its addresses the others can use."""
    with pytest.raises(ConfigurationError, match="node_url"):
        join((url,))


def test_a_secret_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    """A file that is missing or too short would be found out by others first."""
    secret = tmp_path / "secret"
    with pytest.raises(ConfigurationError, match="cannot read"):
        join(cluster_secret_file=str(secret))
    secret.write_text("short\n")
    with pytest.raises(ConfigurationError, match="at least 32 characters"):
        join(cluster_secret_file=str(secret))
    secret.write_text("0123456789abcdef" * 2)
    assert join(cluster_secret_file=str(secret)).url == LOCAL


def test_without_the_library_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most servers do not need it, so it is an extra."""
    monkeypatch.delitem(sys.modules, "skysentry_trio.server.cluster.redis_engine", raising=False)
    monkeypatch.setitem(sys.modules, "coredis", None)
    with pytest.raises(ConfigurationError, match=r"skysentry-trio\[cluster\]"):
        join()
