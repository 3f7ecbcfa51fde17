"""The kinds of values that settings have: how people write them, and which values are allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import attrs

from skysentry_trio.base.addresses import mask_address, split_address
from skysentry_trio.base.ageing_rule import parse_rules
from skysentry_trio.base.engine_address import EXPECTED as EXPECTED_ENGINE
from skysentry_trio.base.engine_address import EngineAddress
from skysentry_trio.base.group_grants import is_group_grant
from skysentry_trio.base.networks import UNIX, parse_network
from skysentry_trio.base.principal import is_pattern
from skysentry_trio.base.recording_rules import (
    MAX_ROLL,
    is_recording_rule,
    rules_of_table,
)
from skysentry_trio.base.units import format_duration, format_size, parse_duration, parse_size
from skysentry_trio.wire.hosts import is_allowed_host
from skysentry_trio.wire.origins import is_ancestor, is_entry

_MEBI: Final = 1024**2
_GIBI: Final = 1024**3
_GROUP: Final = re.compile(r"[A-Za-z0-9._-]{1,63}=[A-Za-z0-9._*?-]+", re.ASCII)
JWT_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
"""Signatures by a private key; with a shared secret, all who check tokens could make tokens, too."""
_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]+")


@attrs.frozen
class Kind:
    """How people write one kind of value, and which values are allowed."""

    metavar: str
    """The word that help and documentation show in place of the value."""
    expected: str
    """Completes the sentence "expected ..."."""
    allows: Callable[[Any], bool]
    parse: Callable[[str], Any]
    """Makes a value from text; raises ValueError if the text has the wrong form."""
    format: Callable[[Any], str]
    """Writes a value as text that ``parse`` can read."""
    parse_table: Callable[[dict[str, Any]], Any] = lambda table: table
    """Makes a value from a table of a TOML file."""
    is_secret: bool = False
    """Whether a value may contain a password, so that only its address is shown."""

    def read(self, raw: object) -> Any:
        """Return the value from a flag or an environment variable (text), or from a TOML file (text, number, list).

        Raises:
            ValueError: the value has the wrong form or is out of limits; the message says what was expected.
        """
        try:
            value = self._parse(raw)
        except ValueError:
            value = None
        if not self.allows(value):
            if isinstance(value, tuple) and len(value) > 1 and isinstance(raw, list | dict):
                # Of many entries, show only one that is wrong, unless each is right and only all together are wrong.
                raw = next((entry for entry in value if not self.allows((entry,))), raw)
            got = ", ".join(map(repr, raw)) if isinstance(raw, tuple) else repr(raw)
            got = repr(mask_address(str(raw))) if self.is_secret else got
            raise ValueError(f"expected {self.expected}, got {got}")
        return value

    def _parse(self, raw: object) -> Any:
        if isinstance(raw, str):
            return self.parse(raw)
        if isinstance(raw, tuple):
            # A flag that was given several times; each text may itself be a list.
            return tuple(value for text in raw for value in self.parse(text))
        if isinstance(raw, dict):
            return self.parse_table(raw)
        return tuple(raw) if isinstance(raw, list) else raw


def _number(low: float, high: float, *types: type[float]) -> Callable[[Any], bool]:
    # Python treats True as the number 1, but a person who writes `port = true` does not mean port 1.
    def allows(value: Any) -> bool:
        return isinstance(value, types) and not isinstance(value, bool) and low <= value <= high

    return allows


def whole(low: int, high: int) -> Kind:
    """Return the kind of whole numbers between two limits."""
    return Kind("NUMBER", f"a whole number from {low} to {high}", _number(low, high, int), int, str)


def whole_or_auto(low: int, high: int) -> Kind:
    """Return the kind of whole numbers between two limits, or ``auto``."""
    numbers = whole(low, high)
    return Kind(
        "NUMBER",
        f"auto or {numbers.expected}",
        lambda value: value == "auto" or numbers.allows(value),
        lambda text: text if text == "auto" else int(text),
        str,
    )


def rate(low: float, high: float) -> Kind:
    """Return the kind of numbers of frames a second."""
    return Kind("FPS", f"a number from {low:g} to {high:g}", _number(low, high, int, float), float, "{:.15g}".format)


def size(low: int, high: int) -> Kind:
    """Return the kind of numbers of bytes, with or without a unit."""
    expected = f"a size from {format_size(low)} to {format_size(high)} such as 512KiB, 5MiB or 1GB"
    return Kind("SIZE", expected, _number(low, high, int), parse_size, format_size)


def duration(low: float, high: float) -> Kind:
    """Return the kind of numbers of seconds, with or without a unit."""
    expected = f"a duration from {format_duration(low)} to {format_duration(high)} such as 500ms, 30s or 1h30m"
    return Kind("DURATION", expected, _number(low, high, int, float), parse_duration, format_duration)


def choice(*words: str) -> Kind:
    """Return the kind of one of several words."""
    expected = f"{', '.join(words[:-1])} or {words[-1]}"
    return Kind("|".join(words), expected, lambda value: value in words, str, str)


def _is_host(value: object) -> bool:
    return isinstance(value, str) and _HOST.fullmatch(value) is not None


def _are_origins(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and is_entry(one) for one in value)


def _are_ancestors(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and is_ancestor(one) for one in value)


def _are_networks(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(one, str) and (one == UNIX or parse_network(one) is not None) for one in value
    )


def _are_hosts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and is_allowed_host(one) for one in value)


def _are_grants(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and is_group_grant(one) for one in value)


def _is_key_source(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable():
        return False
    scheme, mark, rest = value.partition("://")
    # An attacker who can change the keys on their way can make tokens too.
    is_local = re.split(r"[/:]", rest, maxsplit=1)[0] in {"localhost", "127.0.0.1"}
    return not mark or scheme == "https" or (scheme == "http" and is_local)


def _is_engine(value: object) -> bool:
    try:
        return value == "" or (isinstance(value, str) and bool(EngineAddress.parse(value)))
    except ValueError:
        return False


def _is_base_url(value: object) -> bool:
    try:
        parts = split_address(value) if value and isinstance(value, str) else None
    except ValueError:
        return False
    if parts is None:
        return value == ""
    return parts.scheme in {"http", "https"} and not parts.user_info and parts.target in {"", "/"}


def _are_algorithms(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and set(value) <= set(JWT_ALGORITHMS)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _are_groups(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(one, str) and _GROUP.fullmatch(one) is not None and is_pattern(one.partition("=")[2])
        for one in value
    )


def _are_recording_rules(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and is_recording_rule(one) for one in value)


def _are_ageing_rules(value: object) -> bool:
    if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
        return False
    try:
        parse_rules(value)
    except ValueError:
        return False
    return True


def _parse_switch(text: str) -> bool | None:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower())


def _format_switch(value: bool) -> str:  # noqa: FBT001 - the only argument
    return "true" if value else "false"


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


HOST: Final = Kind("ADDRESS", "an IP address or a host name", _is_host, str, str)
ORIGINS: Final = Kind(
    "ORIGIN",
    "* or origins as the log shows them, such as https://example.org, http://localhost:5173, null or file://",
    _are_origins,
    _split,
    ",".join,
)
ANCESTORS: Final = Kind(
    "ORIGIN",
    "* or addresses without a path, such as https://example.org, http://192.168.1.5:8123 or https://*.example.org",
    _are_ancestors,
    _split,
    ",".join,
)
NETWORKS: Final = Kind(
    "CIDR",
    "unix, or addresses and networks such as 127.0.0.1, 10.0.0.0/8 or fd00::/8 (no bit set behind the prefix)",
    _are_networks,
    _split,
    ",".join,
)
HOSTS: Final = Kind(
    "HOST",
    "* or names and addresses without a port, such as cams.example.org or 192.0.2.10",
    _are_hosts,
    _split,
    ",".join,
)
SWITCH: Final = Kind("BOOLEAN", "true or false", lambda value: isinstance(value, bool), _parse_switch, _format_switch)
FOLDER: Final = Kind("FOLDER", "the path of a folder", _is_path, str, str)
GROUPS: Final = Kind(
    "GROUP=CAMERA", "entries such as outdoor=yard-* or outdoor=front-door", _are_groups, _split, ",".join
)
AGEING: Final = Kind(
    "AGE:RATE",
    "entries such as 1d:1/s or 7d:1/10s, each for older recordings and fewer frames than the one before",
    _are_ageing_rules,
    _split,
    ",".join,
)
FILE: Final = Kind("FILE", "the path of a file", _is_path, str, str)
GRANTS: Final = Kind(
    "GROUP=ACTION",
    "entries such as admins=admin, family=view or guards=history:yard-*",
    _are_grants,
    _split,
    ",".join,
)
RECORDING_RULES: Final = Kind(
    "RULE",
    "rules such as yard-*=off or 'front-door=events pre_roll=10s fps=5', or a table for each camera, glob or @group",
    _are_recording_rules,
    _split,
    ",".join,
    rules_of_table,
)
TEXT: Final = Kind("TEXT", "a text without spaces", lambda value: isinstance(value, str) and " " not in value, str, str)
KEY_SOURCE: Final = Kind(
    "ADDRESS",
    "an address that begins with https:// (http:// only on this machine), or the path of a file",
    _is_key_source,
    str,
    str,
)
ENGINE: Final = Kind("ADDRESS", EXPECTED_ENGINE, _is_engine, str, str, is_secret=True)
BASE_URL: Final = Kind(
    "URL", "an address without a path, such as http://10.0.0.5:8080", _is_base_url, lambda text: text.rstrip("/"), str
)
ALGORITHMS: Final = Kind("NAME", f"one or more of {', '.join(JWT_ALGORITHMS)}", _are_algorithms, _split, ",".join)
ANY_RATE: Final = Kind("FPS", "a number from 0 to 1000", _number(0, 1000, int, float), float, "{:.15g}".format)
SHARE: Final = Kind("SHARE", "a number from 0 to 1", _number(0, 1, int, float), float, "{:.15g}".format)
ROLL: Final = duration(0, MAX_ROLL)
WAIT: Final = duration(0.001, 3600)
