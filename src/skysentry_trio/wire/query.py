"""What stands behind the ``?`` of an address: words, numbers and moments, each checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from attrs import frozen

from skysentry_trio.exceptions import ProtocolViolation

_MAX_FIELDS = 100
_MAX_MOMENT = 1e11
"""Seconds since the epoch; milliseconds given by mistake are far beyond it."""


@frozen
class Query:
    """The fields of a query; of one that is given twice the last counts, and unknown ones are ignored."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Return a field as it is."""
        return self.fields.get(name)

    def flag(self, name: str) -> bool:
        """Say whether something is switched on: ``?name=1``, or ``?name`` alone."""
        value = self.fields.get(name, "0")
        if value not in {"", "0", "1"}:
            raise ProtocolViolation(f"{name} is 0 or 1, got {value[:40]!a}")
        return value != "0"

    def number(self, name: str, low: float, high: float) -> float | None:
        """Return a number within limits, or None if the field is not there.

        Raises:
            ProtocolViolation: it is none, or out of them.
        """
        text = self.fields.get(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise ProtocolViolation(f"{name} is a number from {low:.15g} to {high:.15g}, got {text[:40]!a}")
        return value

    def whole(self, name: str, low: int, high: int) -> int | None:
        """Return a whole number within limits, or None if the field is not there."""
        value = self.number(name, low, high)
        if value is not None and value != int(value):
            raise ProtocolViolation(f"{name} is a whole number, got {self.fields[name][:40]!a}")
        return None if value is None else int(value)

    def moment(self, name: str) -> float | None:
        """Return a moment in seconds since the epoch, given as such or in the form of RFC 3339.

        Raises:
            ProtocolViolation: it is neither. A time without an offset could be anybody's.
        """
        text = self.fields.get(name)
        if text is None:
            return None
        try:
            return self.number(name, 0, _MAX_MOMENT)
        except ProtocolViolation:
            # A plus sign in a query means a space.
            moment = _parse_moment(text.replace(" ", "+"))
        if moment is None:
            raise ProtocolViolation(
                f"{name} is a moment such as 1700000000.25 or 2023-11-14T22:13:20.250Z, got {text[:40]!a}"
            )
        return moment


def decode_query(query: str) -> Query:
    """Read the part of an address after ``?``.

    Raises:
        ProtocolViolation: it is no UTF-8, or has too many fields.
    """
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise ProtocolViolation(f"the query cannot be read: {error}") from error
    return Query({name: values[-1] for name, values in fields.items()})


def _parse_moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
