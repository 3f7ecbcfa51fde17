from __future__ import annotations

import subprocess
import sys
from typing import Any

import attrs
import pytest

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.server.settings import Settings, kind_of


def test_the_defaults_are_those_we_promise() -> None:
    """An operator who sets nothing gets what the documentation says."""
    assert attrs.asdict(Settings()) == {
        "host": "127.0.0.1",
        "port": 8080,
        "tls_cert": "",
        "tls_key": "",
        "tls_self_signed": False,
        "http_redirect_port": 0,
        "buffer_size": "auto",
        "buffer_seconds": 0,
        "buffer_bytes": 0,
        "max_frame_size": 5 * 1024 * 1024,
        "max_memory": 1024 * 1024 * 1024,
        "max_fps": 60,
        "idle_fps": 0.2,
        "max_cameras": 10_000,
        "max_connections": 16_384,
        "cleanup_interval": 30,
        "client_timeout": 120,
        "viewer_format": "envelope",
        "cors_origins": (),
        "frame_ancestors": (),
        "allowed_hosts": (),
        "trusted_proxies": (),
        "header_sign_on": False,
        "group_grants": (),
        "jwt_issuer": "",
        "jwt_audience": "",
        "jwt_keys": "",
        "jwt_algorithms": ("RS256", "ES256", "EdDSA"),
        "open": False,
        "state_dir": "",
        "admin_key_file": "",
        "groups": (),
        "history": "",
        "history_mode": "continuous",
        "history_fps": 1,
        "history_event_fps": 0,
        "history_width": 0,
        "history_pre_roll": 5,
        "history_pre_roll_fps": 0,
        "history_post_roll": 5,
        "history_motion": 0,
        "history_result_score": 0,
        "history_rules": (),
        "history_age": 7 * 86400,
        "history_ageing": (),
        "history_camera_bytes": 0,
        "history_export_bytes": 10 * 1024**3,
        "history_bytes": 0,
        "history_min_free": 1024 * 1024 * 1024,
        "history_sync": 10,
        "handshake_timeout": 5,
        "registration_timeout": 10,
        "write_timeout": 10,
        "ping_interval": 20,
        "ping_timeout": 20,
        "shutdown_grace": 2,
        "cluster": "",
        "node_url": "",
        "cluster_secret_file": "",
        "log_level": "info",
        "log_format": "auto",
    }


