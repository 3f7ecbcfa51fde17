from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from skysentry_trio.server.access.changes import RulesEditor
from skysentry_trio.server.access.keys import make_key
from skysentry_trio.server.access.tickets import Ticket, TicketKind, sign
from tests.conftest import pytest_runtest_makereport
from tests.printed_secrets import find_secrets


@pytest.mark.parametrize(
    "secret",
    [
        make_key(),
        sign(Ticket("a", None, 1.0, {"view": ["door"]}), TicketKind.LINK, ["secret"]),
        sign(Ticket("a", None, 1.0, {"view": ["door"] * 50}), TicketKind.LINK, ["secret"]),
        sign(Ticket("a", "key:a:b", 1.0), TicketKind.COOKIE, ["secret"]),
        "eyJhbGciOiJFUzI1NiJ9eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUifQ.c2lnbmF0dXJl",
    ],
    ids=["key", "link", "compressed link", "cookie", "JWT"],
)
def test_each_kind_of_secret_is_found_in_output(secret: str) -> None:
    """In whatever is around it; also a link whose text is compressed."""
    assert find_secrets(f"first\ncamera refused: '{secret}', said the server\nlast") == [
        f"camera refused: '{secret}', said the server"
    ]


def test_the_password_of_a_user_is_found(tmp_path: Path) -> None:
    """Whichever test has added the user."""
    assert find_secrets("the password is hunter2 hunter2") == []
    RulesEditor(tmp_path).set_user("ann", "hunter2 hunter2", {"view": ["*"]})
    assert find_secrets("the password is hunter2 hunter2") != []


def test_the_first_link_and_the_start_of_keys_are_no_secrets() -> None:
    """The server prints both on purpose."""
    link = sign(Ticket("a", None, 1.0), TicketKind.LINK, ["secret"])
    assert find_secrets(f"Open this link:\n  http://192.0.2.1:8080/admin?link={link}\n") == []
    assert find_secrets("expected a key that begins with sky_ or a link, got sky_wrong") == []


@pytest.mark.parametrize(("said", "outcome"), [("nothing", "passed"), (make_key(), "failed")], ids=["nothing", "a key"])
def test_a_test_that_prints_a_secret_fails(said: str, outcome: str) -> None:
    """Also if everything else about it is right."""
    sections = [("Captured stdout call", said)]
    report = pytest.TestReport("a", ("a", 1, "a"), {}, "passed", None, "teardown", sections=sections)
    hook = pytest_runtest_makereport()
    next(hook)
    with suppress(StopIteration):
        hook.send(report)
    assert report.outcome == outcome
