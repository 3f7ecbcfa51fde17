"""The page that helps devices to trust the authority, and its files."""

from __future__ import annotations

import plistlib
import re
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from skysentry_trio.base.languages import LANGUAGES
from skysentry_trio.base.local_authority import Names, create_authority, fingerprint
from skysentry_trio.base.trust_page import CONTENT_TYPES, PAGE, name_of, trust_files
from skysentry_trio.base.trust_words import BINARY, PROFILE, TEXT

AUTHORITY = create_authority(Names(("localhost", "attic"), (ip_address("127.0.0.1"),)))
CERTIFICATE = AUTHORITY.parsed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("base", ["", "trust/"])
def test_every_link_of_the_page_is_a_file(base: str, language: str) -> None:
    """The page works below /trust and in a folder, and every file has a content type."""
    files = trust_files(AUTHORITY.certificate, base=base, language=language)
    links = set(re.findall(r'href="([^"]+)"', files[PAGE].decode()))
    assert links == {f"{base}{name}" for name in files if name != PAGE}
    assert files.keys() == CONTENT_TYPES.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_names_the_authority_and_its_fingerprint(language: str) -> None:
    """People compare it with what the terminal shows, and find the name in the settings of their device."""
    page = trust_files(AUTHORITY.certificate, language=language)[PAGE].decode()
    assert f'<html lang="{language}">' in page
    assert fingerprint(CERTIFICATE) in page.replace("<wbr>", "")
    assert name_of(CERTIFICATE) in page
    for system in ("iPhone", "Android", "Windows", "macOS", "Linux"):
        assert system in page
    assert "{" not in page


def test_the_files_hold_the_certificate() -> None:
    """As DER, as PEM, and in a profile for Apple's systems; never the key."""
    files = trust_files(AUTHORITY.certificate)
    assert x509.load_der_x509_certificate(files[BINARY]) == CERTIFICATE
    assert x509.load_pem_x509_certificate(files[TEXT]) == CERTIFICATE
    profile = plistlib.loads(files[PROFILE])
    (root,) = profile["PayloadContent"]
    assert root["PayloadType"] == "com.apple.security.root"
    assert root["PayloadContent"] == CERTIFICATE.public_bytes(Encoding.DER)
    assert profile["PayloadUUID"] != root["PayloadUUID"]
    assert not any(b"PRIVATE" in content for content in files.values())


def test_the_profile_is_the_same_each_time() -> None:
    """A device that loads it again replaces the first one."""
    assert trust_files(AUTHORITY.certificate)[PROFILE] == trust_files(AUTHORITY.certificate)[PROFILE]
