"""A host of its own behind a link of a chosen rate, for tests; they are skipped where there can be none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from benchmarks import far_host as hosts
from benchmarks.far_host import FarHost


@contextmanager
def far_host(rate: str, queue: int) -> Iterator[FarHost]:
    """Have a host as `hosts.far_host` does; skip the test where there can be none, unless ``CI`` is set."""
    if not hosts.can_have_far_host() and "CI" not in os.environ:
        pytest.skip("no root or no iproute2 on this machine")
    with hosts.far_host(rate, queue) as host:
        yield host
