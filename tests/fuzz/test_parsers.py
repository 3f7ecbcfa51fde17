from __future__ import annotations

import random
import sys
from itertools import islice

import pytest
from attrs import evolve

from tests.fuzz.judge import Record, judge, measure
from tests.fuzz.mutations import inputs_for
from tests.fuzz.parsers import PARSERS, Parser

INPUTS = 1500


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_survives_hostile_input(parser: Parser) -> None:
    """No input raises an error that is not declared, or takes longer than allowed; `nox -s fuzz` searches on."""
    if sys.gettrace() is not None:  # measuring the coverage makes Python slow
        parser = evolve(parser, time_limit=20 * parser.time_limit)
    record = Record()
    for data in islice(inputs_for(parser, random.Random(1)), INPUTS):
        record.run(parser, data)
    assert record.executions == INPUTS
    assert judge(parser, record) == []


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_valid_inputs_are_valid(parser: Parser) -> None:
    """The fuzzer begins with inputs that the parser accepts."""
    for seed in parser.seeds:
        parser.parse(seed)


def test_undeclared_errors_and_slow_inputs_are_found() -> None:
    """The judge sees both, and each fault once."""

    def parse(data: bytes) -> None:
        if data.startswith(b"bad"):
            raise KeyError
        if data.startswith(b"declared"):
            raise ValueError
        if data == b"slow":
            sum(range(2_000_000))

    parser = Parser("test", parse, (ValueError,), (), ())
    record = Record()
    for data in (b"good", b"bad 1", b"bad 2", b"declared", b"slow"):
        record.run(parser, data)
    error, slow = judge(parser, record)
    assert (error.fault.partition(" in ")[0], error.data) == ("KeyError", b"bad 1")
    assert (slow.fault[:5], slow.data) == ("took ", b"slow")
    assert measure(parser, b"good") < parser.time_limit
