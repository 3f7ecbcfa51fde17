from __future__ import annotations

import io
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

import pytest
import structlog
import trio

from skysentry_trio.base.chatter import MAX_PENDING, chatter_of, open_chatter
from skysentry_trio.base.logs import LogLimiter, configure, get_logger

pytestmark = pytest.mark.usefixtures("logging_as_before")

log = get_logger("skysentry_trio.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_becomes_one_line_of_json() -> None:
    """Name, level, time, logger and keywords are keys of one object."""
    configure("info", "json", stream := io.StringIO(), {})
    log.info("camera registered", camera="door", fps=12.5)
    (event,) = logged(stream)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "camera registered",
        "camera": "door",
        "fps": 12.5,
        "level": "info",
        "logger": "skysentry_trio.test",
    }


def test_an_event_becomes_one_line_of_text() -> None:
    """Time, level, name, keywords and logger, in this order."""
    configure("info", "text", stream := io.StringIO(), {})
    log.warning("camera gone", camera="door", reason="no pong")
    time, rest = stream.getvalue().split(" ", 1)
    assert time.endswith("Z")
    assert rest == 'warning camera gone camera=door reason="no pong" (skysentry_trio.test)\n'


@pytest.mark.usefixtures("in_karachi")
def test_a_terminal_shows_the_time_of_day_and_no_logger() -> None:
    """A line is short enough not to wrap, and the time is that of the clock on the wall."""
    configure("info", "auto", stream := Terminal(), {"NO_COLOR": "1"})
    log.warning("camera gone", camera="door", reason="no pong")
    moment, rest = stream.getvalue().split(" ", 1)
    ahead = datetime.now(UTC) + timedelta(hours=5)
    assert moment in {f"{ahead - timedelta(seconds=late):%H:%M:%S}" for late in range(3)}
    assert rest == 'warning camera gone camera=door reason="no pong"\n'


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_shows_no_colors_to_those_who_want_none(environ: dict[str, str]) -> None:
    """The variable NO_COLOR says so, and so does a terminal that knows no colours."""
    configure("info", "text", stream := Terminal(), environ)
    log.warning("camera gone")
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_shows_how_severe_an_event_is_in_color() -> None:
    """Yellow and red, but only on terminals."""
    configure("info", "text", stream := Terminal(), {"NO_COLOR": ""})
    log.warning("slow")
    log.error("bad")
    assert "\x1b[33mslow\x1b[0m" in stream.getvalue()
    assert "\x1b[31mbad\x1b[0m" in stream.getvalue()
    configure("info", "text", plain := io.StringIO(), {})
    log.error("bad")
    assert "\x1b" not in plain.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["http://127.0.0.1:1", "http://[::1]:1"], 'http://127.0.0.1:1,"http://[::1]:1"'),
        (("a", "b c\n"), 'a,"b c\\n"'),
        ({"behind": 2, "bad": 1}, "behind:2,bad:1"),
        ([], "none"),
        ({}, "none"),
    ],
)
def test_lists_are_written_for_people(value: object, text: str) -> None:
    """Not as Python would write them; JSON still holds them as they are."""
    for stream in (Terminal(), io.StringIO()):
        configure("info", "text", stream, {"NO_COLOR": "1"})
        log.info("serving", urls=value)
        assert f"serving urls={text}" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "format", "is_json"),
    [
        (Terminal(), "auto", False),
        (io.StringIO(), "auto", True),
        (Terminal(), "json", True),
        (io.StringIO(), "text", False),
    ],
)
def test_people_get_text_and_machines_json(stream: io.StringIO, format: str, is_json: bool) -> None:  # noqa: A002
    """The automatic form is text on a terminal and JSON elsewhere; either can be forced."""
    configure("info", format, stream, {})
    log.info("hello")
    assert stream.getvalue().startswith("{") == is_json


def test_other_libraries_take_the_same_form() -> None:
    """What Hypercorn or Trio log through the standard library is an event like ours."""
    configure("info", "json", stream := io.StringIO(), {})
    logging.getLogger("hypercorn.error").error("cannot %s", "parse")
    (event,) = logged(stream)
    assert (event["event"], event["level"], event["logger"]) == ("cannot parse", "error", "hypercorn.error")


def test_warnings_of_python_take_the_same_form() -> None:
    """A warning is one line in the log, not two on stderr."""
    configure("info", "json", stream := io.StringIO(), {})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", stacklevel=1)
    (event,) = logged(stream)
    assert event["logger"] == "py.warnings"
    assert "old" in event["event"]


def test_events_below_the_level_are_left_out() -> None:
    """The level counts for our events and for those of others."""
    configure("warning", "json", stream := io.StringIO(), {})
    log.info("chatter")
    logging.getLogger("hypercorn.error").info("chatter")
    log.warning("news")
    assert [event["event"] for event in logged(stream)] == ["news"]


