"""The words of the page about trusting the authority, in German."""

from __future__ import annotations

from typing import Final

from skysentry_trio.base.trust_words import BINARY, PROFILE, TEXT, TrustWords

GERMAN: Final = TrustWords(
    title="Diesem Server vertrauen",
    before="""\
      <h1>Dieses Gerät soll dem Server vertrauen</h1>
      <p>Der Server hat sein Zertifikat selbst erstellt, deshalb warnen Browser davor. Die Schritte für das eigene
      System einmal ausführen. Danach kommt die Warnung nicht mehr, und die Live-Verbindung geht in jedem Browser.</p>
      <p>Die Zertifizierungsstelle heißt <strong>{name}</strong>. Sie gilt bis {end} und kann nur Namen und Adressen
      lokaler Netze und dieses Rechners beglaubigen, keine öffentliche Website.</p>
      <p>Fingerabdruck (SHA-256):</p>
      <p><code class="fingerprint">{fingerprint}</code></p>
      <p>Auf dem Rechner des Servers zeigt <code>skysentry-trio tls show</code> denselben Fingerabdruck. Wenn sich die
      beiden unterscheiden, ist jemand zwischen diesem Gerät und dem Server: dann nicht fortfahren.</p>
""",
    steps=(
        (
            "iPhone und iPad",
            PROFILE,
            "Profil laden",
            (
                "Auf <em>Profil laden</em> tippen und den Download erlauben.",
                (
                    "<em>Einstellungen → Allgemein → VPN und Geräteverwaltung</em> öffnen, auf das Profil tippen, dann "
                    "auf <em>Installieren</em>."
                ),
                (
                    "<em>Einstellungen → Allgemein → Info → Zertifikatsvertrauenseinstellungen</em> öffnen und "
                    "<em>{name}</em> einschalten. Ohne diesen zweiten Schritt vertraut das Gerät noch nicht."
                ),
            ),
        ),
        (
            "Android",
            BINARY,
            "Zertifikat laden",
            (
                "Auf <em>Zertifikat laden</em> tippen.",
                (
                    "Die <em>Einstellungen</em> öffnen, nach <em>CA-Zertifikat</em> suchen und <em>Trotzdem "
                    "installieren</em> wählen."
                ),
                "Bei den Downloads die Datei {binary} wählen.",
            ),
        ),
        (
            "Windows",
            BINARY,
            "Zertifikat laden",
            (
                "Die Datei öffnen und <em>Zertifikat installieren</em> wählen.",
                (
                    "<em>Aktueller Benutzer</em> wählen, dann <em>Alle Zertifikate in folgendem Speicher "
                    "speichern</em> und dort <em>Vertrauenswürdige Stammzertifizierungsstellen</em>."
                ),
                "Den Fingerabdruck mit dem auf dieser Seite vergleichen, bestätigen und den Browser neu starten.",
            ),
        ),
        (
            "macOS",
            PROFILE,
            "Profil laden",
            (
                "Die Datei öffnen. macOS meldet, dass ein Profil hinzugefügt wurde.",
                (
                    "<em>Systemeinstellungen → Allgemein → Geräteverwaltung</em> öffnen, dort das Profil öffnen und "
                    "<em>Installieren</em> wählen."
                ),
            ),
        ),
        (
            "Linux",
            TEXT,
            "Zertifikat laden",
            (
                (
                    "Chrome: <em>chrome://certificate-manager</em> öffnen, dann <em>Von dir installiert → "
                    "Importieren</em> unter <em>Vertrauenswürdige Zertifikate</em>."
                ),
                (
                    "Firefox, auf jedem System: <em>Einstellungen → Datenschutz &amp; Sicherheit → Zertifikate "
                    "anzeigen → Zertifizierungsstellen → Importieren</em>; den Haken bei <em>Websites</em> setzen."
                ),
                (
                    "Programme: Die Datei nach <code>/usr/local/share/ca-certificates/skysentry.crt</code> kopieren "
                    "und <code>sudo update-ca-certificates</code> aufrufen. <code>skysentry-trio</code> nimmt sie als "
                    "<code>--tls-ca FILE</code>."
                ),
            ),
        ),
    ),
    after="""\
      <h2>Ohne diese Schritte</h2>
      <p>Die Warnung des Browsers lässt sich auch übergehen. Dann ist die Verbindung ebenfalls verschlüsselt, aber
      niemand hat geprüft, wer am anderen Ende ist. Jeder im selben Netz könnte dazwischen sein und die Bilder sehen.
      Manche Browser, etwa Safari auf dem iPhone, lehnen dann die Live-Verbindung ab und senden Bilder langsamer.</p>
""",
)
