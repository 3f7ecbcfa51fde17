"""Writes each log event as one line to stderr, as JSON or text: those of our code, of Trio and of Hypercorn.

Our modules log through structlog into the standard library's loggers. One handler at the root logger gives all events
the same form. A program that does not call `configure` keeps its own logging.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final, TextIO

import structlog
from attrs import define, field
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from skysentry_trio.base.addresses import mask_addresses
from skysentry_trio.base.chatter import chatter_of
from skysentry_trio.base.colors import Color, paint, wants_color

_PLAIN: Final = re.compile(r"[\w.:/@+*,-]+", re.ASCII)
# The syslog priorities that journald reads from the beginning of a line: sd-daemon(3).
_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_COLORS: Final = {"debug": Color.FAINT, "warning": Color.WARNING, "error": Color.BAD, "critical": Color.BAD}


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a module: ``log.info("camera registered", camera="door")``.

    Events are constant phrases; values that vary go into the keywords. Keywords that are bound with
    ``structlog.contextvars.bound_contextvars`` are added to all events of the same Trio task and its children.
    """
    logger: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def configure(level: str, format: str, stream: TextIO, environ: Mapping[str, str]) -> None:  # noqa: A002
    """Send all log events of this process to ``stream``.

    Args:
        level: least severe level to log: ``debug``, ``info``, ``warning`` or ``error``.
        format: ``text``, ``json``, or ``auto`` for text on a terminal and JSON elsewhere. On a terminal, text has the
            time of day only, and no logger.
        stream: usually ``sys.stderr``.
        environ: environment variables; they show whether journald reads the stream.
    """
    as_text = format == "text" or (format == "auto" and stream.isatty())
    render: Processor = _render_json
    if as_text:
        render = _for_people(wants_color(stream, environ)) if stream.isatty() else _render_text
    if _is_journal(stream, environ):
        render = _with_priority(render)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                _mask_secrets,
                render,
            ]
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    if (chatter := chatter_of(stream)) is not None:
        chatter.describe_drops = partial(_describe_dropped_lines, handler)
    # Python's warnings are then logged in the same form.
    logging.captureWarnings(capture=True)


def _describe_dropped_lines(handler: logging.Handler, count: int) -> str:
    """Return the event that reports dropped log lines, in the form of all other events."""
    fields = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
    # ProcessorFormatter takes a record with the last two attributes as an event of structlog.
    event = {"event": "log lines dropped", "lines": count}
    record = logging.makeLogRecord({**fields, "msg": event, "_logger": logging.getLogger(__name__), "_name": "warning"})
    return handler.format(record) + "\n"


def _mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: mask_addresses(value) if isinstance(value, str) else value for key, value in event.items()}


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return json.dumps(event, default=str)


def _render_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """Write ``time level event key=value ... (logger)``; a traceback follows on the next lines."""
    time, level, name, logger = (event.pop(key) for key in ("timestamp", "level", "event", "logger"))
    exception = event.pop("exception", None)
    line = f"{time} {level:<7} {_printable(name)}{_pairs(event)} ({logger})"
    return line if exception is None else f"{line}\n{exception}"


def _for_people(in_color: bool) -> Processor:  # noqa: FBT001 - the only argument
    """Return a processor that writes ``time level event key=value ...`` with the time of day where the server is."""

    def show(text: str, color: Color | None) -> str:
        return paint(text, color) if in_color else text

    def render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
        time, level, name, _ = (event.pop(key) for key in ("timestamp", "level", "event", "logger"))
        exception = event.pop("exception", None)
        day_time = show(f"{datetime.fromisoformat(time).astimezone():%H:%M:%S}", Color.FAINT)
        color = _COLORS.get(level)
        line = f"{day_time} {show(f'{level:<7}', color)} {show(_printable(name), color)}"
        line += show(_pairs(event), Color.FAINT)
        return line if exception is None else f"{line}\n{exception}"

    return render


def _pairs(event: EventDict) -> str:
    return "".join(f" {key}={_quoted(value)}" for key, value in event.items())


def _printable(name: object) -> str:
    return str(name) if str(name).isprintable() else _quoted(name)


def _quoted(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(map(_quoted, value)) or "none"
    if isinstance(value, Mapping):
        return ",".join(f"{_quoted(key)}:{_quoted(one)}" for key, one in value.items()) or "none"
    # Text from peers must not move the cursor, imitate a log line or reverse the reading direction.
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=not text.isprintable())


def _with_priority(render: Processor) -> Processor:
    def render_with_priority(logger: WrappedLogger, method: str, event: EventDict) -> str:
        priority = _PRIORITIES.get(event["level"], _PRIORITIES["info"])
        return "\n".join(f"<{priority}>{line}" for line in str(render(logger, method, event)).splitlines())

    return render_with_priority


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether journald reads the stream: ``JOURNAL_STREAM`` names its device and inode, see systemd.exec(5)."""
    try:
        status = os.fstat(stream.fileno())
    except io.UnsupportedOperation:
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


@define(eq=False)
class LogLimiter:
    """Lets one event of each kind through in an interval, and counts the others.

    ::

        if (suppressed := limit.admit("out of descriptors", trio.current_time())) is not None:
            log.warning("out of descriptors", suppressed=suppressed)
    """

    interval: float = 1.0
    """Seconds between two events of the same kind."""
    _last: dict[str, float] = field(factory=dict, init=False)
    _suppressed: dict[str, int] = field(factory=dict, init=False)

    def admit(self, kind: str, now: float) -> int | None:
        """Return how many events were suppressed since the last admitted event; None to suppress this event too.

        Args:
            kind: a constant of the code, never a text that a peer has sent, because each kind stays in memory for ever.
            now: seconds of any clock that does not go back.
        """
        last = self._last.get(kind)
        if last is not None and now - last < self.interval:
            self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
            return None
        self._last[kind] = now
        return self._suppressed.pop(kind, 0)
