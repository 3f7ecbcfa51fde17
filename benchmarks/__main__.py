"""Measure relays under load; the options choose relays, loads and rounds."""

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
    """Run the scenarios of the command line, print their figures, and write documents with --write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few scenarios, shortened, one round")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="measure only this scenario; repeatable")
    parser.add_argument("--peer", action="append", choices=PEERS, help="measure only this relay; repeatable")
    parser.add_argument("--rounds", type=int, help="number of rounds; 3, or 1 with --quick")
    parser.add_argument(
        "--write", action="store_true", help="write the figures of these scenarios to docs/: JSON, plot and tables"
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="compare only the server of this checkout with that of the checkout DIR, and print ratios",
    )
    options = parser.parse_args()
    scenarios = {name: load.shortened() if options.quick else load for name, load in SCENARIOS.items()}
    names = options.scenario or (QUICK if options.quick else tuple(SCENARIOS))
    rounds = options.rounds or (1 if options.quick else 3)
    # SIGTERM unwinds the stack like Ctrl-C does, so that every process is killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if options.against is not None:
        if not (options.against / "src").is_dir():
            parser.error(f"{options.against} is not a checkout of this project: it has no directory src")
        for comparison in compare(options.against.resolve(), rounds, scenarios):
            sys.stdout.write(f"{comparison}\n")
        return
    runs: dict[str, dict[str, list[dict[str, float]]]] = {}
    try:
        for name in names:
            peers = [peer for peer in scenarios[name].peers if options.peer is None or peer in options.peer]
            runs[name] = {peer: [] for peer in peers}
            # The relays alternate, so that other work of the machine affects all of them.
            for index in range(rounds):
                for peer in peers:
                    sys.stderr.write(f"{name}, round {index + 1} of {rounds}: {peer}\n")
                    runs[name][peer].append(measure(peer, scenarios[name]).as_dict())
    finally:
        # An interrupted run prints the figures that it has.
        results = {
            name: {peer: median(figures) for peer, figures in by_peer.items() if figures}
            for name, by_peer in runs.items()
        }
        write_table(results)
        complete = {
            name: results[name]
            for name, by_peer in runs.items()
            if by_peer and all(len(f) == rounds for f in by_peer.values())
        }
        if options.write and complete:
            write_documents(complete, rounds)


if __name__ == "__main__":
    main()
