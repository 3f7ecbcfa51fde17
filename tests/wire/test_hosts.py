"""Hosts: a page of a foreign site cannot read this server under its own name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.networks import UNIX
from skysentry_trio.wire.hosts import HostRule, is_allowed_host

LOOPBACK = ("127.0.0.1",)


def is_answered(
    host: str,
    *,
    listening: tuple[str, ...] = LOOPBACK,
    allowed: tuple[str, ...] = (),
    local: str = "127.0.0.1",
    configured: str = "127.0.0.1",
) -> bool:
    rule = HostRule.of(configured, listening, allowed)
    try:
        if rule is not None:
            rule.check(host, local)
    except ProtocolViolation:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8080",
        "LOCALHOST.",
        "cams.localhost:80",
        "127.0.0.1:8080",
        "127.1.2.3",
        "[::1]:8080",
        "[0:0:0:0:0:0:0:1]",
        "",
    ],
)
def test_this_machine_is_always_meant(host: str) -> None:
    """Names and addresses of loopback, with and without a port; programs that name no host are no browsers."""
    assert is_answered(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "[2001:db8::1]",
        "0.0.0.0",
    ],
)
def test_on_loopback_other_hosts_are_refused(host: str) -> None:
    """A browser that was led here by a foreign name gets nothing."""
    assert not is_answered(host)


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("cams.example", ("cams.example",), True),
        ("CAMS.example.:443", ("cams.example",), True),
        ("cams.example", ("Cams.Example.",), True),
        ("a.cams.example", ("cams.example",), False),
        ("192.0.2.1:80", ("192.0.2.1",), True),
        ("[2001:db8:0::1]", ("2001:db8::1",), True),
        ("[2001:db8::1]", ("[2001:db8::1]",), True),
        ("xn--bcher-kva.example", ("b\u00fccher.example",), True),
        ("anything.example", ("*",), True),
        ("localhost", ("cams.example",), True),
    ],
)
def test_the_operator_allows_hosts(host: str, allowed: tuple[str, ...], expected: bool) -> None:
    """By name or by address, in any way to write it; a star allows all."""
    assert is_answered(host, allowed=allowed) == expected


def test_elsewhere_hosts_are_checked_only_if_the_operator_names_some() -> None:
    """A server in the network is reached under names that it does not know."""
    everywhere = {"listening": ("0.0.0.0", "::"), "local": "192.0.2.10"}
    named = {**everywhere, "allowed": ("cams.example",)}

    assert is_answered("any.example", **everywhere)  # type: ignore[arg-type]
    assert not is_answered("any.example", **named)  # type: ignore[arg-type]
    for host in ("cams.example", "192.0.2.10:8080", "localhost"):
        assert is_answered(host, **named)  # type: ignore[arg-type]


def test_the_name_that_the_server_listens_on_is_its_own() -> None:
    """An operator who wrote `--host cams` need not write it again."""
    assert is_answered("cams:8080", configured="cams")


def test_a_unix_socket_is_out_of_reach_for_browsers() -> None:
    """So only the operator's own list restricts the hosts that a proxy passes on."""
    assert is_answered("any.example", listening=(UNIX,), local=UNIX)
    assert is_answered("any.example", listening=(UNIX, "127.0.0.1"), local=UNIX)
    assert not is_answered("any.example", listening=(UNIX, "127.0.0.1"))
    assert not is_answered("any.example", listening=(UNIX,), local=UNIX, allowed=("cams.example",))


def test_a_refusal_names_the_flag() -> None:
    """The operator can copy it."""
    rule = HostRule.of("127.0.0.1", LOOPBACK, ())
    assert rule is not None
    with pytest.raises(ProtocolViolation) as caught:
        rule.check("Cams.example:8080", "127.0.0.1")
    assert (caught.value.code, caught.value.http_status) == ("host-refused", 421)
    assert str(caught.value) == (
        "this server does not answer requests for the host cams.example; the operator can allow it with "
        "--allowed-host cams.example"
    )


@pytest.mark.parametrize(
    "text", ["cams", "a.example", "A.example.", "192.0.2.1", "::1", "[::1]", "b\u00fccher.de", "*"]
)
def test_an_operator_may_allow_what_browsers_send(text: str) -> None:
    """Names, also with umlauts, and addresses."""
    assert is_allowed_host(text)


@pytest.mark.parametrize("text", ["", "a.example:80", "http://a.example", "a b", "*.example", ".example", "a/b"])
def test_what_could_never_match_is_not_a_host(text: str) -> None:
    """The operator learns at the start that it would have no effect."""
    assert not is_allowed_host(text)


@given(host=st.text(), allowed=st.text())
def test_no_text_raises_another_error(host: str, allowed: str) -> None:
    """Headers are from strangers, and the operator may mistype."""
    is_answered(host, allowed=(allowed,))