def test_settings_do_not_change_while_the_server_runs() -> None:
    """Settings are facts: nobody can set one afterwards."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("setting", attrs.fields(Settings), ids=lambda setting: setting.name)
def test_each_default_survives_writing_and_reading(setting: attrs.Attribute[Any]) -> None:
    """What `config show` prints can be fed back."""
    kind = kind_of(setting)
    assert setting.default == kind.read(kind.format(setting.default))


@pytest.mark.parametrize("setting", attrs.fields(Settings), ids=lambda setting: setting.name)
def test_each_setting_is_explained_in_one_sentence(setting: attrs.Attribute[Any]) -> None:
    """Help is made from these sentences, so none may be missing or run on."""
    sentence = setting.metadata["help"]
    assert sentence.endswith(".")
    assert sentence.count(". ") + 1 == 1
    assert len(sentence) <= 100


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("host", "::1", "::1"),
        ("host", "fe80::1%eth0", "fe80::1%eth0"),
        ("port", "0", 0),
        ("port", 65535, 65535),
        ("buffer_size", "auto", "auto"),
        ("buffer_size", "32", 32),
        ("buffer_size", 32, 32),
        ("buffer_seconds", "1m", 60),
        ("buffer_bytes", "0", 0),
        ("max_frame_size", "512KiB", 524288),
        ("max_frame_size", 1000, 1000),
        ("max_fps", "29.97", 29.97),
        ("max_fps", 30, 30),
        ("client_timeout", "1h30m", 5400),
        ("client_timeout", 2, 2),
        ("shutdown_grace", "0", 0),
        ("viewer_format", "json", "json"),
        ("cors_origins", "", ()),
        ("cors_origins", "*", ("*",)),
        ("cors_origins", "https://a.example, http://localhost:5173", ("https://a.example", "http://localhost:5173")),
        ("cors_origins", ["http://[::1]:8080"], ("http://[::1]:8080",)),
        ("cors_origins", ["capacitor://localhost"], ("capacitor://localhost",)),
        ("cors_origins", "null, file://, http://esp/path", ("null", "file://", "http://esp/path")),
        ("cors_origins", ("http://a", "http://b,http://c"), ("http://a", "http://b", "http://c")),
        ("frame_ancestors", "*", ("*",)),
        ("allowed_hosts", "cams.example, 192.0.2.1", ("cams.example", "192.0.2.1")),
        ("trusted_proxies", "unix,127.0.0.1,fd00::/8", ("unix", "127.0.0.1", "fd00::/8")),
        ("history_rules", "yard-*=events fps=5,attic=off", ("yard-*=events fps=5", "attic=off")),
        ("history_rules", {"yard-*": {"mode": "events", "fps": 5}}, ("yard-*=mode=events fps=5",)),
        ("group_grants", "admins=admin, family=view:@outdoor", ("admins=admin", "family=view:@outdoor")),
        ("jwt_keys", "https://id.example/jwks.json", "https://id.example/jwks.json"),
        ("jwt_keys", "http://127.0.0.1:8080/keys", "http://127.0.0.1:8080/keys"),
        ("jwt_keys", "/etc/keys.json", "/etc/keys.json"),
        ("jwt_algorithms", "ES256", ("ES256",)),
        ("frame_ancestors", ("https://ha.example:8123/", "*"), ("https://ha.example:8123/", "*")),
        (
            "frame_ancestors",
            "http://192.168.1.5:8123, https://*.example, http://localhost:*, capacitor://localhost",
            ("http://192.168.1.5:8123", "https://*.example", "http://localhost:*", "capacitor://localhost"),
        ),
    ],
)
def test_values_are_read_from_text_and_from_toml(name: str, raw: object, value: object) -> None:
    """Text is parsed, TOML's numbers and lists are taken as they are."""
    setting = getattr(attrs.fields(Settings), name)
    assert value == kind_of(setting).read(raw)


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("host", "", "an IP address or a host name"),
        ("host", "bad host\n", "an IP address or a host name"),
        ("host", 7, "an IP address or a host name"),
        ("port", "http", "a whole number from 0 to 65535"),
        ("port", "65536", "a whole number from 0 to 65535"),
        ("port", -1, "a whole number from 0 to 65535"),
        ("port", True, "a whole number from 0 to 65535"),
        ("port", 80.5, "a whole number from 0 to 65535"),
        ("buffer_size", "0", "auto or a whole number from 1 to 100000"),
        ("buffer_size", "all", "auto or a whole number from 1 to 100000"),
        ("buffer_seconds", "25h", "a duration from 0s to 24h such as 500ms, 30s or 1h30m"),
        ("buffer_bytes", "-1", "a size from 0B to 1TiB such as 512KiB, 5MiB or 1GB"),
        ("max_fps", "0", "a number from 0.01 to 1000"),
        ("max_fps", "nan", "a number from 0.01 to 1000"),
        ("max_frame_size", "5 parsecs", "a size from 1B to 1GiB such as 512KiB, 5MiB or 1GB"),
        ("max_frame_size", 5.5, "a size from 1B to 1GiB such as 512KiB, 5MiB or 1GB"),
        ("ping_interval", "0s", "a duration from 1ms to 1h such as 500ms, 30s or 1h30m"),
        ("ping_interval", float("inf"), "a duration from 1ms to 1h such as 500ms, 30s or 1h30m"),
        ("client_timeout", "721h", "a duration from 1ms to 720h such as 500ms, 30s or 1h30m"),
        ("viewer_format", "jpeg", "envelope or json"),
        ("log_level", "loud", "debug, info, warning or error"),
        ("cors_origins", "example.org", "* or origins as the log shows them"),
        ("cors_origins", "https://*.example.org", "* or origins as the log shows them"),
        ("cors_origins", [1], "* or origins as the log shows them"),
        ("cors_origins", 1, "* or origins as the log shows them"),
        ("frame_ancestors", "ha.example", "* or addresses without a path"),
        ("frame_ancestors", "'none'", "* or addresses without a path"),
        ("frame_ancestors", "null", "* or addresses without a path"),
        ("frame_ancestors", "https://ha.example/lovelace", "* or addresses without a path"),
        ("frame_ancestors", "http://[::1]:8123", "* or addresses without a path"),
        ("frame_ancestors", "https://a.example; script-src *", "* or addresses without a path"),
        ("frame_ancestors", "https://a.example\r\nX-Injected: 1", "* or addresses without a path"),
        ("frame_ancestors", "https://u:p@a.example", "* or addresses without a path"),
        ("allowed_hosts", "a.example:80", "* or names and addresses without a port"),
        ("allowed_hosts", "*.example", "* or names and addresses without a port"),
        ("trusted_proxies", "proxy.example", "unix, or addresses and networks"),
        ("trusted_proxies", "10.0.0.5/8", "unix, or addresses and networks"),
        ("trusted_proxies", [1], "unix, or addresses and networks"),
        ("group_grants", "family", "entries such as admins=admin"),
        ("group_grants", "family=watch", "entries such as admins=admin"),
        ("jwt_issuer", "https://id.example /", "a text without spaces"),
        ("jwt_keys", "http://id.example/keys", "an address that begins with https://"),
        ("jwt_keys", "http://localhost.example/keys", "an address that begins with https://"),
        ("jwt_keys", "ftp://localhost/keys", "an address that begins with https://"),
        ("jwt_algorithms", "HS256", "one or more of RS256"),
        ("jwt_algorithms", "none", "one or more of RS256"),
        ("jwt_algorithms", "", "one or more of RS256"),
    ],
)
def test_other_values_are_refused_with_what_was_expected(name: str, raw: object, expected: str) -> None:
    """The message says what would have been right, and what came instead."""
    setting = getattr(attrs.fields(Settings), name)
    with pytest.raises(ValueError, match="expected") as caught:
        kind_of(setting).read(raw)
    assert str(caught.value).startswith(f"expected {expected}")
    assert str(caught.value).endswith(f", got {raw!r}")


