"""What a request's head presents is read as browsers and programs send it."""

from __future__ import annotations

from base64 import b64encode

import pytest

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.wire.presented import PresentedCredentials, read_credentials


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "query", "presented"),
    [
        ({}, "", PresentedCredentials()),
        ({"authorization": "Bearer sky_x"}, "", PresentedCredentials(token="sky_x")),
        ({"authorization": "bearer  sky_x "}, "", PresentedCredentials(token="sky_x")),
        ({"authorization": basic("ann:a:b")}, "", PresentedCredentials(user="ann", password="a:b")),
        ({"authorization": basic("ann:")}, "", PresentedCredentials(user="ann", password="")),
        ({"cookie": "a=1; skysentry_session=t; b=2"}, "", PresentedCredentials(cookie="t")),
        ({"cookie": "skysentry_session=t; __Host-skysentry_session=u"}, "", PresentedCredentials(cookie="u")),
        ({"cookie": "skysentry_session"}, "", PresentedCredentials()),
        ({}, "client=a&link=lnk_x.y", PresentedCredentials(link="lnk_x.y")),
        ({}, "blink=1", PresentedCredentials()),
    ],
)
def test_each_kind_is_found(headers: dict[str, str], query: str, presented: PresentedCredentials) -> None:
    """Bearer, Basic, the cookie, and the link in the query."""
    assert read_credentials(headers, query) == presented


@pytest.mark.parametrize(
    "header", ["Digest username=x", "Basic !", "Basic " + b64encode(b"no colon").decode(), "Basic /w=="]
)
def test_what_cannot_be_read_is_refused(header: str) -> None:
    """A credential that is presented must count, so it is not ignored; the error has nothing of it."""
    with pytest.raises(ProtocolViolation) as refused:
        read_credentials({"authorization": header}, "")
    assert refused.value.code == "unauthenticated"
    assert header.partition(" ")[2] not in str(refused.value)


def test_secrets_are_not_shown() -> None:
    """A log that shows the object shows the user at most."""
    shown = repr(PresentedCredentials("t0ken", "ann", "passw0rd", "c00kie", "l1nk"))
    assert not [secret for secret in ("t0ken", "passw0rd", "c00kie", "l1nk") if secret in shown]
