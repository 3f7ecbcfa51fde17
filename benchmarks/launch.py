"""Become another program, on the processor it is given; that program dies with the benchmark, however that ends.

Run as ``python -m benchmarks.launch PROCESSORS PROGRAM [ARGUMENT ...]``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set up this process and replace it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, [int(number) for number in sys.argv[1].split(",")])
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  (the program is one of our own peers)


if __name__ == "__main__":
    main()