async def test_bound_keywords_stay_with_their_task() -> None:
    """Each connection's task has its own context, and its children inherit it."""
    configure("info", "json", stream := io.StringIO(), {})

    async def say(event: str) -> None:
        log.info(event)

    async def connection(peer: str) -> None:
        with structlog.contextvars.bound_contextvars(peer=peer):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(say, f"hello from {peer}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection, "a")
        nursery.start_soon(connection, "b")
    log.info("alone")
    assert {event["event"]: event.get("peer") for event in logged(stream)} == {
        "hello from a": "a",
        "hello from b": "b",
        "alone": None,
    }


def test_a_crash_is_one_line_of_json_with_its_traceback() -> None:
    """The journal keeps event and traceback together."""
    configure("info", "json", stream := io.StringIO(), {})
    try:
        int("wrong")
    except ValueError:
        log.exception("connection crashed")
    (event,) = logged(stream)
    assert event["level"] == "error"
    assert event["exception"].startswith("Traceback (most recent call last):\n")


def test_a_crash_in_text_shows_its_traceback_below() -> None:
    """People read tracebacks line by line."""
    configure("info", "text", stream := io.StringIO(), {})
    try:
        int("wrong")
    except ValueError:
        logging.getLogger("trio").exception("crashed")
    first, second, *_, last = stream.getvalue().splitlines()
    assert first.endswith("error   crashed (trio)")
    assert second == "Traceback (most recent call last):"
    assert last.startswith("ValueError: ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Küche", '"Küche"'),
        ("a\nERROR fake", '"a\\nERROR fake"'),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("\u202eevil", '"\\u202eevil"'),
        ("\ud800", '"\\ud800"'),
        ("", '""'),
        (None, "None"),
    ],
)
def test_what_peers_send_cannot_disturb_the_terminal(value: object, text: str) -> None:
    """Line ends, escape sequences and marks of direction are shown, not obeyed."""
    configure("info", "text", stream := io.StringIO(), {})
    log.info("hello", name=value)
    assert f"hello name={text} (" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_foreign_message_cannot_fake_a_line() -> None:
    """Messages of other libraries may carry what a peer sent."""
    configure("info", "text", stream := io.StringIO(), {})
    logging.getLogger("hypercorn.error").error("bad\nheader")
    assert r'error   "bad\nheader" (hypercorn.error)' in stream.getvalue()


@pytest.mark.parametrize("format", ["text", "json"])
def test_passwords_in_addresses_are_not_logged(format: str) -> None:  # noqa: A002
    """In events, values, messages of libraries and tracebacks."""
    configure("info", format, stream := io.StringIO(), {})
    address = 'rtsp://u:se"cret@cam/live?pwd=secret\\'
    log.info(f"opening {address}", url=address)  # noqa: G004
    logging.getLogger("other").warning("no answer from %s", address)
    log.error("crashed", exc_info=ValueError(f"cannot open '{address}'"))
    assert "cret" not in stream.getvalue()
    assert stream.getvalue().count("rtsp://cam/live") == 4
    if format == "json":
        assert len(logged(stream)) == 3


@pytest.fixture
def file() -> Iterator[TextIO]:
    with tempfile.TemporaryFile("w+") as stream:
        yield stream


@pytest.mark.parametrize("format", ["text", "json"])
def test_the_journal_is_told_the_priority_of_each_line(file: TextIO, format: str) -> None:  # noqa: A002
    """`journalctl -p warning` works, for tracebacks as well."""
    status = os.fstat(file.fileno())
    configure("debug", format, file, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
    log.debug("a")
    log.warning("b")
    logging.getLogger("other").log(35, "c")
    try:
        int("wrong")
    except ValueError:
        log.exception("d")
    file.seek(0)
    priorities = [line[:3] for line in file]
    assert priorities[:3] == ["<7>", "<4>", "<6>"]
    assert set(priorities[3:]) == {"<3>"}


def test_a_stream_the_journal_does_not_read_has_no_priorities(file: TextIO) -> None:
    """The variable is inherited by processes whose stderr goes elsewhere."""
    configure("info", "json", file, {"JOURNAL_STREAM": "1:1"})
    log.info("a")
    file.seek(0)
    assert file.read().startswith("{")


@pytest.mark.parametrize(("format", "said"), [("json", '"lines": 1,'), ("text", "lines=1")])
def test_dropped_lines_are_reported_in_the_form_of_the_log(file: TextIO, format: str, said: str) -> None:  # noqa: A002
    """The next line that can be written says how many could not."""
    stream = open_chatter(file)
    chatter = chatter_of(stream)
    assert chatter is not None
    configure("info", format, stream, {})
    chatter.write(b"x" * MAX_PENDING + b"\n")
    log.info("next")
    chatter.drain()
    file.seek(0)
    report, following = file.read().splitlines()
    assert "log lines dropped" in report
    assert said in report
    assert "next" in following


def test_repeated_warnings_are_limited_and_counted() -> None:
    """One a second passes; the next one that passes says how many did not."""
    limit = LogLimiter()
    assert [limit.admit("a", now) for now in (0.0, 0.1, 0.9, 1.0, 1.5, 3.0)] == [0, None, None, 2, None, 1]


def test_kinds_of_warnings_do_not_silence_each_other() -> None:
    """Each kind has its own second."""
    limit = LogLimiter(interval=10)
    assert [limit.admit("a", 0), limit.admit("b", 1), limit.admit("a", 2), limit.admit("b", 11)] == [0, 0, None, 0]
