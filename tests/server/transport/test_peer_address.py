"""Addresses of peers, as people read them."""

from __future__ import annotations

import pytest

from skysentry_trio.server.transport.peer_address import PeerAddress, show_address_and_port


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (("192.0.2.1", 8080), "192.0.2.1:8080"),
        (("2001:db8::1", 8080, 0, 0), "[2001:db8::1]:8080"),
        (("fe80::1%eth0", 8080, 0, 2), "[fe80::1%eth0]:8080"),
        (("::ffff:192.0.2.1", 8080, 0, 0), "192.0.2.1:8080"),
    ],
)
def test_an_address_is_shown_as_in_a_url(address: tuple[str, int], shown: str) -> None:
    """IPv6 has brackets; an IPv4 peer of a socket for both families is shown as what it is."""
    assert show_address_and_port(address) == shown


def test_an_address_without_a_port_is_shown_alone() -> None:
    """Proxies say only where their client is, not from which port it came."""
    assert str(PeerAddress("2001:db8::1")) == "2001:db8::1"
