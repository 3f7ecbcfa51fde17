"""An engine for the tests of a module, and how long nodes wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from skysentry_trio.server.cluster import recorders
from skysentry_trio.server.http import camera_list, exports, gathering, rest
from tests.raw_peer import PATIENCE
from tests.server.cluster.redis_process import RedisProcess, running_redis

_DEADLINES = (
    (camera_list, "_TIMEOUT"),
    (exports, "_ASK_TIMEOUT"),
    (gathering, "_TIMEOUT"),
    (recorders, "_TIMEOUT"),
    (rest, "_RING_TIMEOUT"),
)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with running_redis(tmp_path_factory.mktemp("redis")) as process:
        yield process


@pytest.fixture(autouse=True)
def patient_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a node wait for the answers of others as long as a busy machine may take for them."""
    for module, name in _DEADLINES:
        monkeypatch.setattr(module, name, PATIENCE)


@pytest.fixture
def impatient_nodes(patient_nodes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a node wait only for a moment, in a test whose other nodes are silent."""
    for module, name in _DEADLINES:
        monkeypatch.setattr(module, name, 0.1)
