"""Origins: which pages and programs may use the server, and what the others are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.wire.origins import (
    encode_frame_ancestors,
    explain_refusal,
    is_ancestor,
    is_entry,
    is_origin_allowed,
    show_address,
)

ARDUINO = "https://github.com/gilmaimon/TinyWebsockets"
"""What the Arduino library ArduinoWebsockets sends as its origin."""


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "expected"),
    [
        (None, "a.example", (), True),
        ("http://a.example", "a.example", (), True),
        ("https://a.example", "a.example", (), True),
        ("http://a.example:8080", "a.example:8080", (), True),
        ("http://a.example", "A.Example", (), True),
        ("http://[::1]:8080", "[::1]:8080", (), True),
        ("http://a.example", "b.example", ("http://a.example",), True),
        ("http://a.example", "b.example", ("*",), True),
        ("null", "b.example", ("*",), True),
        ("null", "a.example", (), False),
        ("null", "null", (), False),
        ("", "a.example", (), False),
        ("a.example", "a.example", (), False),
        ("http://a.example.evil.example", "a.example", (), False),
        ("http://evil-a.example", "a.example", (), False),
        ("http://a.example:8081", "a.example:8080", (), False),
        ("http://a.example", "a.example:8080", (), False),
        ("http://a.example@evil.example", "a.example", (), False),
        ("http://evil.example/a.example", "a.example", (), False),
        ("http://a.example/", "a.example", (), True),
        ("ftp://a.example", "a.example", (), False),
        ("file://", "", (), False),
        ("http://[", "[", (), False),
        ("http://a.example", "b.example", ("https://a.example", "http://c.example"), False),
        # The default port may be written or left out.
        ("https://a.example", "a.example:443", (), True),
        ("https://a.example:443", "a.example", (), True),
        ("http://a.example", "a.example:80", (), True),
        ("http://a.example:", "a.example", (), True),
        ("http://a.example", "a.example:", (), True),
        ("http://[::1]", "[::1]:80", (), True),
        ("http://a.example", "a.example:443", (), False),
        ("https://a.example", "a.example:80", (), False),
        ("http://a.example:443", "a.example", (), False),
        # One host may be written in several ways.
        ("HTTP://A.example", "a.EXAMPLE", (), True),
        ("https://A.example:443", "a.example", (), True),
        ("http://a.example.", "a.example", (), True),
        ("http://a.example", "a.example.", (), True),
        ("http://[::1]:8080", "[0:0:0:0:0:0:0:1]:8080", (), True),
        ("http://[2001:DB8::a]", "[2001:db8:0::000A]", (), True),
        ("http://[fe80::1]", "[fe80::1%25eth0]", (), True),
        ("http://[fe80::1]", "[fe80::2%25eth0]", (), False),
        ("http://xn--bcher-kva.example", "xn--bcher-kva.example", (), True),
        ("ws://a.example:8080", "a.example:8080", (), True),
        ("wss://a.example", "a.example", (), True),
        # Some libraries for microcontrollers send an address with a path, or none that means anything.
        ("http://a.example/ws", "a.example", (), True),
        (ARDUINO, "a.example", (), False),
        (
            ARDUINO,
            "a.example",
            (ARDUINO,),
            True,
        ),
        ("https://github.com", "a.example", (ARDUINO,), False),
        ("https://github.com/gilmaimon/Other", "a.example", (ARDUINO,), False),
        ("file://", "a.example", ("file://",), True),
        ("null", "a.example", ("null",), True),
        ("null", "a.example", ("file://",), False),
        # The operator may write an origin in other ways than browsers do.
        ("https://b.example", "a.example", ("https://B.example:443/",), True),
        ("https://xn--bcher-kva.example", "a.example", ("https://b\u00fccher.example",), True),
        ("https://xn--bcher-kva.example:8080", "a.example", ("https://b\u00fccher.example:8080",), True),
        ("capacitor://localhost", "a.example", ("capacitor://localhost",), True),
        ("http://b.example", "a.example", ("https://b.example",), False),
        # Several headers, which are joined by a comma, name no origin.
        ("http://a.example, http://evil.example", "a.example", (), False),
        ("http://a.example/, http://evil.example", "a.example", (), False),
        ("http://a.example, http://a.example", "a.example", (), False),
        # An address that a reader might take for ours.
        ("http://a.example\\@evil.example", "a.example", (), False),
        ("http://user@a.example", "a.example", (), False),
        ("http://a.example#.evil.example", "a.example", (), False),
        ("http://a.example?.evil.example", "a.example", (), False),
        ("http://a.example:99999999", "a.example", (), False),
        ("http://a.example", "", (), False),
        ("http://", "", (), False),
        ("http://a.example", "user@a.example", (), False),
    ],
)
def test_only_known_origins_are_allowed(
    origin: str | None, host: str, allowed: tuple[str, ...], expected: bool
) -> None:
    """Our own pages, those the operator named, and programs without an origin; no look-alikes and not null."""
    assert is_origin_allowed(origin, host, frozenset(allowed)) == expected


@given(origin=st.text(), host=st.text())
def test_any_origin_is_judged(origin: str, host: str) -> None:
    """No header raises anything."""
    if is_origin_allowed(origin, host, frozenset()):
        assert origin.lower().startswith(("http://", "https://", "ws://", "wss://"))


@pytest.mark.parametrize(
    ("origin", "is_tls", "expected"),
    [
        ("https://a.example", True, True),
        ("http://a.example", True, False),
        ("http://a.example", False, True),
        ("https://a.example", False, True),
        ("https://evil.example", True, False),
    ],
)
def test_encryption_can_only_make_the_decision_stricter(origin: str, is_tls: bool, expected: bool) -> None:
    """A page over http is not ours if its request came over https; a proxy may not say that it decrypted a request."""
    assert is_origin_allowed(origin, "a.example", frozenset(), is_tls=is_tls) == expected


@given(origin=st.text(), host=st.text(), entry=st.text(), is_tls=st.booleans())
def test_no_text_raises_an_error(origin: str, host: str, entry: str, is_tls: bool) -> None:
    """Headers are from strangers, and the operator may mistype."""
    is_origin_allowed(origin, host, frozenset({entry}), is_tls=is_tls)
    explain_refusal({"origin": origin, "host": host}, "open WebSockets")


def test_a_refusal_names_origin_and_host_and_how_to_allow_it() -> None:
    """The reader needs no log to see what was compared."""
    told = explain_refusal({"origin": "file://", "host": "sky.example:8080"}, "open WebSockets")

    assert told == (
        'pages of file:// may not open WebSockets here, because scheme, host and port of "Origin: file://" are not '
        'those of "Host: sky.example:8080"; the operator can allow it with --cors-origin "file://"'
    )
    for strange in ("", "a.example", "http://a, http://b"):
        assert "only --cors-origin '*' allows it" in explain_refusal({"origin": strange}, "open WebSockets")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("https://user:s/e@cret@a.example", "https://a.example"),
        ("https://a.example/x?token=secret#secret", "https://a.example/x"),
        ("user:secret@a.example", "a.example"),
        ("null", "null"),
        ("x" * 100, "x" * 80),
    ],
)
def test_no_secret_of_an_address_is_shown(text: str, shown: str) -> None:
    """Programs put passwords and tokens into addresses."""
    assert show_address(text) == shown


@pytest.mark.parametrize(
    "text", ["*", "null", "file://", "http://esp/path", "HTTPS://A.example:443/", "https://b\u00fccher.example"]
)
def test_an_operator_may_allow_what_clients_send(text: str) -> None:
    """The forms of browsers, and those of libraries."""
    assert is_entry(text)


@pytest.mark.parametrize("text", ["", "a.example", "http:/a", "https://*.a.b", "https://u:p@a.example", "http://a b"])
def test_what_could_never_match_is_no_entry(text: str) -> None:
    """The operator learns at the start that it would have no effect."""
    assert not is_entry(text)


@pytest.mark.parametrize(
    ("ancestors", "directive"),
    [
        ([], "frame-ancestors 'self'"),
        (["https://b.example/", "https://a.example"], "frame-ancestors 'self' https://a.example https://b.example"),
        (["https://a.example", "https://a.example/"], "frame-ancestors 'self' https://a.example"),
        (["*", "https://a.example"], "frame-ancestors *"),
    ],
)
def test_frame_ancestors_are_written_as_a_policy_wants_them(ancestors: list[str], directive: str) -> None:
    """Each once, and always with our own pages."""
    assert encode_frame_ancestors(ancestors) == directive


@given(st.text())
def test_an_ancestor_cannot_break_out_of_its_directive(text: str) -> None:
    """No separator, no quote and nothing but ASCII gets into the header."""
    if is_ancestor(text):
        directive = encode_frame_ancestors([text])
        assert directive.isascii()
        assert directive.isprintable()
        assert not set(directive.removeprefix("frame-ancestors ").removeprefix("'self' ")) & set(" ;,'\"")
