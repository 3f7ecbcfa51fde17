"""The words of the page about trusting the authority, in German."""

from __future__ import annotations

from typing import Final

from skysentry_trio.base.trust_words import BINARY, PROFILE, TEXT, TrustWords

GERMAN: Final = TrustWords(
    title="Diesem Server vertrauen",
    before="""\
      <h1>Dieses Gerät soll dem Server vertrauen</h1>
      <p>Der Server hat sein Zertifikat selbst erstellt, deshalb warnen Browser davor. Führen Sie die Schritte für Ihr
      System einmal aus. Danach kommt die Warnung nicht mehr, und die Live-Verbindung funktioniert in jedem Browser.</p>
      <p>Die Zertifizierungsstelle heißt <strong>{name}</strong>. Sie gilt bis {end} und kann nur Namen und Adressen
      lokaler Netze und dieses Rechners beglaubigen, keine öffentliche Website.</p>
      <p>Fingerabdruck (SHA-256):</p>
      <p><code class="fingerprint">{fingerprint}</code></p>
      <p>Auf dem Rechner des Servers zeigt <code>skysentry-trio tls show</code> denselben Fingerabdruck. Wenn sich die
      beiden unterscheiden, ist jemand zwischen Ihnen und dem Server: Machen Sie dann nicht weiter.</p>
""",
    steps=(
        (
            "iPhone und iPad",
            PROFILE,
            "Profil laden",
            (
                "Tippen Sie auf <em>Profil laden</em>, und erlauben Sie den Download.",
                (
                    "Öffnen Sie <em>Einstellungen → Allgemein → VPN und Geräteverwaltung</em>, tippen Sie auf das "
                    "Profil und dann auf <em>Installieren</em>."
                ),
                (
                    "Öffnen Sie <em>Einstellungen → Allgemein → Info → Zertifikatsvertrauenseinstellungen</em>, und "
                    "schalten Sie <em>{name}</em> ein. Ohne diesen zweiten Schritt vertraut das Gerät noch nicht."
                ),
            ),
        ),
        (
            "Android",
            BINARY,
            "Zertifikat laden",
            (
                "Tippen Sie auf <em>Zertifikat laden</em>.",
                (
                    "Öffnen Sie die <em>Einstellungen</em>, suchen Sie nach <em>CA-Zertifikat</em>, und wählen Sie "
                    "<em>Trotzdem installieren</em>."
                ),
                "Wählen Sie bei den Downloads die Datei {binary}.",
            ),
        ),
        (
            "Windows",
            BINARY,
            "Zertifikat laden",
            (
                "Öffnen Sie die Datei, und wählen Sie <em>Zertifikat installieren</em>.",
                (
                    "Wählen Sie <em>Aktueller Benutzer</em>, dann <em>Alle Zertifikate in folgendem Speicher "
                    "speichern</em> und dort <em>Vertrauenswürdige Stammzertifizierungsstellen</em>."
                ),
                (
                    "Vergleichen Sie den Fingerabdruck mit dem auf dieser Seite, bestätigen Sie, und starten Sie den "
                    "Browser neu."
                ),
            ),
        ),
        (
            "macOS",
            PROFILE,
            "Profil laden",
            (
                "Öffnen Sie die Datei. macOS meldet, dass ein Profil hinzugefügt wurde.",
                (
                    "Öffnen Sie <em>Systemeinstellungen → Allgemein → Geräteverwaltung</em>, öffnen Sie das Profil, "
                    "und wählen Sie <em>Installieren</em>."
                ),
            ),
        ),
        (
            "Linux",
            TEXT,
            "Zertifikat laden",
            (
                (
                    "Chrome: Öffnen Sie <em>chrome://certificate-manager</em> und dann <em>Von dir installiert → "
                    "Importieren</em> unter <em>Vertrauenswürdige Zertifikate</em>."
                ),
                (
                    "Firefox, auf jedem System: <em>Einstellungen → Datenschutz &amp; Sicherheit → Zertifikate "
                    "anzeigen → Zertifizierungsstellen → Importieren</em>; setzen Sie den Haken bei <em>Websites</em>."
                ),
                (
                    "Programme: Kopieren Sie die Datei nach "
                    "<code>/usr/local/share/ca-certificates/skysentry.crt</code>, und rufen Sie "
                    "<code>sudo update-ca-certificates</code> auf. <code>skysentry-trio</code> nimmt sie als "
                    "<code>--tls-ca FILE</code>."
                ),
            ),
        ),
    ),
    after="""\
      <h2>Ohne diese Schritte</h2>
      <p>Sie können die Warnung des Browsers auch übergehen. Dann ist die Verbindung ebenfalls verschlüsselt, aber
      niemand hat geprüft, wer am anderen Ende ist. Jeder im selben Netz könnte dazwischen sein und die Bilder sehen.
      Manche Browser, etwa Safari auf dem iPhone, lehnen dann die Live-Verbindung ab und senden Bilder langsamer.</p>
""",
)
