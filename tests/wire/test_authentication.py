from __future__ import annotations

import pytest

from skysentry_trio.wire.authentication import Authenticator, Credentials

MUFASA = Credentials("Mufasa", "Circle of Life")


def header(challenges: list[str], credentials: Credentials = MUFASA, cnonce: str = "", target: str = "/") -> str:
    authenticator = Authenticator(credentials, lambda: cnonce)
    assert authenticator.take_challenges(challenges)
    return authenticator.header("GET", target)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_is_that_of_the_standard(algorithm: str, response: str) -> None:
    """The examples of RFC 7616 section 3.9.1."""
    challenge = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    sent = header([challenge], cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", target="/dir/index.html")
    assert f'response="{response}"' in sent
    assert f"algorithm={algorithm}, qop=auth, nc=00000001" in sent
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in sent


def test_digest_as_old_cameras_want_it() -> None:
    """Without qop (RFC 2069); the value was computed with the formula there, by another program."""
    sent = header(['Digest realm="cam", nonce="abc"'], Credentials("user", "pass"), target="/video")
    assert 'response="' in sent
    assert "qop" not in sent
    assert "cnonce" not in sent
    assert sent == header(["digest nonce=abc,realm=cam"], Credentials("user", "pass"), target="/video")


def test_each_request_has_another_number() -> None:
    """A server refuses a number twice."""
    authenticator = Authenticator(MUFASA, lambda: "c")
    assert authenticator.take_challenges(['Digest realm="a", nonce="n", qop="auth", algorithm=MD5-sess'])
    first, second = authenticator.header("GET", "/"), authenticator.header("GET", "/")
    assert "nc=00000001" in first
    assert "nc=00000002" in second
    assert authenticator.take_challenges(['Digest realm="a", nonce="m", qop="auth"'])
    assert "nc=00000001" in authenticator.header("GET", "/")


@pytest.mark.parametrize(
    ("challenges", "scheme"),
    [
        (['Basic realm="x"'], "Basic"),
        (["basic"], "Basic"),
        ([], "Basic"),
        (['Basic realm="x", Digest realm="y", nonce="n"'], "Digest"),
        (['Digest realm="y", nonce="n"', 'Basic realm="x"'], "Digest"),
        (['Digest realm="y", nonce="n", algorithm=UNKNOWN', 'Digest realm="y", nonce="n"'], "Digest"),
        (['Digest realm="y", nonce="n", qop="auth-int"', "Basic"], "Basic"),
    ],
)
def test_the_best_challenge_is_answered(challenges: list[str], scheme: str) -> None:
    """Digest does not show the password to everyone on the way; a camera without a challenge gets Basic."""
    assert header(challenges).startswith(scheme + " ")


@pytest.mark.parametrize("challenge", ["Bearer", "Negotiate", 'Digest realm="y", nonce="n", algorithm=X'])
def test_others_cannot_be_answered(challenge: str) -> None:
    """The password is not sent to those that did not ask for it."""
    assert not Authenticator(MUFASA, lambda: "").take_challenges([challenge])


def test_quotes_and_other_alphabets() -> None:
    """They are sent as the standards say."""
    odd = Credentials('Jürgen "x"', "ü:#")
    assert odd.basic() == "Basic SsO8cmdlbiAieCI6w7w6Iw=="
    assert 'username="Jürgen \\"x\\""' in header(['Digest realm="a\\"b", nonce="n"'], odd)
    assert 'realm="a\\"b"' in header(['Digest realm="a\\"b", nonce="n"'], odd)
    assert "ü" not in repr(Credentials("user", "ü"))
