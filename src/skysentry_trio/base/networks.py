"""IP addresses and networks, as people and proxies write them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self

from attrs import frozen

UNIX: Final = "unix"
"""Stands for all peers on Unix sockets; such a peer has this word in place of an IP address."""
_IPV6_NETWORK: Final = 64
"""Bits of the network that one customer gets at least; the customer chooses the other bits (RFC 6177)."""


def parse_ip(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address without its zone; None if the text is something else.

    A socket for both families has IPv4 peers as IPv4-mapped addresses (RFC 4291); these become IPv4 addresses.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def parse_network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network, or the single address as a network; None if the text is something else."""
    try:
        return ip_network(text)
    except ValueError:
        return None


def is_loopback(text: str) -> bool:
    """Return whether the text is an IP address of this machine alone."""
    address = parse_ip(text)
    return address is not None and address.is_loopback


def host_of(text: str) -> str:
    """Return an address without its port: ``2001:db8::1`` of ``[2001:db8::1]:80``."""
    if parse_ip(text) is not None:
        return text
    host, colon, port = text.rpartition(":")
    return host.removeprefix("[").removesuffix("]") if colon and port.isdigit() else text


def subscriber_of(text: str) -> str:
    """Return the part of an IP address that one person cannot change easily: all of IPv4, the /64 of IPv6."""
    address = parse_ip(text)
    if not isinstance(address, IPv6Address):
        return text if address is None else str(address)
    return str(IPv6Network((int(address) >> _IPV6_NETWORK << _IPV6_NETWORK, _IPV6_NETWORK)))


@frozen
class Networks:
    """A set of IP addresses, and perhaps all peers on Unix sockets."""

    _networks: tuple[IPv4Network | IPv6Network, ...] = ()
    _has_unix: bool = False

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Return the set; each entry is an address, a network such as ``10.0.0.0/8``, or ``unix``."""
        entries = tuple(entries)
        networks = (parse_network(entry) for entry in entries)
        return cls(tuple(one for one in networks if one is not None), UNIX in entries)

    def __contains__(self, address: str) -> bool:
        """Return whether an IP address, or `UNIX`, is in the set; other texts are not."""
        if address == UNIX:
            return self._has_unix
        if not self._networks or (parsed := parse_ip(address)) is None:
            return False
        return any(parsed in network for network in self._networks)
