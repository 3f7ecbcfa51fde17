"""Tokens of an identity provider: which are accepted, and what their bearers may do."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.group_grants import GroupGrants
from skysentry_trio.base.principal import Action, Principal
from skysentry_trio.server.access.jwt import JwtVerifier
from skysentry_trio.server.access.jwt_keys import KeyCache

NOW = 1_800_000_000
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
STRANGE = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example/",
    "aud": "skysentry",
    "sub": "42",
    "exp": NOW + 300,
    "name": "Ann",
    "groups": ["family", "staff"],
}


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def make_verifier(algorithms: tuple[str, ...] = ("ES256", "RS256")) -> JwtVerifier:
    async def fetch() -> bytes:
        return json.dumps(KeySet([EC, RSA]).as_dict(private=False)).encode()

    grants = GroupGrants.parse(("family=view:yard-*", "admins=admin"), {"outdoor": ["porch"]})
    return JwtVerifier("https://id.example/", "skysentry", algorithms, KeyCache(fetch), grants, now=lambda: NOW)


def sign(claims: dict[str, Any], key: Key = EC, alg: str = "ES256", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": key.kid, **header}, claims, key, algorithms=[alg])


async def verify(claims: dict[str, Any], key: Key = EC, alg: str = "ES256", **header: Any) -> Principal:
    principal = await make_verifier().verify(sign(claims, key, alg, **header))
    assert principal is not None
    return principal


@pytest.mark.parametrize(("key", "alg"), [(EC, "ES256"), (RSA, "RS256")])
async def test_a_bearer_has_the_rights_of_the_groups_until_the_token_expires(key: Key, alg: str) -> None:
    """The same table as for people who sign in at a proxy."""
    principal = await verify(CLAIMS, key, alg)

    assert (principal.name, principal.kind, principal.identity) == ("Ann", "jwt", "jwt:42")
    assert principal.expires_at == NOW + 300
    assert principal.rights.allow(Action.VIEW, "yard-1")
    assert not principal.rights.allow(Action.VIEW, "porch")


async def test_a_token_may_contain_the_grants() -> None:
    """In a claim of our own; both are added."""
    principal = await verify({**CLAIMS, "skysentry": {"publish": ["door"], "view": ["@outdoor"]}})

    assert principal.rights.allow(Action.PUBLISH, "door")
    assert principal.rights.allow(Action.VIEW, "porch")
    assert principal.rights.allow(Action.VIEW, "yard-1")
    assert not principal.rights.allow(Action.VIEW, "door")


@pytest.mark.parametrize(
    ("change", "name"),
    [({"name": None, "preferred_username": "ann"}, "ann"), ({"name": ""}, "42"), ({"name": "A\nb"}, "A_b")],
)
async def test_a_bearer_has_a_name_for_the_log(change: dict[str, Any], name: str) -> None:
    """The most readable one that the token has, without line breaks."""
    assert (await verify({**CLAIMS, **change})).name == name


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"iss": "https://other.example/"}, id="another issuer"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"aud": "other"}, id="another audience"),
        pytest.param({"aud": ["other", "another"]}, id="other audiences"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"exp": NOW}, id="expired"),
        pytest.param({"exp": NOW - 1000}, id="expired long ago"),
        pytest.param({"exp": None}, id="no end"),
        pytest.param({"exp": "never"}, id="an end that is no time"),
        pytest.param({"exp": float("inf")}, id="an infinite end"),
        pytest.param({"exp": float("nan")}, id="an end that is no number"),
        pytest.param({"nbf": NOW + 100}, id="not valid yet"),
        pytest.param({"iat": NOW + 100}, id="issued in the future"),
        pytest.param({"sub": None}, id="no subject"),
        pytest.param({"sub": 42}, id="a subject that is no text"),
        pytest.param({"groups": "family"}, id="groups that are no list"),
        pytest.param({"skysentry": {"watch": ["*"]}}, id="an action that does not exist"),
        pytest.param({"skysentry": {"view": ["a b"]}}, id="a camera that cannot exist"),
        pytest.param({"skysentry": {"view": "*"}}, id="cameras that are no list"),
        pytest.param({"skysentry": ["view"]}, id="grants that are no object"),
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(change: dict[str, Any]) -> None:
    """A token for somebody else, for another time, or with what we do not understand."""
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    with pytest.raises(ProtocolViolation) as caught:
        await verify(claims)
    assert caught.value.code == "unauthenticated"


async def test_an_audience_may_be_one_of_several() -> None:
    """Providers write a list."""
    assert (await verify({**CLAIMS, "aud": ["other", "skysentry"]})).name == "Ann"


async def test_a_signature_by_another_key_is_refused() -> None:
    """Also if the other key has the same name."""
    with pytest.raises(ProtocolViolation, match="not valid here"):
        await make_verifier().verify(sign(CLAIMS, STRANGE))


async def test_a_key_that_does_not_exist_is_refused() -> None:
    """The token names it, and the provider does not have it."""
    with pytest.raises(ProtocolViolation, match="not valid here"):
        await make_verifier().verify(sign(CLAIMS, EC, kid="other"))


async def test_only_the_algorithms_of_the_operator_count() -> None:
    """Not what the token says: no signature, a shared secret made of the public key, another algorithm."""
    head, _, rest = sign(CLAIMS).partition(".")
    unsigned = encode(b'{"alg":"none","kid":"ec"}') + "." + rest
    secretly = encode(b'{"alg":"HS256","kid":"ec"}') + "." + rest.partition(".")[0]
    shared = f"{secretly}.{encode(hmac.digest(EC.as_pem(private=False), secretly.encode(), 'sha256'))}"
    for token in (shared, unsigned, sign(CLAIMS, RSA, "PS256"), sign(CLAIMS, RSA, "RS512")):
        with pytest.raises(ProtocolViolation, match="expected a token signed with ES256 or RS256"):
            await make_verifier().verify(token)
    with pytest.raises(ProtocolViolation, match="expected a token signed with RS256, got 'ES256'"):
        await make_verifier(("RS256",)).verify(f"{head}.{rest}")


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_changed_token_is_refused(part: int) -> None:
    """Wherever one character of it is changed."""
    parts = sign(CLAIMS).split(".")
    parts[part] = parts[part][:10] + ("A" if parts[part][10] != "A" else "B") + parts[part][11:]
    with pytest.raises(ProtocolViolation) as caught:
        await make_verifier().verify(".".join(parts))
    assert caught.value.code == "unauthenticated"


@pytest.mark.parametrize("token", ["", "sky_abc", "eyJhbGciOiJIUzI1NiJ9", "a.b.c", "eyJh.b.c.d", "eyJ\u00fc.b.c"])
async def test_other_texts_are_left_to_others(token: str) -> None:
    """Keys and links have other forms."""
    assert await make_verifier().verify(token) is None


@pytest.mark.parametrize(
    "head", [b"{", b"[]", b"{}", b'{"alg":1}', b'{"alg":"ES256","kid":[]}', b'{"a":' + b"[" * 5000]
)
async def test_a_head_that_cannot_be_read_is_refused(head: bytes) -> None:
    """Strangers write it, so it is read before anything else and without trust."""
    token = encode(head)
    token = (token if token.startswith("eyJ") else "eyJ" + token) + ".e30.AA"
    with pytest.raises(ProtocolViolation) as caught:
        await make_verifier().verify(token)
    assert caught.value.code == "unauthenticated"


async def test_a_very_long_token_is_refused() -> None:
    """Before any work is done for it."""
    with pytest.raises(ProtocolViolation, match="12288 characters"):
        await make_verifier().verify("eyJ" + "a" * 20_000 + ".a.a")


@given(st.text(alphabet="eyJabc0_-.", max_size=80), st.sampled_from([0, 1, 2]))
async def test_no_text_raises_another_error(noise: str, part: int) -> None:
    """Whatever comes is refused."""
    parts = sign(CLAIMS).split(".")
    parts[part] = "eyJ" + noise.replace(".", "")
    try:
        assert await make_verifier().verify(".".join(parts)) is None
    except ProtocolViolation as violation:
        assert violation.code == "unauthenticated"  # noqa: PT017 - some texts raise nothing
