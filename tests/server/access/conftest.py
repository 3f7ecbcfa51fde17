"""What tests of access share."""

from __future__ import annotations

from pathlib import Path

import pytest
from argon2 import PasswordHasher

from skysentry_trio.server.access import passwords
from tests.server.access.rules import Rules


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rules:
    # Passwords of tests need no protection, and the tests are many.
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    passwords._hash_of_nothing.cache_clear()
    return Rules(tmp_path)
