"""Every setting of the server in one place: the name, the default, the limits and the help text of each setting.

The command line, the environment, the TOML file, ``config show`` and docs/reference/settings.md all use the fields of
`Settings`. To add a setting, add one field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final, Literal

import attrs

from skysentry_trio.base.addresses import mask_address, split_address
from skysentry_trio.base.ageing_rule import parse_rules
from skysentry_trio.base.engine_address import EXPECTED as EXPECTED_ENGINE
from skysentry_trio.base.engine_address import EngineAddress
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.group_grants import is_group_grant
from skysentry_trio.base.networks import UNIX, parse_network
from skysentry_trio.base.principal import is_pattern, parse_groups
from skysentry_trio.base.recording_rules import (
    MAX_ROLL,
    RecordingMode,
    RecordingRule,
    RecordingRules,
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


def _whole(low: int, high: int) -> Kind:
    return Kind("NUMBER", f"a whole number from {low} to {high}", _number(low, high, int), int, str)


def _whole_or_auto(low: int, high: int) -> Kind:
    whole = _whole(low, high)
    return Kind(
        "NUMBER",
        f"auto or {whole.expected}",
        lambda value: value == "auto" or whole.allows(value),
        lambda text: text if text == "auto" else int(text),
        str,
    )


def _rate(low: float, high: float) -> Kind:
    return Kind("FPS", f"a number from {low:g} to {high:g}", _number(low, high, int, float), float, "{:.15g}".format)


def _size(low: int, high: int) -> Kind:
    expected = f"a size from {format_size(low)} to {format_size(high)} such as 512KiB, 5MiB or 1GB"
    return Kind("SIZE", expected, _number(low, high, int), parse_size, format_size)


def _duration(low: float, high: float) -> Kind:
    expected = f"a duration from {format_duration(low)} to {format_duration(high)} such as 500ms, 30s or 1h30m"
    return Kind("DURATION", expected, _number(low, high, int, float), parse_duration, format_duration)


def _choice(*words: str) -> Kind:
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


_host: Final = Kind("ADDRESS", "an IP address or a host name", _is_host, str, str)
_origins: Final = Kind(
    "ORIGIN",
    "* or origins as the log shows them, such as https://example.org, http://localhost:5173, null or file://",
    _are_origins,
    _split,
    ",".join,
)
_ancestors: Final = Kind(
    "ORIGIN",
    "* or addresses without a path, such as https://example.org, http://192.168.1.5:8123 or https://*.example.org",
    _are_ancestors,
    _split,
    ",".join,
)
_networks: Final = Kind(
    "CIDR",
    "unix, or addresses and networks such as 127.0.0.1, 10.0.0.0/8 or fd00::/8 (no bit set behind the prefix)",
    _are_networks,
    _split,
    ",".join,
)
_hosts: Final = Kind(
    "HOST",
    "* or names and addresses without a port, such as cams.example.org or 192.0.2.10",
    _are_hosts,
    _split,
    ",".join,
)
_switch: Final = Kind("BOOLEAN", "true or false", lambda value: isinstance(value, bool), _parse_switch, _format_switch)
_folder: Final = Kind("FOLDER", "the path of a folder", _is_path, str, str)
_groups: Final = Kind(
    "GROUP=CAMERA", "entries such as outdoor=yard-* or outdoor=front-door", _are_groups, _split, ",".join
)
_ageing: Final = Kind(
    "AGE:RATE",
    "entries such as 1d:1/s or 7d:1/10s, each for older recordings and fewer frames than the one before",
    _are_ageing_rules,
    _split,
    ",".join,
)
_file: Final = Kind("FILE", "the path of a file", _is_path, str, str)
_grants: Final = Kind(
    "GROUP=ACTION",
    "entries such as admins=admin, family=view or guards=history:yard-*",
    _are_grants,
    _split,
    ",".join,
)
_recording_rules: Final = Kind(
    "RULE",
    "rules such as yard-*=off or 'front-door=events pre_roll=10s fps=5', or a table for each camera, glob or @group",
    _are_recording_rules,
    _split,
    ",".join,
    rules_of_table,
)
_text: Final = Kind(
    "TEXT", "a text without spaces", lambda value: isinstance(value, str) and " " not in value, str, str
)
_key_source: Final = Kind(
    "ADDRESS",
    "an address that begins with https:// (http:// only on this machine), or the path of a file",
    _is_key_source,
    str,
    str,
)
_engine: Final = Kind("ADDRESS", EXPECTED_ENGINE, _is_engine, str, str, is_secret=True)
_base_url: Final = Kind(
    "URL", "an address without a path, such as http://10.0.0.5:8080", _is_base_url, lambda text: text.rstrip("/"), str
)
_algorithms: Final = Kind("NAME", f"one or more of {', '.join(JWT_ALGORITHMS)}", _are_algorithms, _split, ",".join)
_any_rate: Final = Kind("FPS", "a number from 0 to 1000", _number(0, 1000, int, float), float, "{:.15g}".format)
_share: Final = Kind("SHARE", "a number from 0 to 1", _number(0, 1, int, float), float, "{:.15g}".format)
_roll: Final = _duration(0, MAX_ROLL)
FEW_FRAMES: Final = 16
"""Frames that a ring keeps if no setting says how many."""
_RING_MARGIN: Final = 2.0
"""Seconds that a ring keeps beyond the time before events, so that no frame leaves it too soon."""
_MAX_FRAMES: Final = 100_000
_WAIT: Final = _duration(0.001, 3600)


def _setting(default: Any, kind: Kind, help: str) -> Any:  # noqa: A002  (what click and argparse call it, too)
    def check(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not kind.allows(value):
            got = mask_address(str(value)) if kind.is_secret else value
            raise ConfigurationError(f"{attribute.name}: expected {kind.expected}, got {got!r}")

    return attrs.field(default=default, validator=check, metadata={"kind": kind, "help": help}, repr=not kind.is_secret)


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of the server; durations are in seconds, sizes are in bytes.

    Raises:
        ConfigurationError: a value is not allowed, or two contradict each other.
    """

    host: str = _setting(
        "127.0.0.1", _host, "Address to listen on; 0.0.0.0 for all of IPv4, :: for all of IPv4 and IPv6."
    )
    port: int = _setting(8080, _whole(0, 65535), "TCP port to listen on; 0 takes any free one.")
    tls_cert: str = _setting(
        "",
        _file,
        "PEM file with the certificate and those of its issuers, to serve https; none for http.",
    )
    tls_key: str = _setting(
        "", _file, "PEM file with the private key of the certificate; none if the file of the certificate has it."
    )
    tls_self_signed: bool = _setting(
        False,  # noqa: FBT003 - the default value
        _switch,
        "Serve https with a certificate that the server makes itself, for its names and addresses.",
    )
    http_redirect_port: int = _setting(
        0, _whole(0, 65535), "TCP port at which http is redirected to https; 0 for none."
    )
    buffer_size: int | Literal["auto"] = _setting(
        "auto",
        _whole_or_auto(1, _MAX_FRAMES),
        "Most frames to keep for each camera; auto is 16, or 100000 if their age or bytes are limited.",
    )
    buffer_seconds: float = _setting(
        0.0,
        _duration(0, 86400),
        "How long to keep frames, except the newest of each camera; 0 for no limit.",
    )
    buffer_bytes: int = _setting(
        0,
        _size(0, 1024 * _GIBI),
        "Most bytes of frames to keep for each camera, at least one frame; 0 for no limit.",
    )
    max_frame_size: int = _setting(5 * _MEBI, _size(1, _GIBI), "Largest frame that a camera may send.")
    max_memory: int = _setting(
        _GIBI,
        _size(1, 1024 * _GIBI),
        "Bytes to hold for all peers: frames, unfinished messages, unsent bytes; old frames give way first.",
    )
    max_fps: float = _setting(
        60.0,
        _rate(0.01, 1000),
        "Frames a second to accept from one camera; those above it are dropped and counted.",
    )
    idle_fps: float = _setting(
        0.2,
        _rate(0.01, 1000),
        "Frames a second to request from a camera that nobody watches.",
    )
    max_cameras: int = _setting(10_000, _whole(1, 1_000_000), "Most cameras that the server knows at the same time.")
    max_connections: int = _setting(16_384, _whole(1, 1_000_000), "Most connections that are open at the same time.")
    cleanup_interval: float = _setting(30.0, _WAIT, "How often to look for cameras to forget.")
    client_timeout: float = _setting(
        120.0,
        _duration(0.001, 30 * 86400),
        "How long to keep a camera that has left, with its frames; a camera that posts them is kept longer.",
    )
    viewer_format: Literal["envelope", "json"] = _setting(
        "envelope", _choice("envelope", "json"), "Format for viewers on /stream/ws that request none."
    )
    cors_origins: tuple[str, ...] = _setting(
        (), _origins, "Origin whose pages may use the API and open WebSockets, besides the server's own; * allows all."
    )
    frame_ancestors: tuple[str, ...] = _setting(
        (), _ancestors, "Origin whose pages may show the web pages in a frame, besides the server's own; * allows all."
    )
    allowed_hosts: tuple[str, ...] = _setting(
        (), _hosts, "Host name that requests may be for, besides this machine's own; * allows all."
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), _networks, "Address of a proxy that says truly where its clients are and what they asked for."
    )
    open: bool = _setting(
        False,  # noqa: FBT003 - the default value
        _switch,
        "Let every client do everything, even if there are rules.",
    )
    state_dir: str = _setting(
        "",
        _folder,
        "Folder for keys, users, certificates; by default $STATE_DIRECTORY or ~/.local/state/skysentry-trio.",
    )
    admin_key_file: str = _setting(
        "", _file, "File with the key of an administrator; by default $CREDENTIALS_DIRECTORY/admin-key."
    )
    groups: tuple[str, ...] = _setting(
        (), _groups, "Camera id or glob that belongs to a group, for rules that name @GROUP."
    )
    header_sign_on: bool = _setting(
        False,  # noqa: FBT003 - the default value
        _switch,
        "Believe Remote-User and Remote-Groups of trusted proxies, which sign people in.",
    )
    group_grants: tuple[str, ...] = _setting((), _grants, "What the members of a group of an identity provider may do.")
    jwt_issuer: str = _setting("", _text, "Accept JWTs of this issuer; if empty, none.")
    jwt_audience: str = _setting("", _text, "Audience that a JWT must be for.")
    jwt_keys: str = _setting("", _key_source, "Where the public keys of the issuer are.")
    jwt_algorithms: tuple[str, ...] = _setting(
        ("RS256", "ES256", "EdDSA"), _algorithms, "Algorithm with which a JWT may be signed."
    )
    handshake_timeout: float = _setting(5.0, _WAIT, "How long a peer may take to send the head of its request.")
    registration_timeout: float = _setting(10.0, _WAIT, "How long a camera may take to register after connecting.")
    write_timeout: float = _setting(
        10.0, _WAIT, "How long a peer may take for 64 KiB that it is sent; a slower one is cut."
    )
    ping_interval: float = _setting(20.0, _WAIT, "How often to ping WebSockets; proxies cut idle ones after 60s.")
    ping_timeout: float = _setting(20.0, _WAIT, "How long to wait for the answer to a ping.")
    shutdown_grace: float = _setting(2.0, _duration(0, 3600), "How long peers have to leave when the server stops.")
    history: str = _setting("", _folder, "Folder to record cameras in; nothing is recorded without it.")
    history_mode: Literal["off", "continuous", "events"] = _setting(
        "continuous",
        _choice(*RecordingMode),
        "When to record: always and more around events, only around events, or only what history_rules says.",
    )
    history_fps: float = _setting(
        1.0, _any_rate, "Frames a second to record of each camera between events; 0 for all frames."
    )
    history_event_fps: float = _setting(
        0.0, _any_rate, "Frames a second to record of each camera around events; 0 for all frames."
    )
    history_width: int = _setting(
        0, _whole(0, 65_535), "Most pixels of width to request from cameras for recordings; 0 for no limit."
    )
    history_pre_roll: float = _setting(
        5.0, _roll, "How long before an event its recording begins, from the frames that the server has got."
    )
    history_pre_roll_fps: float = _setting(
        0.0, _any_rate, "Frames a second to request all the time, because of the time before events; 0 for none more."
    )
    history_post_roll: float = _setting(5.0, _roll, "How long after an event its recording ends.")
    history_motion: float = _setting(
        0.0, _share, "Share of the picture whose change, as the camera sees it, is an event; 0 for none, 0.01 is usual."
    )
    history_result_score: float = _setting(
        0.0, _share, "Score from which on a box of a detection result is an event; 0 for none."
    )
    history_rules: tuple[str, ...] = _setting(
        (), _recording_rules, "How to record some cameras; the first rule that names a camera counts."
    )
    history_age: float = _setting(
        7 * 86400.0,
        _duration(0, 100 * 365 * 86400),
        "How long to keep recordings, for example 30d; 0 for no limit.",
    )
    history_ageing: tuple[str, ...] = _setting(
        (), _ageing, "From which age on recordings keep how many frames, for example 7d:1/10s; events keep all."
    )
    history_bytes: int = _setting(
        0, _size(0, 1024 * 1024 * _GIBI), "Most bytes of recordings to keep, of all cameras; 0 for no limit."
    )
    history_camera_bytes: int = _setting(
        0, _size(0, 1024 * 1024 * _GIBI), "Most bytes of recordings to keep of each camera; 0 for no limit."
    )
    history_min_free: int = _setting(
        _GIBI,
        _size(0, 1024 * 1024 * _GIBI),
        "Bytes to leave free on the volume of the recordings; old recordings give way, then recording pauses.",
    )
    history_export_bytes: int = _setting(
        10 * _GIBI, _size(0, 1024 * 1024 * _GIBI), "Most bytes of exports that wait to be fetched, for a day at most."
    )
    history_sync: float = _setting(
        10.0, _WAIT, "How often to make the disk keep what was recorded: the most that a power cut may cost."
    )
    cluster: str = _setting(
        "",
        _engine,
        "Redis or Valkey that makes several servers one, such as redis://10.0.0.2; none for a server alone.",
    )
    node_url: str = _setting(
        "", _base_url, "Where the other servers of the cluster reach this one; by default the address it listens on."
    )
    cluster_secret_file: str = _setting(
        "", _file, "File with the secret that the servers of a cluster share; by default the engine keeps one."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", _choice("debug", "info", "warning", "error"), "Least severe events to log."
    )
    log_format: Literal["auto", "text", "json"] = _setting(
        "auto", _choice("auto", "text", "json"), "How to log; auto means text on a terminal, else JSON lines."
    )

    def __attrs_post_init__(self) -> None:
        if self.max_memory < self.max_frame_size:
            raise ConfigurationError(
                f"max_memory: expected at least max_frame_size ({format_size(self.max_frame_size)}), "
                f"got {format_size(self.max_memory)}"
            )
        if self.tls_key and not self.tls_cert:
            raise ConfigurationError("tls_key: expected tls_cert with it, got no certificate")
        if self.tls_cert and self.tls_self_signed:
            raise ConfigurationError("tls_self_signed: expected one kind of certificate, got tls_cert too")
        if self.http_redirect_port and not self.is_tls:
            raise ConfigurationError("http_redirect_port: expected tls_cert or tls_self_signed with it, got neither")
        if self.header_sign_on and not self.trusted_proxies:
            raise ConfigurationError("header_sign_on: expected trusted_proxies with it, got no proxy")
        for name in ("node_url", "cluster_secret_file"):
            if getattr(self, name) and not self.cluster:
                raise ConfigurationError(f"{name}: expected cluster with it, got none")
        missing = [name for name in ("jwt_issuer", "jwt_audience", "jwt_keys") if not getattr(self, name)]
        if missing and len(missing) < 3:
            given = next(name for name in ("jwt_issuer", "jwt_audience", "jwt_keys") if name not in missing)
            raise ConfigurationError(f"{given}: expected {' and '.join(missing)} with it, got nothing")
        if self.http_redirect_port and self.http_redirect_port == self.port:
            raise ConfigurationError(
                f"http_redirect_port: expected a port other than port, got {self.http_redirect_port} for both"
            )

    @property
    def is_tls(self) -> bool:
        """Whether the server has a certificate."""
        return bool(self.tls_cert) or self.tls_self_signed

    @property
    def ring_capacity(self) -> int:
        """Most frames that a ring may hold: `buffer_size`, or the number that ``auto`` means."""
        if self.buffer_size != "auto":
            return self.buffer_size
        if self.buffer_seconds or self.buffer_bytes:
            return _MAX_FRAMES
        return FEW_FRAMES + math.ceil(self.ring_seconds * self.max_fps)

    @property
    def ring_seconds(self) -> float:
        """How long a ring keeps frames besides the newest 16, so that the time before an event can be recorded.

        0 if this is not needed, or if other settings say how much rings keep.
        """
        says_how_much = self.buffer_size != "auto" or self.buffer_seconds or self.buffer_bytes
        longest = max(rule.hold for rule in self.recording_rules().every())
        return 0.0 if says_how_much or not self.history or not longest else longest + _RING_MARGIN

    def recording_rules(self) -> RecordingRules:
        """Return how each camera is recorded."""
        default = RecordingRule(
            RecordingMode(self.history_mode),
            self.history_fps,
            self.history_event_fps,
            self.history_width,
            self.history_pre_roll,
            self.history_pre_roll_fps,
            self.history_post_roll,
            self.history_motion,
            self.history_result_score,
        )
        return RecordingRules.parse(default, self.history_rules, parse_groups(self.groups))


def kind_of(setting: attrs.Attribute[Any]) -> Kind:
    """Return the `Kind` of value that a field of `Settings` has."""
    kind: Kind = setting.metadata["kind"]
    return kind
