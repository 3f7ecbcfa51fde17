"""An engine for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.cluster.redis_process import RedisProcess, running_redis


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with running_redis(tmp_path_factory.mktemp("redis")) as process:
        yield process
