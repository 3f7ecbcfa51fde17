"""The lines that a person at a terminal sees when the server is up: the addresses that a browser can open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from skysentry_trio._version import __version__
from skysentry_trio.base.colors import Color, paint
from skysentry_trio.base.interfaces import InterfaceAddress, is_wildcard


def banner(urls: Sequence[str], addresses: Sequence[InterfaceAddress], *, in_color: bool = False) -> str:
    """Return the banner.

    Args:
        urls: where the server listens.
        addresses: the addresses of this machine, for a server that listens on all of them.
        in_color: whether to colour the addresses.
    """
    entries = list(dict.fromkeys(entry for url in urls for entry in _entries(url, addresses)))
    # One address for browsers on this machine is enough.
    local = [entry for entry in entries if entry[0] == "Local"][:1]
    entries = [*local, *(entry for entry in entries if entry[0] != "Local")]
    lines = [f"skysentry-trio {__version__} is up; Ctrl-C stops it."]
    for kind, url, note in entries:
        shown = paint(url, Color.GOOD) if in_color else url
        lines.append(f"  ➜ {kind:<7}  {shown}{note}")
    if all(kind == "Local" for kind, _, _ in entries):
        lines.append("  ➜ Network  only this machine can connect; --host 0.0.0.0 lets others in")
    lines.append("  Browsers become cameras at /capture; /api/health shows the state.")
    return "\n".join(lines)


def addresses_for_others(urls: Sequence[str], addresses: Sequence[InterfaceAddress]) -> list[str]:
    """Return the addresses that browsers on other machines can open; without any, those for this machine."""
    entries = list(dict.fromkeys(entry for url in urls for entry in _entries(url, addresses) if entry[0] != "Socket"))
    network = [url for kind, url, _ in entries if kind == "Network"]
    return network or [url for _, url, _ in entries]


def _entries(url: str, addresses: Iterable[InterfaceAddress]) -> list[tuple[str, str, str]]:
    """Return the kind, the address and a note for each address that stands for where the server listens."""
    parts = urlsplit(url)
    host = parts.hostname
    if host is None:
        return [("Socket", url, "")]

    def at(host: str) -> str:
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}/"

    if is_wildcard(host):
        version = ip_address(host).version
        reachable = [one for one in addresses if one.address.version == version]
        return [
            ("Local", at("localhost"), ""),
            *(("Network", at(one.host), f"  {one.interface}") for one in reachable),
        ]
    shown = f"[{host}]" if ":" in host else host
    if ip_address(host.partition("%")[0]).is_loopback:
        return [("Local", at("localhost" if host == "127.0.0.1" else shown), "")]
    return [("Network", at(shown), "")]
