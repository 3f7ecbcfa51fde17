"""Identity providers: what the settings turn on, and that nothing is open because of them."""

from __future__ import annotations

import builtins
import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.principal import NOBODY, Action
from skysentry_trio.server.access.gate import Gate
from skysentry_trio.server.access.start import prepare_access
from skysentry_trio.server.settings import Settings
from skysentry_trio.wire.request_head import RequestHead

LOOPBACK = [("127.0.0.1", 8080)]
KEY = ECKey.generate_key("P-256", {"kid": "ec"})
SIGN_ON: dict[str, Any] = {
    "trusted_proxies": ("127.0.0.1",),
    "header_sign_on": True,
    "group_grants": ("family=view:@outdoor",),
    "groups": ("outdoor=yard-*",),
}


def head(method: str = "GET", **headers: str) -> RequestHead:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestHead(method, "/api/clients", "", fields, 100)


def gate_of(folder: Path, **settings: Any) -> Gate:
    setup = prepare_access(Settings(state_dir=str(folder), **settings), LOOPBACK)
    return Gate(setup.access, setup.sign_on)


async def test_a_person_of_a_trusted_proxy_has_the_rights_of_the_groups(tmp_path: Path) -> None:
    """Also on loopback, where a server without rules would be open to everybody."""
    gate = gate_of(tmp_path, **SIGN_ON)
    person = {"remote_user": "ann", "remote_groups": "family"}
    found = await gate.identify(head(**person), is_from_proxy=True)

    assert (found.principal.name, found.principal.kind) == ("ann", "header")
    assert found.principal.rights.allow(Action.VIEW, "yard-1")
    assert not found.principal.rights.allow(Action.VIEW, "hall")
    assert gate.access.holds(found.principal)
    assert (await gate.identify(head(), is_from_proxy=True)).principal is NOBODY


async def test_the_headers_of_others_do_not_count(tmp_path: Path) -> None:
    """Neither from elsewhere, nor if the operator has not turned this on."""
    person = {"remote_user": "ann", "remote_groups": "family"}
    assert (await gate_of(tmp_path, **SIGN_ON).identify(head(**person))).principal is NOBODY

    without = gate_of(tmp_path, **{**SIGN_ON, "header_sign_on": False})
    without.access.is_open = False
    assert (await without.identify(head(**person), is_from_proxy=True)).principal is NOBODY


async def test_a_key_counts_more_than_the_headers_and_must_be_valid(tmp_path: Path) -> None:
    """A program says exactly what it means, and every credential that is presented must count."""
    gate = gate_of(tmp_path, **SIGN_ON)
    wrong = head(remote_user="ann", remote_groups="family", authorization="Bearer sky_wrong")

    found = await gate.identify(wrong, is_from_proxy=True)
    assert found.denial is not None
    assert found.denial.code == "unauthenticated"


async def test_a_foreign_page_changes_nothing_for_a_person_of_a_proxy(tmp_path: Path) -> None:
    """The browser sends what the proxy asks for with every request, also with those of foreign pages."""
    gate = gate_of(tmp_path, **SIGN_ON)
    for method, is_denied in (("POST", True), ("DELETE", True), ("GET", False)):
        asked = head(method, remote_user="ann")
        found = await gate.identify(asked, is_from_proxy=True, is_from_named_origin=False)
        assert (found.denial is not None) == is_denied
    assert (await gate.identify(head("POST", remote_user="ann"), is_from_proxy=True)).denial is None


async def test_a_token_of_the_provider_counts(tmp_path: Path) -> None:
    """Its keys come from a file or an address; the server without keys of its own is closed to all others."""
    (tmp_path / "keys.json").write_text(json.dumps(KeySet([KEY]).as_dict(private=False)))
    gate = gate_of(
        tmp_path,
        jwt_issuer="https://id.example",
        jwt_audience="sky",
        jwt_keys=str(tmp_path / "keys.json"),
        group_grants=("family=view",),
    )
    claims = {"iss": "https://id.example", "aud": "sky", "sub": "1", "exp": int(time.time()) + 60, "groups": ["family"]}
    token = jwt.encode({"alg": "ES256", "kid": "ec"}, claims, KEY)

    found = await gate.identify(head(authorization=f"Bearer {token}"))
    assert (found.principal.name, found.principal.kind) == ("1", "jwt")
    assert found.principal.rights.allow(Action.VIEW, "any")
    assert (await gate.identify(head())).principal is NOBODY
    with pytest.raises(ProtocolViolation, match="expected a key"):
        await gate.access.verify_token("anything")


def test_without_joserfc_the_operator_learns_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, and not when the first token comes."""
    original = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.endswith("access.jwt"):
            raise ImportError("No module named 'joserfc'")
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigurationError, match=r"skysentry-trio\[jwt\]"):
        gate_of(tmp_path, jwt_issuer="a", jwt_audience="b", jwt_keys="c")


def test_an_open_server_stays_open(tmp_path: Path) -> None:
    """The operator has said so."""
    assert gate_of(tmp_path, open=True, **SIGN_ON).access.is_open
