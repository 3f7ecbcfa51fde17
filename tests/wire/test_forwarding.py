"""What proxies say about their clients: how far it is believed, and what is invalid."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.networks import Networks
from skysentry_trio.wire.forwarding import Forwarding, resolve_forwarding

PROXIES = Networks.parse(("10.0.0.0/8", "unix"))
CLIENT = "203.0.113.9"


def resolve(headers: Mapping[str, str]) -> Forwarding:
    return resolve_forwarding(headers, PROXIES.__contains__)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Forwarding()),
        ({"x-forwarded-for": CLIENT}, Forwarding(CLIENT)),
        ({"x-forwarded-for": f" {CLIENT}:1234 "}, Forwarding(CLIENT, 1234)),
        ({"x-forwarded-for": "2001:db8::1"}, Forwarding("2001:db8::1")),
        ({"x-forwarded-for": "[2001:DB8::1]:80"}, Forwarding("2001:db8::1", 80)),
        ({"x-forwarded-for": f"::ffff:{CLIENT}"}, Forwarding(CLIENT)),
        ({"x-forwarded-proto": "https"}, Forwarding(is_tls=True)),
        ({"x-forwarded-proto": "WSS"}, Forwarding(is_tls=True)),
        ({"x-forwarded-proto": "http"}, Forwarding(is_tls=False)),
        ({"x-forwarded-proto": "gopher"}, Forwarding()),
        ({"x-forwarded-host": "cams.example"}, Forwarding(host="cams.example")),
        (
            {"x-forwarded-host": "cams.example:8443", "x-forwarded-proto": "https"},
            Forwarding(None, None, True, "cams.example:8443"),
        ),
        ({"forwarded": f"for={CLIENT}"}, Forwarding(CLIENT)),
        (
            {"forwarded": f'For="{CLIENT}:4711";Proto=HTTPS;by=10.0.0.1;Host=cams.example'},
            Forwarding(CLIENT, 4711, True, "cams.example"),
        ),
        ({"forwarded": 'for="[2001:db8:cafe::17]:4711"'}, Forwarding("2001:db8:cafe::17", 4711)),
        ({"forwarded": r'for="\1\9\2.0.2.1"'}, Forwarding("192.0.2.1")),
        ({"forwarded": "for=unknown;proto=https"}, Forwarding("unknown", None, True)),
        ({"forwarded": 'for="_gazonk:_port"'}, Forwarding("_gazonk")),
        ({"forwarded": f"proto=http;;for={CLIENT} , "}, Forwarding(CLIENT, None, False)),
        ({"forwarded": "proto=https"}, Forwarding(is_tls=True)),
    ],
)
def test_one_proxy_says_where_its_client_is(headers: dict[str, str], expected: Forwarding) -> None:
    """The standard header and the customary ones, with and without port, scheme and host."""
    assert resolve(headers) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        # What the client invented is to the left of what the proxy has seen.
        ({"x-forwarded-for": f"127.0.0.1, {CLIENT}"}, Forwarding(CLIENT)),
        ({"x-forwarded-for": f"10.0.0.1, 127.0.0.1, {CLIENT}, 10.0.0.2"}, Forwarding(CLIENT)),
        ({"x-forwarded-for": f"<script>, {CLIENT}"}, Forwarding(CLIENT)),
        ({"x-forwarded-for": f"10.0.0.1,{CLIENT},unix:"}, Forwarding(CLIENT)),
        ({"forwarded": f"for=127.0.0.1;host=evil, for={CLIENT};proto=http"}, Forwarding(CLIENT, None, False)),
        ({"forwarded": f"for=10.0.0.1;proto=https, for={CLIENT}, for=10.0.0.2;proto=https"}, Forwarding(CLIENT)),
        # An entry without an address, or with a hidden one, is as far as one can see.
        ({"forwarded": f"for={CLIENT}, proto=https"}, Forwarding(is_tls=True)),
        ({"forwarded": f"for={CLIENT}, for=_secret"}, Forwarding("_secret")),
        # If all addresses are those of proxies, the farthest proxy itself asks.
        ({"x-forwarded-for": "10.0.0.3, 10.0.0.2"}, Forwarding("10.0.0.3")),
        # Each proxy adds scheme and host, or only the first one sets them.
        (
            {
                "x-forwarded-for": f"{CLIENT}, 10.0.0.2",
                "x-forwarded-proto": "https, http",
                "x-forwarded-host": "a.example",
            },
            Forwarding(CLIENT, None, True, "a.example"),
        ),
        (
            {
                "x-forwarded-for": f"1.1.1.1, {CLIENT}",
                "x-forwarded-proto": "https, http",
                "x-forwarded-host": "evil, a.example",
            },
            Forwarding(CLIENT, None, False, "a.example"),
        ),
        # Both headers agree.
        (
            {"x-forwarded-for": CLIENT, "x-forwarded-proto": "https", "forwarded": f"for={CLIENT};host=a.example"},
            Forwarding(CLIENT, None, None, "a.example"),
        ),
    ],
)
def test_only_entries_of_trusted_proxies_are_believed(headers: dict[str, str], expected: Forwarding) -> None:
    """The client is at the last address that is not a proxy's, however much it invents."""
    assert resolve(headers) == expected


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x-forwarded-for": "somewhere"}, "expected an IP address in X-Forwarded-For, got 'somewhere'"),
        ({"x-forwarded-for": f"{CLIENT}, "}, "expected an IP address in X-Forwarded-For, got ''"),
        ({"x-forwarded-for": "1.2.3.4.5"}, "expected an IP address in X-Forwarded-For"),
        ({"forwarded": "for=[::1"}, "expected an IP address in Forwarded"),
        ({"forwarded": f'for="1.2.3.4, for={CLIENT}'}, "expected Forwarded as in RFC 7239"),
        ({"forwarded": f'x=", for="{CLIENT}"'}, "expected Forwarded as in RFC 7239"),
        ({"forwarded": "1.2.3.4"}, "expected Forwarded as in RFC 7239"),
        ({"x-forwarded-host": "evil example"}, "expected a host name from the proxy, got 'evil example'"),
        ({"forwarded": 'for=1.2.3.4;host="a/b"'}, "expected a host name from the proxy, got 'a/b'"),
        ({"x-forwarded-for": CLIENT, "forwarded": "for=127.0.0.1"}, "contradict each other"),
        ({"x-forwarded-proto": "http", "forwarded": "proto=https"}, "contradict each other"),
        ({"x-forwarded-host": "a.example", "forwarded": "host=b.example"}, "contradict each other"),
    ],
)
def test_an_invalid_header_is_refused_with_its_reason(headers: dict[str, str], told: str) -> None:
    """A guess could be what an attacker wants."""
    with pytest.raises(ProtocolViolation) as caught:
        resolve(headers)
    assert told in str(caught.value)
    assert caught.value.code == "bad-request"


