from __future__ import annotations

import struct
from ipaddress import ip_address
from pathlib import Path

import pytest

from skysentry_trio.base import interfaces
from skysentry_trio.base.interfaces import InterfaceAddress, is_wildcard, lan_address, list_addresses

IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
20010db8000000000000000000000020 04 40 00 80     eth0
20010db8000000000000000000000021 04 40 00 01     eth0
20010db8000000000000000000000022 04 40 00 a0     eth0
20010db8000000000000000000000023 05 40 00 80  docker0
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a machine with two interfaces, one of which is down."""
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/if_inet6").write_text(IF_INET6)
    for name, state in {"eth0": "up", "docker0": "down", "lo": "unknown"}.items():
        (tmp_path / "sys/class/net" / name).mkdir(parents=True)
        (tmp_path / "sys/class/net" / name / "operstate").write_text(state + "\n")
    return tmp_path


def test_only_addresses_that_others_reach_are_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No loopback, no link-local, temporary or old address, and no interface that is down."""
    texts = [("lo", "127.0.0.1"), ("eth0", "192.168.1.20"), ("eth0", "169.254.3.4"), ("docker0", "172.17.0.1")]
    ipv4 = [InterfaceAddress(name, ip_address(text)) for name, text in texts]
    monkeypatch.setattr(interfaces, "_list_ipv4", lambda: iter(ipv4))
    assert list_addresses(root) == [
        InterfaceAddress("eth0", ip_address("192.168.1.20")),
        InterfaceAddress("eth0", ip_address("2001:db8::20")),
    ]
    assert [one.host for one in list_addresses(root)] == ["192.168.1.20", "[2001:db8::20]"]


def test_the_kernel_lists_the_addresses_of_this_machine() -> None:
    """The loopback address is one of them."""
    assert InterfaceAddress("lo", ip_address("127.0.0.1")) in list(interfaces._list_ipv4())


def test_a_system_that_does_not_tell_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox may forbid the question."""

    def forbid(*_: object) -> bytes:
        raise PermissionError

    monkeypatch.setattr("fcntl.ioctl", forbid)
    assert list_addresses(tmp_path) == []


def test_requests_have_the_size_that_the_kernel_expects() -> None:
    """As ``sizeof(struct ifreq)`` of C: 40 bytes on 64 bits, 32 bytes on 32 bits."""
    assert interfaces._REQUEST.size == {8: 40, 4: 32}[struct.calcsize("P")]


@pytest.mark.parametrize(("host", "is_it"), [("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("cams", False)])
def test_wildcards_stand_for_all_addresses(host: str, is_it: bool) -> None:
    """Of IPv4 or IPv6."""
    assert is_wildcard(host) == is_it


ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	0101A8C0	0003	0	0	100	00000000	0	0	0
"""


def test_a_phone_reaches_the_address_of_the_default_route(root: Path) -> None:
    """Of several such routes, that with the smallest metric; without one, the first private address."""
    texts = [("docker0", "172.17.0.1"), ("wlan0", "10.0.0.7"), ("eth0", "2001:db8::20"), ("eth0", "192.168.1.20")]
    addresses = [InterfaceAddress(name, ip_address(text)) for name, text in texts]
    (root / "proc/net/route").write_text(ROUTES)
    assert lan_address(addresses, root) == addresses[3]
    assert lan_address(addresses[:2], root) == addresses[0]
    (root / "proc/net/route").write_text("not a table")
    assert lan_address([InterfaceAddress("a", ip_address("8.8.8.8")), addresses[1]], root) == addresses[1]
    assert lan_address([], root) is None
