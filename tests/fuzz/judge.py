"""Run a parser on one input, and judge what it did: the errors it raised and the time it took."""

from __future__ import annotations

import time
import traceback
from typing import Final

from attrs import define, field, frozen

from tests.fuzz.parsers import Parser

_REPETITIONS: Final = 7
_WORST_KEPT: Final = 5


@frozen
class Finding:
    """An input with which a parser does what it should not."""

    fault: str
    """One line; equal faults are reported once."""
    data: bytes = field(repr=False)


@define(eq=False)
class Record:
    """What is known of a parser after many inputs."""

    executions: int = 0
    slowest: float = 0.0
    """Seconds of CPU, as measured once: the machine may have been busy."""
    slow_inputs: list[tuple[float, bytes]] = field(factory=list)
    """The slowest inputs, which have to be measured again."""
    findings: dict[str, bytes] = field(factory=dict)
    """For each fault, the first input that shows it."""

    def run(self, parser: Parser, data: bytes) -> None:
        """Run the parser on the input."""
        started = time.thread_time()
        try:
            parser.parse(data)
        except parser.errors:
            pass
        except Exception as error:  # noqa: BLE001 - any error that is not declared is what we are looking for
            self.findings.setdefault(_fault_of(error), data)
        taken = time.thread_time() - started
        self.executions += 1
        if taken > self.slowest:
            self.slowest = taken
            self.slow_inputs = sorted([*self.slow_inputs, (taken, data)], reverse=True)[:_WORST_KEPT]


def measure(parser: Parser, data: bytes) -> float:
    """Return the seconds of CPU that the parser needs for the input: the least of several runs."""
    best = float("inf")
    for _ in range(_REPETITIONS):
        record = Record()
        record.run(parser, data)
        best = min(best, record.slowest)
        if best <= parser.time_limit:
            break
    return best


def judge(parser: Parser, record: Record) -> list[Finding]:
    """Return what is wrong with the parser."""
    findings = [Finding(fault, data) for fault, data in record.findings.items()]
    for _, data in record.slow_inputs:
        if (taken := measure(parser, data)) > parser.time_limit:
            limit = parser.time_limit * 1000
            findings.append(
                Finding(f"took {taken * 1000:.0f} ms for {len(data)} bytes, at most {limit:.0f} allowed", data)
            )
    return findings


def _fault_of(error: Exception) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {last.filename.rpartition('/')[2]}:{last.lineno}"
