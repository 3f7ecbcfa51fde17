from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.client.engine.addresses import ServerAddress, parse_server_address


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("127.0.0.1:8080", ServerAddress("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        ("camera-host", ServerAddress("camera-host", 80), "http://camera-host"),
        ("http://h:8080/", ServerAddress("h", 8080), "http://h:8080"),
        ("https://h", ServerAddress("h", 443, tls=True), "https://h"),
        ("ws://h:1", ServerAddress("h", 1), "http://h:1"),
        ("WSS://H.example/cams/", ServerAddress("h.example", 443, tls=True, prefix="/cams"), "https://h.example/cams"),
        ("http://[::1]:8080/a/b", ServerAddress("::1", 8080, prefix="/a/b"), "http://[::1]:8080/a/b"),
        ("http://tür.example", ServerAddress("xn--tr-xka.example", 80), "http://xn--tr-xka.example"),
        ("https://h:80/ä%20b", ServerAddress("h", 80, tls=True, prefix="/%C3%A4%20b"), "https://h:80/%C3%A4%20b"),
    ],
)
def test_the_forms_of_an_address(text: str, address: ServerAddress, shown: str) -> None:
    """Every form people write is understood, and shown as one."""
    assert parse_server_address(text) == address
    assert str(address) == shown
    assert parse_server_address(shown) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no host"),
        ("http://", "no host"),
        ("ftp://h", "its scheme is none of"),
        ("h:port", "its host or port"),
        ("h:99999", "its host or port"),
        ("http://a b", "no host"),
        ("http://u%3Av:p@h", "no colon"),
        ("http://u:p%0Aq@h", "control character"),
        ("http://h?x=1", "query"),
        ("http://h#x", "fragment"),
        ("http://[::1", "its host or port"),
    ],
)
def test_what_is_no_address(text: str, message: str) -> None:
    """The error says what was expected, what it got and what is wrong with it."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        parse_server_address(text)
    assert "http://127.0.0.1:8080" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "http://u:secret@h?x",
        "http://u:sec#secret@h",
        "http://u:sec/secret@h",
        "http://u:sec[secret@h",
        "http://h?token=secret",
        "http://h/#secret",
        "htpp://u:secret@h",
        "secret:x@h://x",
        "u:secret@h?x",
    ],
)
def test_an_error_shows_no_secret(text: str) -> None:
    """Neither in its text nor in the error that caused it, which a traceback would show."""
    with pytest.raises(ConfigurationError) as caught:
        parse_server_address(text)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "credentials", "header"),
    [
        ("https://user:password@h", "user:password", b"Basic dXNlcjpwYXNzd29yZA=="),
        ("https://user:p%40ss%3Aw%23rd@h", "user:p@ss:w#rd", b"Basic dXNlcjpwQHNzOncjcmQ="),
        ("https://user:p@ss@h", "user:p@ss", b"Basic dXNlcjpwQHNz"),
        ("user:password@h:443", "user:password", b"Basic dXNlcjpwYXNzd29yZA=="),
        ("https://user@h", "user:", b"Basic dXNlcjo="),
        ("https://%C3%BC:%C3%A4@h", "ü:ä", b"Basic w7w6w6Q="),
    ],
)
def test_an_address_may_have_a_password(text: str, credentials: str, header: bytes) -> None:
    """It goes into the header that proxies ask for, and into nothing that people see."""
    address = parse_server_address(text)
    assert address.credentials == credentials
    assert address.headers == [(b"Authorization", header)]
    assert address.host == "h"
    assert "@" not in str(address)
    assert credentials not in f"{address} {address!r} {address.host_header}"


def test_an_address_without_a_password_needs_no_header() -> None:
    """Most servers ask for nothing."""
    assert parse_server_address("https://h").headers == []


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    """Any text is an address or an error; an address can be asked for."""
    try:
        address = parse_server_address(text)
    except ConfigurationError:
        return
    assert address.host_header.isascii()
    assert address.resource("/ws").isascii()
    assert address.resource("/ws").isprintable()


def test_resources_have_prefix_and_query() -> None:
    """The server's own paths are behind the prefix; names and values are quoted."""
    address = parse_server_address("http://h/cams")
    assert address.resource("/ws") == "/cams/ws"
    assert address.resource("/stream/ws", [("client", "a"), ("client", "b c")]) == "/cams/stream/ws?client=a&client=b+c"


def test_a_very_long_text_is_refused_at_once() -> None:
    """Encoding a long international name takes quadratic time."""
    with pytest.raises(ConfigurationError, match="65536 characters, more than 2000") as caught:
        parse_server_address("ü" * 65536)
    assert len(str(caught.value)) < 500
