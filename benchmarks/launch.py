"""Replace this process with another program on given processors; the kernel kills the program with its parent.

Run as ``python -m benchmarks.launch PROCESSORS PROGRAM [ARGUMENT ...]``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set processors and parent-death signal of this process, then replace it with the program."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, [int(number) for number in sys.argv[1].split(",")])
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  (the program is one of our own peers)


if __name__ == "__main__":
    main()
