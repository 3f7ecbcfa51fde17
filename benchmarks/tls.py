"""Compare this server with TLS and without: ``python -m benchmarks.tls [--only PART] [--rounds N] [--write]``.

The parts are ``cost`` (CPU time of a delivery, beside other relays), ``age`` (how old frames are behind a narrow link;
needs root) and ``memory`` (of viewers that are stuck). All of them take about seven minutes. With ``--write``, the
figures replace those in the page about performance. The exit status is 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from benchmarks import tls_age, tls_cost, tls_memory
from benchmarks.aims import Measured, report
from benchmarks.far_host import far_host
from benchmarks.tls_peers import Peers

_PARTS = ("cost", "age", "memory")


def main() -> None:
    """Measure, and print each figure with its aim.

    Raises:
        SystemExit: with status 1: an aim is missed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tls", description=__doc__)
    parser.add_argument("--only", action="append", choices=_PARTS, help="measure only this part; repeatable")
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--write", action="store_true", help="write the figures of all parts to docs/")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write needs the figures of all parts, so it excludes --only")
    measured = list(chain.from_iterable(_measure(part, options) for part in options.only or _PARTS))
    report(measured, "tls" if options.write else None)


def _measure(part: str, options: argparse.Namespace) -> Iterator[Measured]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        # The servers get the first processor, and the load the others.
        cpus = sorted(os.sched_getaffinity(0))
        servers = frozenset(cpus[:1])
        stack.callback(os.sched_setaffinity, 0, cpus)
        os.sched_setaffinity(0, cpus[1:] or cpus)
        match part:
            case "cost":
                yield from tls_cost.compare(Peers(folder, servers), options.rounds, options.viewers, options.seconds)
            case "age":
                host = stack.enter_context(far_host(tls_age.RATE, tls_age.QUEUE))
                peers = Peers(folder, servers, host.our_address)
                yield from tls_age.compare(peers, host, folder, options.rounds, options.seconds)
            case _:
                yield from tls_memory.compare(Peers(folder, servers))


if __name__ == "__main__":
    main()
