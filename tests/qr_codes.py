"""Read QR codes that a program has drawn with the characters of a terminal."""

from __future__ import annotations

import os
import shutil
import subprocess

import cv2
import numpy as np
import pytest

_HALVES = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}
"""For each character, whether its upper and its lower half are dark: terminals write light on dark."""


def read_qr(text: str) -> str:
    """Return the text of the first code, as zbarimg reads it."""
    program = shutil.which("zbarimg")
    if program is None and "CI" not in os.environ:
        pytest.skip("no zbarimg on this machine")
    assert program is not None
    rows = []
    for line in text.splitlines():
        if line and set(line) <= set(_HALVES):
            upper, lower = zip(*(_HALVES[one] for one in line), strict=True)
            rows += [upper, lower]
    width = max(map(len, rows))
    picture = np.array([[*row, *([1] * (width - len(row)))] for row in rows], dtype=np.uint8)
    for shown in (picture, 1 - picture):
        enlarged = np.kron(shown * 255, np.ones((8, 8), dtype=np.uint8)).astype(np.uint8)
        _, png = cv2.imencode(".png", np.pad(enlarged, 40, constant_values=255))
        found = subprocess.run(
            [program, "--quiet", "--raw", "-"], input=png.tobytes(), capture_output=True, check=False
        )
        if found.returncode == 0:
            return found.stdout.decode().splitlines()[0]
    raise AssertionError(f"no code in {text}")
