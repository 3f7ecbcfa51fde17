"""Every setting of the server in one place: the name, the default, the limits and the help text of each setting.

The command line, the environment, the TOML file, ``config show`` and docs/reference/settings.md all use the fields of
`Settings`. To add a setting, add one field.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import attrs

from skysentry_trio.base.addresses import mask_address
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.principal import parse_groups
from skysentry_trio.base.recording_rules import (
    RecordingMode,
    RecordingRule,
    RecordingRules,
)
from skysentry_trio.base.units import format_size
from skysentry_trio.server import setting_kinds as kinds

_MEBI: Final = 1024**2
_GIBI: Final = 1024**3
FEW_FRAMES: Final = 16
"""Frames that a ring keeps if no setting says how many."""
_RING_MARGIN: Final = 2.0
"""Seconds that a ring keeps beyond the time before events, so that no frame leaves it too soon."""
_MAX_FRAMES: Final = 100_000


def _setting(default: Any, kind: kinds.Kind, help: str) -> Any:  # noqa: A002  (what click and argparse call it, too)
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
        "127.0.0.1", kinds.HOST, "Address to listen on; 0.0.0.0 for all of IPv4, :: for all of IPv4 and IPv6."
    )
    port: int = _setting(8080, kinds.whole(0, 65535), "TCP port to listen on; 0 takes any free one.")
    tls_cert: str = _setting(
        "",
        kinds.FILE,
        "PEM file with the certificate and those of its issuers, to serve https; none for http.",
    )
    tls_key: str = _setting(
        "", kinds.FILE, "PEM file with the private key of the certificate; none if the file of the certificate has it."
    )
    tls_self_signed: bool = _setting(
        False,  # noqa: FBT003 - the default value
        kinds.SWITCH,
        "Serve https with a certificate that the server makes itself, for its names and addresses.",
    )
    http_redirect_port: int = _setting(
        0, kinds.whole(0, 65535), "TCP port at which http is redirected to https; 0 for none."
    )
    buffer_size: int | Literal["auto"] = _setting(
        "auto",
        kinds.whole_or_auto(1, _MAX_FRAMES),
        "Most frames to keep for each camera; auto is 16, or 100000 if their age or bytes are limited.",
    )
    buffer_seconds: float = _setting(
        0.0,
        kinds.duration(0, 86400),
        "How long to keep frames, except the newest of each camera; 0 for no limit.",
    )
    buffer_bytes: int = _setting(
        0,
        kinds.size(0, 1024 * _GIBI),
        "Most bytes of frames to keep for each camera, at least one frame; 0 for no limit.",
    )
    max_frame_size: int = _setting(5 * _MEBI, kinds.size(1, _GIBI), "Largest frame that a camera may send.")
    max_memory: int = _setting(
        _GIBI,
        kinds.size(1, 1024 * _GIBI),
        "Bytes to hold for all peers: frames, unfinished messages, unsent bytes; old frames give way first.",
    )
    max_fps: float = _setting(
        60.0,
        kinds.rate(0.01, 1000),
        "Frames a second to accept from one camera; those above it are dropped and counted.",
    )
    idle_fps: float = _setting(
        0.2,
        kinds.rate(0.01, 1000),
        "Frames a second to request from a camera that nobody watches.",
    )
    max_cameras: int = _setting(
        10_000, kinds.whole(1, 1_000_000), "Most cameras that the server knows at the same time."
    )
    max_connections: int = _setting(
        16_384, kinds.whole(1, 1_000_000), "Most connections that are open at the same time."
    )
    cleanup_interval: float = _setting(30.0, kinds.WAIT, "How often to look for cameras to forget.")
    client_timeout: float = _setting(
        120.0,
        kinds.duration(0.001, 30 * 86400),
        "How long to keep a camera that has left, with its frames; a camera that posts them is kept longer.",
    )
    viewer_format: Literal["envelope", "json"] = _setting(
        "envelope", kinds.choice("envelope", "json"), "Format for viewers on /stream/ws that request none."
    )
    cors_origins: tuple[str, ...] = _setting(
        (),
        kinds.ORIGINS,
        "Origin whose pages may use the API and open WebSockets, besides the server's own; * allows all.",
    )
    frame_ancestors: tuple[str, ...] = _setting(
        (),
        kinds.ANCESTORS,
        "Origin whose pages may show the web pages in a frame, besides the server's own; * allows all.",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        (), kinds.HOSTS, "Host name that requests may be for, besides this machine's own; * allows all."
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), kinds.NETWORKS, "Address of a proxy that says truly where its clients are and what they asked for."
    )
    open: bool = _setting(
        False,  # noqa: FBT003 - the default value
        kinds.SWITCH,
        "Let every client do everything, even if there are rules.",
    )
    state_dir: str = _setting(
        "",
        kinds.FOLDER,
        "Folder for keys, users, certificates; by default $STATE_DIRECTORY or ~/.local/state/skysentry-trio.",
    )
    admin_key_file: str = _setting(
        "", kinds.FILE, "File with the key of an administrator; by default $CREDENTIALS_DIRECTORY/admin-key."
    )
    groups: tuple[str, ...] = _setting(
        (), kinds.GROUPS, "Camera id or glob that belongs to a group, for rules that name @GROUP."
    )
    header_sign_on: bool = _setting(
        False,  # noqa: FBT003 - the default value
        kinds.SWITCH,
        "Believe Remote-User and Remote-Groups of trusted proxies, which sign people in.",
    )
    group_grants: tuple[str, ...] = _setting(
        (), kinds.GRANTS, "What the members of a group of an identity provider may do."
    )
    jwt_issuer: str = _setting("", kinds.TEXT, "Accept JWTs of this issuer; if empty, none.")
    jwt_audience: str = _setting("", kinds.TEXT, "Audience that a JWT must be for.")
    jwt_keys: str = _setting("", kinds.KEY_SOURCE, "Where the public keys of the issuer are.")
    jwt_algorithms: tuple[str, ...] = _setting(
        ("RS256", "ES256", "EdDSA"), kinds.ALGORITHMS, "Algorithm with which a JWT may be signed."
    )
    handshake_timeout: float = _setting(5.0, kinds.WAIT, "How long a peer may take to send the head of its request.")
    registration_timeout: float = _setting(10.0, kinds.WAIT, "How long a camera may take to register after connecting.")
    write_timeout: float = _setting(
        10.0, kinds.WAIT, "How long a peer may take for 64 KiB that it is sent; a slower one is cut."
    )
    ping_interval: float = _setting(20.0, kinds.WAIT, "How often to ping WebSockets; proxies cut idle ones after 60s.")
    ping_timeout: float = _setting(20.0, kinds.WAIT, "How long to wait for the answer to a ping.")
    shutdown_grace: float = _setting(
        2.0, kinds.duration(0, 3600), "How long peers have to leave when the server stops."
    )
    history: str = _setting("", kinds.FOLDER, "Folder to record cameras in; nothing is recorded without it.")
    history_mode: Literal["off", "continuous", "events"] = _setting(
        "continuous",
        kinds.choice(*RecordingMode),
        "When to record: always and more around events, only around events, or only what history_rules says.",
    )
    history_fps: float = _setting(
        1.0, kinds.ANY_RATE, "Frames a second to record of each camera between events; 0 for all frames."
    )
    history_event_fps: float = _setting(
        0.0, kinds.ANY_RATE, "Frames a second to record of each camera around events; 0 for all frames."
    )
    history_width: int = _setting(
        0, kinds.whole(0, 65_535), "Most pixels of width to request from cameras for recordings; 0 for no limit."
    )
    history_pre_roll: float = _setting(
        5.0, kinds.ROLL, "How long before an event its recording begins, from the frames that the server has got."
    )
    history_pre_roll_fps: float = _setting(
        0.0,
        kinds.ANY_RATE,
        "Frames a second to request all the time, because of the time before events; 0 for none more.",
    )
    history_post_roll: float = _setting(5.0, kinds.ROLL, "How long after an event its recording ends.")
    history_motion: float = _setting(
        0.0,
        kinds.SHARE,
        "Share of the picture whose change, as the camera sees it, is an event; 0 for none, 0.01 is usual.",
    )
    history_result_score: float = _setting(
        0.0, kinds.SHARE, "Score from which on a box of a detection result is an event; 0 for none."
    )
    history_rules: tuple[str, ...] = _setting(
        (), kinds.RECORDING_RULES, "How to record some cameras; the first rule that names a camera counts."
    )
    history_age: float = _setting(
        7 * 86400.0,
        kinds.duration(0, 100 * 365 * 86400),
        "How long to keep recordings, for example 30d; 0 for no limit.",
    )
    history_ageing: tuple[str, ...] = _setting(
        (), kinds.AGEING, "From which age on recordings keep how many frames, for example 7d:1/10s; events keep all."
    )
    history_bytes: int = _setting(
        0, kinds.size(0, 1024 * 1024 * _GIBI), "Most bytes of recordings to keep, of all cameras; 0 for no limit."
    )
    history_camera_bytes: int = _setting(
        0, kinds.size(0, 1024 * 1024 * _GIBI), "Most bytes of recordings to keep of each camera; 0 for no limit."
    )
    history_min_free: int = _setting(
        _GIBI,
        kinds.size(0, 1024 * 1024 * _GIBI),
        "Bytes to leave free on the volume of the recordings; old recordings give way, then recording pauses.",
    )
    history_export_bytes: int = _setting(
        10 * _GIBI,
        kinds.size(0, 1024 * 1024 * _GIBI),
        "Most bytes of exports that wait to be fetched, for a day at most.",
    )
    history_sync: float = _setting(
        10.0, kinds.WAIT, "How often to make the disk keep what was recorded: the most that a power cut may cost."
    )
    cluster: str = _setting(
        "",
        kinds.ENGINE,
        "Redis or Valkey that makes several servers one, such as redis://10.0.0.2; none for a server alone.",
    )
    node_url: str = _setting(
        "",
        kinds.BASE_URL,
        "Where the other servers of the cluster reach this one; by default the address it listens on.",
    )
    cluster_secret_file: str = _setting(
        "", kinds.FILE, "File with the secret that the servers of a cluster share; by default the engine keeps one."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", kinds.choice("debug", "info", "warning", "error"), "Least severe events to log."
    )
    log_format: Literal["auto", "text", "json"] = _setting(
        "auto", kinds.choice("auto", "text", "json"), "How to log; auto means text on a terminal, else JSON lines."
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


def kind_of(setting: attrs.Attribute[Any]) -> kinds.Kind:
    """Return the `Kind` of value that a field of `Settings` has."""
    kind: kinds.Kind = setting.metadata["kind"]
    return kind
