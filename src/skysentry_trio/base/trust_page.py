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

from skysentry_trio.base.local_authority import fingerprint

PAGE: Final = "index.html"
STYLE: Final = "trust.css"
PROFILE: Final = "skysentry.mobileconfig"
BINARY: Final = "skysentry-authority.crt"
TEXT: Final = "skysentry-authority.pem"
CONTENT_TYPES: Final[Mapping[str, str]] = {
    PAGE: "text/html; charset=utf-8",
    STYLE: "text/css; charset=utf-8",
    PROFILE: "application/x-apple-aspen-config",
    BINARY: "application/x-x509-ca-cert",
    TEXT: "application/x-pem-file",
}
"""Content types of the files, by name."""
_STEPS: Final = (
    (
        "iPhone and iPad",
        PROFILE,
        "Load the profile",
        (
            "Tap <em>Load the profile</em>, and allow the download.",
            "Open <em>Settings → General → VPN &amp; Device Management</em>, tap the profile, then <em>Install</em>.",
            (
                "Open <em>Settings → General → About → Certificate Trust Settings</em>, and switch on <em>{name}</em>. "
                "Without this second step, the device still does not trust it."
            ),
        ),
    ),
    (
        "Android",
        BINARY,
        "Load the certificate",
        (
            "Tap <em>Load the certificate</em>.",
            "Open <em>Settings</em>, search for <em>CA certificate</em>, and choose <em>Install anyway</em>.",
            "Choose the file {binary} among the downloads.",
        ),
    ),
    (
        "Windows",
        BINARY,
        "Load the certificate",
        (
            "Open the file, and choose <em>Install Certificate</em>.",
            (
                "Choose <em>Current User</em>, then <em>Place all certificates in the following store</em>, and there "
                "<em>Trusted Root Certification Authorities</em>."
            ),
            "Compare the fingerprint with the one above, confirm, and start the browser again.",
        ),
    ),
    (
        "macOS",
        PROFILE,
        "Load the profile",
        (
            "Open the file. macOS says that a profile was added.",
            (
                "Open <em>System Settings → General → Device Management</em>, open the profile, and choose "
                "<em>Install</em>."
            ),
        ),
    ),
    (
        "Linux",
        TEXT,
        "Load the certificate",
        (
            (
                "Chrome: open <em>chrome://certificate-manager</em>, then <em>Installed by you → Import</em> under "
                "<em>Trusted certificates</em>."
            ),
            (
                "Firefox, on any system: <em>Settings → Privacy &amp; Security → View Certificates → Authorities → "
                "Import</em>, and tick <em>identify websites</em>."
            ),
            (
                "Programs: copy the file to <code>/usr/local/share/ca-certificates/skysentry.crt</code>, and run "
                "<code>sudo update-ca-certificates</code>. <code>skysentry-trio</code> takes it as "
                "<code>--tls-ca FILE</code>."
            ),
        ),
    ),
)
_PAGE: Final = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta name="color-scheme" content="light dark">
    <title>Trust this server · SkySentry</title>
    <link rel="stylesheet" href="{style}">
  </head>
  <body>
    <main>
      <h1>Let this device trust the server</h1>
      <p>The server made its certificate itself, so browsers warn of it. Do the steps for your system once. Then the
      warning does not come again, and the live connection works in every browser.</p>
      <p>The authority is called <strong>{name}</strong>. It is valid until {end}, and it can certify only names and
      addresses of local networks and of this machine, no public web site.</p>
      <p>Fingerprint (SHA-256):</p>
      <p><code class="fingerprint">{fingerprint}</code></p>
      <p>On the machine of the server, <code>skysentry-trio tls show</code> prints the same. If the two differ, someone
      is between you and the server: do not continue.</p>
{sections}
      <h2>Without these steps</h2>
      <p>You can also go past the warning of the browser. Then the connection is encrypted too, but nobody has checked
      who is at its other end. Anyone in the same network could be in between and see the pictures. Some browsers,
      such as Safari on the iPhone, then refuse the live connection, and send pictures more slowly.</p>
    </main>
  </body>
</html>
"""
_SECTION: Final = """\
      <h2>{system}</h2>
      <p><a class="file" href="{file}" download>{action}</a></p>
      <ol>
{steps}
      </ol>
"""
_STYLE: Final = """\
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 42rem; margin: 0 auto; padding: 1rem 1rem 3rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.fingerprint { overflow-wrap: anywhere; user-select: all; }
.file { display: inline-block; padding: 0.6rem 1rem; border: 1px solid; border-radius: 0.5rem; }
"""


def trust_files(authority: bytes, *, base: str = "") -> dict[str, bytes]:
    """Return the page and the files that it links to, by name.

    Args:
        authority: the certificate of the authority in PEM form.
        base: what the page puts before the names of the files, such as ``trust/``.
    """
    certificate = x509.load_pem_x509_certificate(authority)
    return {
        PAGE: _render(certificate, base).encode(),
        STYLE: _STYLE.encode(),
        PROFILE: _profile(certificate),
        BINARY: certificate.public_bytes(Encoding.DER),
        TEXT: certificate.public_bytes(Encoding.PEM),
    }


def name_of(certificate: x509.Certificate) -> str:
    """Return the name by which devices list the authority."""
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _render(certificate: x509.Certificate, base: str) -> str:
    name = escape(name_of(certificate))
    sections = "".join(
        _SECTION.format(
            system=system,
            file=f"{base}{file}",
            action=action,
            steps="\n".join(f"        <li>{step.format(name=name, binary=BINARY)}</li>" for step in steps),
        )
        for system, file, action, steps in _STEPS
    )
    return _PAGE.format(
        style=f"{base}{STYLE}",
        name=name,
        end=f"{certificate.not_valid_after_utc:%Y-%m-%d}",
        fingerprint=fingerprint(certificate),
        sections=sections.rstrip("\n"),
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
