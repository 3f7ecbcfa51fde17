"""A host of its own behind a link of a chosen rate: a network namespace, a pair of interfaces, a token bucket."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from attrs import frozen


@frozen
class FarHost:
    """A namespace, and the addresses of both hosts on the link between them."""

    name: str
    our_address: str
    address: str

    def command(self, *words: str) -> list[str]:
        """Return the words of a command that runs over there."""
        return ["ip", "netns", "exec", self.name, *words]

    def cut(self) -> None:
        """Drop all packets from there to here without a sign, as a firewall does."""
        _run("ip", "-netns", self.name, "route", "add", "blackhole", self.our_address)

    def mend(self) -> None:
        """Let packets through again."""
        _run("ip", "-netns", self.name, "route", "delete", "blackhole", self.our_address)


_hosts = count()


def can_have_far_host() -> bool:
    """Return whether this process may make one: it needs root, and Debian's ``iproute2``."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


@contextmanager
def far_host(rate: str, queue: int) -> Iterator[FarHost]:
    """Have a host to which this one sends no faster than a rate.

    Args:
        rate: from here to there as ``tc`` has it, such as ``4mbit``.
        queue: bytes that wait before the link; what comes then is lost.
    """
    number = os.getpid() % 60_000
    # The kernel removes the links of a deleted namespace a moment later, so each host has names of its own.
    name = f"far-{number}-{next(_hosts)}"
    here, there = (f"s{name[3:]}{side}" for side in "ab")
    network = f"10.{200 + number // 256 % 50}.{number % 256}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _run("ip", "address", "add", f"{network}.1/30", "dev", here)
        _run("ip", "link", "set", here, "up")
        for words in (
            ("address", "add", f"{network}.2/30", "dev", there),
            ("link", "set", there, "up"),
        ):
            _run("ip", "-netns", name, *words)
        # The shaper has to see packets as they are on the wire, not chunks of 64 KiB.
        _run("ip", "link", "set", here, "gso_max_segs", "1")
        _run("tc", "qdisc", "add", "dev", here, "root", "tbf", "rate", rate, "burst", "16kb", "limit", str(queue))
        yield FarHost(name, f"{network}.1", f"{network}.2")
    finally:
        # Deleting the namespace alone removes the link a moment later, and a test that follows uses its addresses.
        subprocess.run(["ip", "link", "delete", here], check=False, capture_output=True, timeout=30)  # noqa: S603, S607
        _run("ip", "netns", "delete", name)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr or done.stdout}")
