"""Read QR codes that a program has drawn with the characters of a terminal."""

from __future__ import annotations

import cv2
import numpy as np

_HALVES = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}
"""For each character, whether its upper and its lower half are dark: terminals write light on dark."""


def read_qr(text: str) -> str:
    """Return the text of the first code."""
    rows = []
    for line in text.splitlines():
        if line and set(line) <= set(_HALVES):
            upper, lower = zip(*(_HALVES[one] for one in line), strict=True)
            rows += [upper, lower]
    width = max(map(len, rows))
    picture = np.array([[*row, *([1] * (width - len(row)))] for row in rows], dtype=np.uint8)
    for shown in (picture, 1 - picture):
        enlarged = np.kron(shown * 255, np.ones((8, 8), dtype=np.uint8)).astype(np.uint8)
        found, _, _ = cv2.QRCodeDetector().detectAndDecode(np.pad(enlarged, 40, constant_values=255))
        if found:
            return str(found)
    raise AssertionError(f"no code in {text}")
