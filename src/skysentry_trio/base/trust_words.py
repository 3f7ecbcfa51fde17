"""The words of the page about trusting the authority, in English."""

from __future__ import annotations

from typing import Final

from attrs import frozen

PROFILE: Final = "skysentry.mobileconfig"
BINARY: Final = "skysentry-authority.crt"
TEXT: Final = "skysentry-authority.pem"


@frozen
class TrustWords:
    """The words in one language; ``{name}`` and other fields are filled in by the page."""

    title: str
    before: str
    """What is above the steps, as HTML."""
    steps: tuple[tuple[str, str, str, tuple[str, ...]], ...]
    """For each system: its name, the file to load, the words on its link, and the steps as HTML."""
    after: str
    """What is below the steps, as HTML."""


ENGLISH: Final = TrustWords(
    title="Trust this server",
    before="""\
      <h1>Let this device trust the server</h1>
      <p>The server made its certificate itself, so browsers warn of it. Do the steps for your system once. Then the
      warning does not come again, and the live connection works in every browser.</p>
      <p>The authority is called <strong>{name}</strong>. It is valid until {end}, and it can certify only names and
      addresses of local networks and of this machine, no public web site.</p>
      <p>Fingerprint (SHA-256):</p>
      <p><code class="fingerprint">{fingerprint}</code></p>
      <p>On the machine of the server, <code>skysentry-trio tls show</code> prints the same. If the two differ, someone
      is between you and the server: do not continue.</p>
""",
    steps=(
        (
            "iPhone and iPad",
            PROFILE,
            "Load the profile",
            (
                "Tap <em>Load the profile</em>, and allow the download.",
                (
                    "Open <em>Settings → General → VPN &amp; Device Management</em>, tap the profile, then "
                    "<em>Install</em>."
                ),
                (
                    "Open <em>Settings → General → About → Certificate Trust Settings</em>, and switch on "
                    "<em>{name}</em>. Without this second step, the device still does not trust it."
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
                    "Choose <em>Current User</em>, then <em>Place all certificates in the following store</em>, and "
                    "there <em>Trusted Root Certification Authorities</em>."
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
    ),
    after="""\
      <h2>Without these steps</h2>
      <p>You can also go past the warning of the browser. Then the connection is encrypted too, but nobody has checked
      who is at its other end. Anyone in the same network could be in between and see the pictures. Some browsers,
      such as Safari on the iPhone, then refuse the live connection, and send pictures more slowly.</p>
""",
)
