"""Find the addresses at which other machines reach this one."""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

from attrs import frozen

_SIOCGIFCONF: Final = 0x8912
"""Lists the IPv4 addresses: netdevice(7)."""
_MAX_ADDRESSES: Final = 1024
_REQUEST: Final = struct.Struct("@16sHH4s16x" if struct.calcsize("P") == 8 else "@16sHH4s8x")
"""A ``struct ifreq``: the name of the interface, and a ``sockaddr_in``."""
_LIST: Final = struct.Struct("@iP")
_TENTATIVE_OR_OLD: Final = 0x01 | 0x08 | 0x20 | 0x40
"""IFA_F_TEMPORARY, IFA_F_DADFAILED, IFA_F_DEPRECATED and IFA_F_TENTATIVE of linux/if_addr.h."""


@frozen
class InterfaceAddress:
    """An address of this machine."""

    interface: str
    """Such as ``eth0``."""
    address: IPv4Address | IPv6Address

    @property
    def host(self) -> str:
        """The address as a part of a URL."""
        return f"[{self.address}]" if self.address.version == 6 else str(self.address)


def list_addresses(root: Path = Path("/")) -> list[InterfaceAddress]:
    """Return the addresses at which other machines may reach this one, IPv4 first.

    Interfaces that are down are left out, and so are loopback, link-local and temporary addresses. If the system does
    not tell, the list is empty.

    Args:
        root: the folder that contains ``proc`` and ``sys``.
    """
    found = [*_list_ipv4(), *_list_ipv6(root / "proc/net/if_inet6")]
    return [
        one
        for one in dict.fromkeys(found)
        if not (one.address.is_loopback or one.address.is_link_local) and _is_up(root, one.interface)
    ]


def lan_address(addresses: Sequence[InterfaceAddress], root: Path = Path("/")) -> InterfaceAddress | None:
    """Return the address at which a phone in the same network reaches this machine; None if there is no such address.

    That is the IPv4 address of the interface of the default route. Without such a route, it is the first address, if
    possible one of a private network, because a container or a tunnel may have others.

    Args:
        addresses: of this machine, as `list_addresses` returns them.
        root: the folder that contains ``proc``.
    """
    interface = _default_interface(root / "proc/net/route")
    ranked = sorted(
        addresses,
        key=lambda one: (one.interface != interface, one.address.version, not one.address.is_private),
    )
    return ranked[0] if ranked else None


def _default_interface(path: Path) -> str | None:
    """Return the interface of the IPv4 default route with the smallest metric: proc_net_route in the kernel."""
    routes = []
    with suppress(OSError, ValueError):
        for line in path.read_text().splitlines()[1:]:
            name, destination, _, _, _, _, metric, mask, *_ = line.split()
            if int(destination, 16) == 0 and int(mask, 16) == 0:
                routes.append((int(metric), name))
    return min(routes)[1] if routes else None


def _list_ipv4() -> Iterator[InterfaceAddress]:
    buffer = array.array("B", bytes(_REQUEST.size * _MAX_ADDRESSES))
    start, _ = buffer.buffer_info()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            answer = fcntl.ioctl(asked, _SIOCGIFCONF, _LIST.pack(len(buffer), start))
    except OSError:
        return
    length, _ = _LIST.unpack(answer)
    for name, family, _, address in _REQUEST.iter_unpack(buffer.tobytes()[: length - length % _REQUEST.size]):
        if family == socket.AF_INET:
            yield InterfaceAddress(_text(name), IPv4Address(address))


def _list_ipv6(path: Path) -> Iterator[InterfaceAddress]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        address, _, _, _, flags, name = line.split()
        if not int(flags, 16) & _TENTATIVE_OR_OLD:
            yield InterfaceAddress(name, IPv6Address(bytes.fromhex(address)))


def _text(name: bytes) -> str:
    # An alias such as eth0:1 belongs to its interface.
    return name.split(b"\0", 1)[0].decode("ascii", "replace").partition(":")[0]


def _is_up(root: Path, interface: str) -> bool:
    try:
        return (root / "sys/class/net" / interface / "operstate").read_text().strip() != "down"
    except OSError:
        return True


def is_wildcard(host: str) -> bool:
    """Return whether a host without brackets stands for all addresses."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
