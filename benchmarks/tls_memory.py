"""How much memory a server needs for viewers that are stuck in large frames, with TLS and without."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import trio

from benchmarks.aims import Measured
from benchmarks.faults.process import victim
from benchmarks.faults.stuck_viewers import attack
from benchmarks.tls_peers import Peers


def compare(peers: Peers) -> Iterator[Measured]:
    """Yield the ratio of the memory with TLS to that without, for each kind of viewer."""
    for kind in ("envelope", "mjpeg"):
        peaks = {}
        for name, flags, trust in (("plain", (), None), ("ours", peers.tls_flags, peers.trust())):
            with victim(sys.executable, *flags, tls=trust) as server:
                before, peaks[name] = trio.run(attack, server, kind)
            sys.stderr.write(
                f"{name:<8} {peaks[name]:6.1f} MiB resident with stuck viewers, {before:.1f} MiB without\n"
            )
        yield Measured(f"resident memory with stuck viewers, {kind}, TLS to plain", peaks["ours"] / peaks["plain"], 1.2)
