"""Make invalid and hostile inputs from valid ones; the same seed makes the same inputs."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.fuzz.parsers import Parser


def inputs_for(parser: Parser, random_source: random.Random) -> Iterator[bytes]:
    """Yield inputs for ever: the valid ones first, then each word repeated up to the maximum size, then mutations."""
    yield b""
    yield from parser.seeds
    for word in (*parser.words, *(a + b for a, b in zip(parser.words, parser.words[1:], strict=False))):
        yield word * (parser.max_size // len(word))
        for seed in parser.seeds:
            yield (seed + word * (parser.max_size // len(word)))[: parser.max_size]
            middle = len(seed) // 2
            room = parser.max_size - len(seed)
            yield seed[:middle] + word * (room // len(word)) + seed[middle:]
    pool = list(parser.seeds)
    while True:
        data = mutate(random_source.choice(pool), parser.words, random_source)[: parser.max_size]
        yield data
        if random_source.random() < 0.05:
            pool.append(data)
            del pool[len(parser.seeds) : -50]


def mutate(data: bytes, words: tuple[bytes, ...], random_source: random.Random) -> bytes:
    """Change the data in a few places."""
    for _ in range(random_source.randint(1, 5)):
        start, end = sorted((random_source.randint(0, len(data)), random_source.randint(0, len(data))))
        word = random_source.choice(words)
        middle = random_source.choice(
            (
                b"",
                word,
                word + data[start:end],
                data[start:end] * 2,
                word * random_source.choice((2, 10, 300)),
                random_source.randbytes(random_source.randint(1, 4)),
            )
        )
        # Often change a single place, and sometimes a whole range.
        end = end if random_source.random() < 0.3 else min(len(data), start + random_source.randint(0, 2))
        data = data[:start] + middle + data[end:]
    return data