@pytest.mark.parametrize(
    ("name", "raw", "shown"),
    [
        ("cors_origins", ["https://a.example", "b.example"], "'b.example'"),
        ("frame_ancestors", ["https://a.example", 1], "1"),
        ("history_rules", {"yard": "off", "door": {"fsp": 5}}, "'door=fsp=5'"),
        ("history_ageing", ["7d:1/10s", "1d:1/m"], "['7d:1/10s', '1d:1/m']"),
    ],
)
def test_of_many_entries_of_a_file_the_wrong_one_is_shown(name: str, raw: object, shown: str) -> None:
    """Of entries that are wrong only together, all are shown."""
    with pytest.raises(ValueError, match="expected") as caught:
        kind_of(getattr(attrs.fields(Settings), name)).read(raw)
    assert str(caught.value).endswith(f", got {shown}")


def test_a_program_that_makes_settings_is_told_the_same() -> None:
    """Settings made without any text are held to the same limits."""
    with pytest.raises(ConfigurationError, match=r"^port: expected a whole number from 0 to 65535, got 70000$"):
        Settings(port=70_000)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"header_sign_on": True}, "header_sign_on: expected trusted_proxies with it, got no proxy"),
        ({"jwt_issuer": "a"}, "jwt_issuer: expected jwt_audience and jwt_keys with it, got nothing"),
        ({"jwt_issuer": "a", "jwt_audience": "b"}, "jwt_issuer: expected jwt_keys with it, got nothing"),
        ({"jwt_keys": "a"}, "jwt_keys: expected jwt_issuer and jwt_audience with it, got nothing"),
    ],
)
def test_identity_providers_need_several_settings(given: dict[str, Any], told: str) -> None:
    """Half of them would let nobody in, or everybody."""
    with pytest.raises(ConfigurationError, match=f"^{told}$"):
        Settings(**given)


def test_the_memory_must_hold_one_frame() -> None:
    """Rings that could not keep one frame of allowed size contradict the limit of a frame."""
    with pytest.raises(ConfigurationError, match=r"^max_memory: expected at least max_frame_size \(5MiB\), got 1MiB$"):
        Settings(max_memory=1024 * 1024)


@pytest.mark.parametrize(
    ("chosen", "capacity"),
    [
        ({}, 16),
        ({"buffer_seconds": 30}, 100_000),
        ({"buffer_bytes": 10}, 100_000),
        ({"buffer_size": 5, "buffer_seconds": 30, "buffer_bytes": 10}, 5),
    ],
)
def test_a_ring_is_bounded_in_frames_unless_something_else_bounds_it(chosen: dict[str, Any], capacity: int) -> None:
    """Who asks for 30 seconds gets them, not 16 frames; who gives a number gets no more than that."""
    assert Settings(**chosen).ring_capacity == capacity


def test_settings_come_without_trio() -> None:
    """Tools that only read settings need not load an event loop."""
    program = "import sys, skysentry_trio.server.settings; sys.exit('trio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_tls_settings_need_a_certificate() -> None:
    """A key or a redirect without a certificate is a mistake, and so is one port for both."""
    with pytest.raises(ConfigurationError, match=r"^tls_key: expected tls_cert with it"):
        Settings(tls_key="key.pem")
    with pytest.raises(ConfigurationError, match=r"^http_redirect_port: expected tls_cert or tls_self_signed with it"):
        Settings(http_redirect_port=80)
    with pytest.raises(ConfigurationError, match=r"^tls_self_signed: expected one kind of certificate"):
        Settings(tls_cert="cert.pem", tls_self_signed=True)
    with pytest.raises(ConfigurationError, match=r"^http_redirect_port: expected a port other than port"):
        Settings(tls_cert="cert.pem", port=8443, http_redirect_port=8443)
