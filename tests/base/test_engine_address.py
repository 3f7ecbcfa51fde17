from __future__ import annotations

import pytest

from skysentry_trio.base.engine_address import EngineAddress


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://10.0.0.2", EngineAddress("redis://10.0.0.2", (("10.0.0.2", 6379),))),
        ("redis://[::1]:7000/3", EngineAddress("redis://[::1]:7000/3", (("::1", 7000),), database=3)),
        ("rediss://engine", EngineAddress("rediss://engine", (("engine", 6379),), is_tls=True)),
        ("redis://:p%40ss@engine", EngineAddress("redis://engine", (("engine", 6379),), password="p@ss")),
        ("redis://p@engine", EngineAddress("redis://engine", (("engine", 6379),), password="p")),
        ("redis://u:p@engine", EngineAddress("redis://engine", (("engine", 6379),), user="u", password="p")),
        ("unix:///run/engine", EngineAddress("unix:///run/engine", path="/run/engine")),
        ("unix:///run/engine?db=2", EngineAddress("unix:///run/engine?db=2", path="/run/engine", database=2)),
        (
            "redis+sentinel://a,b:7/main/4",
            EngineAddress("redis+sentinel://a,b:7/main/4", (("a", 26379), ("b", 7)), service="main", database=4),
        ),
    ],
)
def test_an_address_is_taken_apart(text: str, expected: EngineAddress) -> None:
    """A server, TLS, a Unix socket, Sentinels, passwords and numbered databases."""
    assert EngineAddress.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "engine", "http://engine", "redis://", "redis://a,b", "redis://a/x", "redis://a/1/2", "unix://engine",
     "redis+sentinel://a", "redis://a:99999", "redis://a b"],
)  # fmt: skip
def test_a_wrong_address_is_refused(text: str) -> None:
    """Whatever is missing or too much."""
    with pytest.raises(ValueError, match=r"expected|host|space"):
        EngineAddress.parse(text)


def test_no_error_and_no_representation_has_the_password() -> None:
    """Logs and reports of bugs contain both."""
    with pytest.raises(ValueError, match="expected") as refused:
        EngineAddress.parse("redis://u:secret@a/x")
    assert "secret" not in str(refused.value)
    assert "secret" not in repr(EngineAddress.parse("redis://u:secret@a"))
