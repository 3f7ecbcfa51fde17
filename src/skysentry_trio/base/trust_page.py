"""How to make a device trust the authority of this machine: a page with steps for each system, and the files for it."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping
from html import escape
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from skysentry_trio.base.languages import LANGUAGES
from skysentry_trio.base.local_authority import fingerprint
from skysentry_trio.base.plain_style import PLAIN_STYLE
from skysentry_trio.base.trust_words import BINARY, ENGLISH, PROFILE, TEXT
from skysentry_trio.base.trust_words_de import GERMAN

PAGE: Final = "index.html"
STYLE: Final = "trust.css"
CONTENT_TYPES: Final[Mapping[str, str]] = {
    PAGE: "text/html; charset=utf-8",
    STYLE: "text/css; charset=utf-8",
    PROFILE: "application/x-apple-aspen-config",
    BINARY: "application/x-x509-ca-cert",
    TEXT: "application/x-pem-file",
}
"""Content types of the files, by name."""
_WORDS: Final = {"en": ENGLISH, "de": GERMAN}
_PAGE: Final = """\
<!doctype html>
<html lang="{language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta name="color-scheme" content="light dark">
    <title>{title} · SkySentry</title>
    <link rel="stylesheet" href="{style}">
  </head>
  <body>
    <main>
{before}
{sections}
{after}
    </main>
  </body>
</html>
"""
SYSTEMS: Final = ("ios", "android", "windows", "macos", "linux")
"""The ids of the sections about each system, in the order of their words; other pages show these sections too."""
_SECTION: Final = """\
      <section id="{id}">
      <h2>{system}</h2>
      <p><a class="button button--main" href="{file}" download>{action}</a></p>
      <ol>
{steps}
      </ol>
      </section>
"""
_STYLE: Final = f"""\
{PLAIN_STYLE}\
section {{
  margin-top: 1rem; padding: 1.25rem; border: 1px solid var(--line); border-radius: 10px; background: var(--surface);
}}
li + li {{ margin-top: 0.375rem; }}
ol {{ margin: 0.75rem 0 0; padding-left: 1.5rem; }}
.fingerprint {{ user-select: all; }}
"""


def trust_files(authority: bytes, *, base: str = "", language: str = LANGUAGES[0]) -> dict[str, bytes]:
    """Return the page and the files that it links to, by name.

    Args:
        authority: the certificate of the authority in PEM form.
        base: what the page puts before the names of the files, such as ``trust/``.
        language: language of the page, one of `LANGUAGES`.
    """
    certificate = x509.load_pem_x509_certificate(authority)
    return {
        PAGE: _render(certificate, base, language).encode(),
        STYLE: _STYLE.encode(),
        PROFILE: _profile(certificate),
        BINARY: certificate.public_bytes(Encoding.DER),
        TEXT: certificate.public_bytes(Encoding.PEM),
    }


def name_of(certificate: x509.Certificate) -> str:
    """Return the name by which devices list the authority."""
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _render(certificate: x509.Certificate, base: str, language: str) -> str:
    words = _WORDS[language]
    name = escape(name_of(certificate))
    sections = "".join(
        _SECTION.format(
            id=section,
            system=system,
            file=f"{base}{file}",
            action=action,
            steps="\n".join(f"        <li>{step.format(name=name, binary=BINARY)}</li>" for step in steps),
        )
        for section, (system, file, action, steps) in zip(SYSTEMS, words.steps, strict=True)
    )
    before = words.before.format(
        name=name,
        end=f"{certificate.not_valid_after_utc:%Y-%m-%d}",
        # People compare it byte for byte, so no line ends within one.
        fingerprint=fingerprint(certificate).replace(":", ":<wbr>"),
    )
    return _PAGE.format(
        language=language,
        title=words.title,
        style=f"{base}{STYLE}",
        before=before.rstrip("\n"),
        sections=sections.rstrip("\n"),
        after=words.after.rstrip("\n"),
    )


def _profile(certificate: x509.Certificate) -> bytes:
    """Return the certificate as a configuration profile, from which iOS and macOS install it."""
    print_ = fingerprint(certificate)
    name = name_of(certificate)
    inner, outer = (str(uuid5(NAMESPACE_URL, f"skysentry:{print_}:{kind}")).upper() for kind in ("root", "profile"))
    root = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"io.skysentry.trust.{inner}",
        "PayloadUUID": inner,
        "PayloadDisplayName": name,
        "PayloadCertificateFileName": BINARY,
        "PayloadContent": certificate.public_bytes(Encoding.DER),
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"io.skysentry.trust.{outer}",
        "PayloadUUID": outer,
        "PayloadDisplayName": name,
        "PayloadDescription": f"Lets this device trust the camera server. SHA-256 fingerprint: {print_}",
        "PayloadContent": [root],
    }
    return plistlib.dumps(profile)
