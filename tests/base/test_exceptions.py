"""The table of refusals: what a peer is told follows from the code alone, and other languages have the same table."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path

import pytest

from skysentry_trio.base.exceptions import REFUSALS, CloseCode, ProtocolViolation


def camel_case(name: str) -> str:
    first, *others = name.lower().split("_")
    return first + "".join(map(str.capitalize, others))


@pytest.mark.parametrize("code", REFUSALS)
def test_the_code_decides_how_a_peer_is_refused(code: str) -> None:
    """Close code and HTTP status come from the table."""
    violation = ProtocolViolation("expected something else", code)

    assert (violation.code, str(violation)) == (code, "expected something else")
    assert (violation.close_code, violation.http_status) == REFUSALS[code]


def test_a_code_that_is_not_in_the_table_is_a_mistake() -> None:
    """A refusal that nobody can look up does not reach a peer."""
    with pytest.raises(KeyError):
        ProtocolViolation("expected something else", "no-such-code")


def test_one_cause_of_a_code_may_have_an_answer_of_its_own() -> None:
    """The code stays what it is."""
    violation = ProtocolViolation("", "bad-request", close_code=CloseCode.PROTOCOL_ERROR, http_status=431)

    assert (violation.code, violation.close_code, violation.http_status) == ("bad-request", 1002, 431)


@pytest.mark.parametrize(("code", "refusal"), REFUSALS.items())
def test_a_refusal_is_an_error_that_can_be_sent(code: str, refusal: tuple[CloseCode, int]) -> None:
    """Its status is one of HTTP's errors, and its close code is an error that may stand in a Close frame."""
    close_code, http_status = refusal

    assert HTTPStatus(http_status) >= HTTPStatus.BAD_REQUEST
    assert close_code not in {CloseCode.NORMAL, CloseCode.ABNORMAL_CLOSURE}


def test_the_golden_table_is_this_one() -> None:
    """Programs in other languages test themselves against the file."""
    golden = json.loads((Path(__file__).parents[1] / "golden" / "refusals.json").read_text("utf-8"))

    assert golden == {
        "closeCodes": {camel_case(code.name): code.value for code in CloseCode},
        "refusals": {
            code: {"closeCode": refusal.close_code, "httpStatus": refusal.http_status}
            for code, refusal in REFUSALS.items()
        },
    }
