from __future__ import annotations

from ipaddress import ip_address

import pytest

from skysentry_trio.base.interfaces import InterfaceAddress
from skysentry_trio.cli.banner import banner

ADDRESSES = [
    InterfaceAddress("eth0", ip_address("192.168.1.20")),
    InterfaceAddress("wlan0", ip_address("10.0.0.7")),
    InterfaceAddress("eth0", ip_address("2001:db8::20")),
]
NOBODY = "Network only this machine can connect; --host 0.0.0.0 lets others in"


@pytest.mark.parametrize(
    ("urls", "shown"),
    [
        (["http://127.0.0.1:8080"], ["Local http://localhost:8080/", NOBODY]),
        (["http://[::1]:8080"], ["Local http://[::1]:8080/", NOBODY]),
        (["http://127.0.0.2:8080"], ["Local http://127.0.0.2:8080/", NOBODY]),
        (["http://127.0.0.1:8080", "http://[::1]:8080"], ["Local http://localhost:8080/", NOBODY]),
        (
            ["http://0.0.0.0:9091"],
            [
                "Local http://localhost:9091/",
                "Network http://192.168.1.20:9091/ eth0",
                "Network http://10.0.0.7:9091/ wlan0",
            ],
        ),
        (
            ["http://0.0.0.0:8080", "http://[::]:8080"],
            [
                "Local http://localhost:8080/",
                "Network http://192.168.1.20:8080/ eth0",
                "Network http://10.0.0.7:8080/ wlan0",
                "Network http://[2001:db8::20]:8080/ eth0",
            ],
        ),
        (["https://192.168.1.20"], ["Network https://192.168.1.20/"]),
        (["http://[fe80::1%eth0]:8080"], ["Network http://[fe80::1%eth0]:8080/"]),
        (["unix:/run/sky.sock"], ["Socket unix:/run/sky.sock"]),
    ],
)
def test_people_see_addresses_that_they_can_open(urls: list[str], shown: list[str]) -> None:
    """For this machine and for others, through each interface; never the address that stands for all."""
    text = banner(urls, ADDRESSES)
    lines = [" ".join(line.removeprefix("  ➜ ").split()) for line in text.splitlines() if "➜" in line]
    assert lines == shown
    assert "0.0.0.0:" not in text
    assert "[::]" not in text


def test_addresses_are_coloured_on_request() -> None:
    """Nothing else is."""
    assert "\x1b[32mhttp://localhost:1/\x1b[0m" in banner(["http://127.0.0.1:1"], [], in_color=True)
    assert "\x1b" not in banner(["http://127.0.0.1:1"], [])
