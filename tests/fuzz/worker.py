"""Fuzzes one parser, and writes the record to a file: ``python -m tests.fuzz.worker PARSER SECONDS FILE``."""

from __future__ import annotations

import os
import pickle
import random
import sys
import time
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

if atheris is None:
    from tests.fuzz.parsers import PARSERS
else:
    with atheris.instrument_imports(include=["skysentry_trio", "h11", "urllib.parse", "tomllib"]):
        from tests.fuzz.parsers import PARSERS

from tests.fuzz.judge import Record
from tests.fuzz.mutations import inputs_for

SEED = 1


def main() -> None:
    """Fuzz until the time is over, then write the record."""
    name, seconds, path = sys.argv[1:]
    (parser,) = (parser for parser in PARSERS if parser.name == name)
    deadline, record = time.monotonic() + float(seconds), Record()

    def finish() -> None:
        Path(path).write_bytes(pickle.dumps(record))

    # Mutations first: they repeat words up to the maximum size, which a search for new code does not need to do.
    share = 1.0 if atheris is None else 0.3
    until = time.monotonic() + share * float(seconds)
    for data in inputs_for(parser, random.Random(SEED)):
        record.run(parser, data)
        if time.monotonic() > until:
            break
    if atheris is None:
        finish()
        return

    def test_one(data: bytes) -> None:
        record.run(parser, data)
        if time.monotonic() > deadline:
            finish()
            os._exit(0)  # libFuzzer does not return

    Path("dictionary").write_text("".join(f'"{quote(word)}"\n' for word in parser.words), "ascii")
    Path("corpus").mkdir()
    for number, seed in enumerate(parser.seeds):
        Path("corpus", str(number)).write_bytes(seed)
    flags = [
        "-dict=dictionary",
        f"-max_len={parser.max_size}",
        f"-seed={SEED}",
        "-timeout=300",
        "-rss_limit_mb=4096",
        "corpus",
    ]
    atheris.Setup([sys.argv[0], *flags], test_one)
    atheris.Fuzz()


def quote(word: bytes) -> str:
    """Return a word as libFuzzer's dictionaries write it."""
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
