"""The command line: which relays, which loads, how often; everything it starts is gone when it ends."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from pathlib import Path

from benchmarks.against import compare
from benchmarks.documents import write_documents
from benchmarks.measure import measure
from benchmarks.report import median, write_table
from benchmarks.scenarios import PEERS, QUICK, SCENARIOS


def main() -> None:
    """Measure, show, and write what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few short scenarios, once, for a first impression")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one; repeatable")
    parser.add_argument("--peer", action="append", choices=PEERS, help="only this relay; repeatable")
    parser.add_argument("--rounds", type=int, help="how often everything is run, 3 unless --quick is given")
    parser.add_argument("--write", action="store_true", help="renew these scenarios' figures, plot and tables in docs/")
    parser.add_argument("--against", type=Path, metavar="DIR", help="compare with another checkout of this project")
    options = parser.parse_args()
    names = options.scenario or (QUICK if options.quick else tuple(SCENARIOS))
    rounds = options.rounds or (1 if options.quick else 3)
    # SIGTERM unwinds the stack like Ctrl-C does, so that every process is killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if options.against is not None:
        for comparison in compare(options.against.resolve(), rounds, quick=options.quick):
            sys.stdout.write(f"{comparison}\n")
        return
    runs: dict[str, dict[str, list[dict[str, float]]]] = {}
    try:
        for name in names:
            scenario = SCENARIOS[name].shortened() if options.quick else SCENARIOS[name]
            peers = [peer for peer in scenario.peers if options.peer is None or peer in options.peer]
            runs[name] = {peer: [] for peer in peers}
            # A B C, A B C: what else the machine does meets all alike.
            for turn in range(rounds):
                for peer in peers:
                    sys.stderr.write(f"{name}, round {turn + 1} of {rounds}: {peer}\n")
                    runs[name][peer].append(measure(peer, scenario).as_dict())
    finally:
        # A run that is interrupted shows the figures it has.
        results = {
            name: {peer: median(figures) for peer, figures in by_peer.items() if figures}
            for name, by_peer in runs.items()
        }
        write_table(results)
        whole = {
            name: results[name]
            for name, by_peer in runs.items()
            if by_peer and all(len(f) == rounds for f in by_peer.values())
        }
        if options.write and whole:
            write_documents(whole, rounds)


if __name__ == "__main__":
    main()
