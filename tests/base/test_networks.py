"""Addresses and networks: IPv4 in IPv6, zones, Unix sockets, and the part that one person cannot change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.networks import UNIX, Networks, host_of, is_loopback, parse_ip, parse_network, subscriber_of


@pytest.mark.parametrize(
    ("entries", "address", "expected"),
    [
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("192.0.2.1",), "192.0.2.1", True),
        (("192.0.2.1",), "192.0.2.2", False),
        (("192.0.2.1", "fd00::/8"), "fd12::1", True),
        (("fd00::/8",), "10.0.0.1", False),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", True),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("10.0.0.0/8",), UNIX, False),
        ((UNIX,), UNIX, True),
        ((UNIX,), "127.0.0.1", False),
        (("0.0.0.0/0", "::/0"), "unknown", False),
        (("0.0.0.0/0",), "", False),
        ((), "127.0.0.1", False),
    ],
)
def test_an_address_is_in_a_set_or_not(entries: tuple[str, ...], address: str, expected: bool) -> None:
    """Single addresses, networks and Unix sockets; words that are not addresses are in no set."""
    assert (address in Networks.parse(entries)) == expected


@pytest.mark.parametrize(
    ("address", "subscriber"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_addresses_of_one_subscriber_count_as_one(address: str, subscriber: str) -> None:
    """A customer chooses the last 64 bits of an IPv6 address freely."""
    assert subscriber_of(address) == subscriber


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("192.0.2.1:80", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("2001:db8::1:80", "2001:db8::1:80"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_a_port_can_be_left_out(text: str, host: str) -> None:
    """An IPv6 address without brackets has no port."""
    assert host_of(text) == host


@pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_has_several_addresses(text: str) -> None:
    """All of 127.0.0.0/8, and ::1, in every way to write them."""
    assert is_loopback(text)


@pytest.mark.parametrize("text", ["10.0.0.5/8", "10.0.0.0/33", "localhost", "", "10.0.0", "1.2.3.4-1.2.3.9"])
def test_a_mistyped_network_is_refused(text: str) -> None:
    """Bits behind the prefix too, because the operator may have meant the one address."""
    assert parse_network(text) is None


@given(st.text())
def test_no_text_raises_an_error(text: str) -> None:
    """Addresses come from strangers."""
    parse_ip(text)
    subscriber_of(text)
    assert text == UNIX or text not in Networks.parse((UNIX,))
