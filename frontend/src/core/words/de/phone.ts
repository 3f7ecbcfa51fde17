/** The words about phones: the way to https, single pictures, and the code, in German. */

import type * as en from "../en/phone.js";

export const setUp: typeof en.setUp = {
  phone: "Ein Schritt, bevor dieses Telefon eine Kamera ist",
  device: "Ein Schritt, bevor dieses Gerät eine Kamera ist",
  why: "Browser geben die Kamera nur sicheren Seiten. Diese Seite kam über http.",
  openSecure: "Die sichere Seite öffnen",
  ownCertificate: "Dieser Server hat eine, mit einem Zertifikat, das er selbst ausgestellt hat.",
  hasHttps: "Dieser Server hat eine.",
  open: (address) => `${address} öffnen`,
  warning:
    "Der Browser warnt einmal. „Erweitert“ oder „Details einblenden“ wählen, dann fortfahren. Die Verbindung ist verschlüsselt, aber niemand hat geprüft, wer am anderen Ende ist.",
  trusted: "Dieser Browser nimmt das Zertifikat an.",
  trust: "Ohne die Warnung: dem Server einmal vertrauen",
  fingerprint: "Den Fingerabdruck mit dem vergleichen, den der Betreiber des Servers hat.",
  allSystems: "Fingerabdruck und die Schritte für alle Systeme",
  noHttps: "Dieser Server hat keine sichere Seite",
  command:
    "Auf dem Rechner des Servers startet ihn dieser Befehl mit https und zeigt einen Code für das Telefon:",
  otherAddress: "Hat der Server eine andere Adresse, die mit https beginnt, die Seite dort öffnen.",
  without: "Oder ohne https",
  single: "Einzelne Bilder mit der Kamera-App aufnehmen. Jedes erscheint auf der Wand.",
  take: "Bild aufnehmen",
  takeAnother: "Noch ein Bild aufnehmen",
  sending: "Das Bild wird gesendet.",
  sent: "Das Bild ist auf der Wand.",
  lastPicture: "Das zuletzt aufgenommene Bild",
  watch: "Auf der Seite mit allen Kameras ansehen",
  unreadable:
    "Dieser Browser kann das Bild nicht lesen. Speichert das Telefon HEIC, in den Einstellungen der Kamera JPEG oder „Maximale Kompatibilität“ wählen.",
  unreachable: "Der Server ist nicht erreichbar, das Bild wurde nicht gesendet. Noch einmal versuchen.",
  other: "Tailscale oder eine Domain?",
  tailscale:
    "Mit Tailscale bekommt der Rechner des Servers einen Namen und ein Zertifikat, dem alle eigenen Telefone vertrauen:",
  domain: "Mit einer Domain gibt Let’s Encrypt dem Server ein Zertifikat, dem jedes Telefon vertraut:",
  howTo: "Die Schritte für beides stehen in der Dokumentation des Servers unter „Serve https“.",
};

export const phoneCode: typeof en.phoneCode = {
  scan: "Den Code mit einem Telefon im selben Netz scannen und dort auf „Live gehen“ tippen.",
  left: (time) => `Gilt noch ${time}, für den ersten Browser, der ihn öffnet.`,
  used: "Ein Telefon hat den Code verwendet.",
  expired: "Der Code ist abgelaufen.",
  again: "Jeder Code ist für ein Telefon.",
  renew: "Neuer Code",
  failed: "Der Server hat keinen neuen Code gegeben. Noch einmal versuchen.",
};