def test_a_long_list_takes_no_long_time() -> None:
    """Only the entries of the nearest proxies are read."""
    entries = ", ".join(["10.0.0.1"] * 5000)

    assert resolve({"x-forwarded-for": entries}).address == "10.0.0.1"
    assert resolve({"forwarded": "for=10.0.0.1, " * 1000}).address == "10.0.0.1"


@given(st.text(), st.text(), st.text(), st.text())
def test_no_text_raises_another_error(forwarded: str, nodes: str, scheme: str, host: str) -> None:
    """Whatever comes is understood, or refused."""
    headers = {"forwarded": forwarded, "x-forwarded-for": nodes, "x-forwarded-proto": scheme, "x-forwarded-host": host}
    for chosen in ({"forwarded": forwarded}, headers):
        try:
            resolve(chosen)
        except ProtocolViolation as violation:
            assert violation.code == "bad-request"  # noqa: PT017 - most texts raise nothing


@given(st.text(alphabet='=;," \\for:[]_127.0', max_size=60))
def test_nothing_hides_the_address_that_the_proxy_added(invented: str) -> None:
    """The proxy's entry counts or the request is refused, whatever a client has sent in front of it."""
    for added in (f"for={CLIENT}", f'for="{CLIENT}"', f'for="{CLIENT}:80";by="10.0.0.1"'):
        for headers in ({"forwarded": f"{invented}, {added}"}, {"x-forwarded-for": f"{invented}, {CLIENT}"}):
            try:
                assert resolve(headers).address == CLIENT
            except ProtocolViolation:
                assert "forwarded" in headers, "the left part of X-Forwarded-For is never read"
