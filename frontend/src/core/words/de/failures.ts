/** What can go wrong on a capture page, where to allow a camera, and what the error codes of the server mean, in German. */

import type * as en from "../en/failures.js";

const KEEPS_TRYING = "Die Seite versucht es weiter.";

export const failures: typeof en.failures = {
  "insecure-context": ({ address }) => ({
    title: "Diese Adresse ist nicht sicher, daher erlaubt der Browser die Kamera nicht",
    advice:
      "Browser erlauben Kameras nur über https, oder auf demselben Rechner unter http://localhost. " +
      `Diese Seite kam von ${address}. Der Betreiber des Servers kennt dessen https-Adresse. ` +
      "Kameras ansehen geht auch unter dieser Adresse.",
  }),
  unsupported: () => ({
    title: "Dieser Browser unterstützt keine Kamera",
    advice:
      "Eine aktuelle Version von Chrome, Edge, Firefox oder Safari verwenden. Browser in anderen Apps können oft keine Kamera nutzen.",
  }),
  "permission-denied": () => ({
    title: "Die Kamera ist auf dieser Seite nicht erlaubt",
    advice:
      "Die Einstellungen der Website neben der Adresse öffnen und die Kamera erlauben: Dann geht es von selbst weiter. " +
      "Auf dem Telefon auch prüfen, ob der Browser selbst in den Einstellungen des Systems die Kamera nutzen darf.",
  }),
  "no-camera": () => ({
    title: "Keine Kamera gefunden",
    advice:
      "Eine Kamera anschließen oder in der Liste eine andere wählen. Hat diese Seite die Kamera schon benutzt, versucht sie es von selbst wieder.",
  }),
  "camera-in-use": () => ({
    title: "Ein anderes Programm benutzt die Kamera",
    advice:
      "Das andere Programm oder den anderen Tab schließen oder eine andere Kamera wählen. " +
      "Hat diese Seite die Kamera schon benutzt, versucht sie es von selbst wieder.",
  }),
  "camera-lost": () => ({
    title: "Die Kamera ist getrennt",
    advice:
      "Sie wurde abgesteckt, ausgeschaltet oder vom System genommen. Ist sie wieder da, geht es von selbst weiter.",
  }),
  "camera-muted": () => ({
    title: "Das System hat die Kamera angehalten",
    advice:
      "Telefone tun das bei einem Anruf, oder wenn eine andere App die Kamera benutzt. Danach geht es von selbst weiter.",
  }),
  "camera-silent": () => ({
    title: "Die Kamera liefert keine Bilder",
    advice:
      "Die Seite öffnet sie von selbst noch einmal. Hilft das nicht: Kabel und Abdeckung oder Schalter der Kamera prüfen.",
  }),
  "camera-failed": ({ detail }) => ({
    title: "Die Kamera konnte nicht gestartet werden",
    advice: `Der Browser meldet: ${detail}`,
  }),
  "server-gone": () => ({
    title: "Der Server ist nicht erreichbar",
    advice: "Die Kamera bleibt an. Sobald der Server antwortet, sendet die Seite wieder.",
  }),
  "origin-refused": ({ origin }) => ({
    title: "Der Server lehnt Seiten von dieser Adresse ab",
    advice:
      `Der Server antwortet, erlaubt aber keine Seiten von ${origin}. Die Seite unter der Adresse des Servers öffnen, ` +
      "oder den Betreiber bitten, diese mit --cors-origin zu erlauben. Ein Proxy muss den Header Host weitergeben.",
  }),
  "http-refused": ({ status }) => ({
    title: `Die Adresse des Servers antwortet mit dem HTTP-Status ${status}`,
    advice:
      {
        401: `Sie verlangt ein Passwort oder einen Schlüssel. Anmelden, dann diese Seite neu laden. ${KEEPS_TRYING}`,
        403: `Sie erlaubt das nicht. Den Betreiber des Servers fragen. ${KEEPS_TRYING}`,
        404: `Unter dieser Adresse ist kein Kameraserver. Die Adresse prüfen. ${KEEPS_TRYING}`,
      }[status] ?? `Ein Proxy antwortet anstelle des Servers. Die Adresse prüfen. ${KEEPS_TRYING}`,
  }),
  "access-refused": ({ code }) => ({
    title: {
      unauthenticated: "Der Server fragt, wer hier sendet",
      forbidden: "Als diese Kamera zu senden ist nicht erlaubt",
      "access-ended": "Der Zugang ist zu Ende",
    }[code],
    advice: {
      unauthenticated: "Anmelden oder einen Link öffnen, der für diese Kamera gemacht wurde.",
      forbidden: "Eine erlaubte Kennung verwenden oder den Betreiber des Servers fragen.",
      "access-ended": "Wieder anmelden oder den Betreiber des Servers um einen neuen Link bitten.",
    }[code],
  }),
  "websocket-blocked": () => ({
    title: "Der Server antwortet, lehnt aber die Live-Verbindung ab",
    advice: `Ein Proxy oder eine Firewall lässt keine WebSockets durch, oder der Server ist voll. ${KEEPS_TRYING}`,
  }),
  refused: ({ cameraId, reason }) => ({
    title: `Der Server hat die Kennung ${cameraId} abgelehnt`,
    advice: `Der Grund: ${reason}. Die Kennung ändern oder es noch einmal versuchen.`,
  }),
  replaced: ({ cameraId }) => ({
    title: `Eine andere Seite oder ein anderes Gerät sendet jetzt als ${cameraId}`,
    advice:
      "Nur eine Kamera kann eine Kennung benutzen. Die Kennung zurückholen oder dieser Kamera eine andere geben.",
  }),
  "frame-too-big": () => ({
    title: "Der Server hat ein Bild als zu groß abgelehnt",
    advice: "Die Seite sendet jetzt kleinere Bilder. Auflösung oder Qualität lassen sich auch selbst senken.",
  }),
  "sent-away": ({ reason }) => ({
    title: "Der Server hat die Verbindung beendet",
    advice: `Der Grund: ${reason}. Die Seite versucht es von selbst wieder.`,
  }),
  "bad-address": ({ detail }) => ({ title: "Die Adresse des Servers ist ungültig", advice: detail }),
  "bad-id": ({ given }) => ({
    title: `Die Kennung „${given}“ ist nicht möglich`,
    advice:
      "Kennungen haben 1–64 Buchstaben (A–Z), Ziffern, Punkte, Bindestriche oder Unterstriche. Unter einer anderen Kennung würden Zuschauer die Kamera nicht suchen, daher bleibt sie aus.",
  }),
};

export const permission: typeof en.permission = {
  places: {
    "apple-settings": "Die App Einstellungen öffnen, diesen Browser wählen und „Kamera“ einschalten.",
    "apple-page":
      "Auf das Seitenmenü neben der Adresse tippen, „Website-Einstellungen“ wählen und „Kamera“ auf „Erlauben“ setzen.",
    "firefox-phone":
      "Auf das Schloss neben der Adresse tippen und die Kamera erlauben. Ist sie dort gesperrt, sie in den Einstellungen von Android für Firefox erlauben.",
    firefox: "Auf die durchgestrichene Kamera neben der Adresse klicken und die Sperre entfernen.",
    "chrome-phone":
      "Auf das Symbol vor der Adresse tippen, „Berechtigungen“ wählen und die Kamera erlauben. Fehlt sie dort, sie in den Einstellungen von Android für den Browser erlauben.",
    chrome: "Auf das Symbol vor der Adresse klicken und „Kamera“ einschalten.",
    safari:
      "Das Menü „Safari“ öffnen, „Einstellungen für diese Website“ wählen und „Kamera“ auf „Erlauben“ setzen.",
    other: "Die Einstellungen der Website neben der Adresse öffnen und die Kamera erlauben.",
  },
  continues: "Dann geht es von selbst weiter.",
};

/** The sentences of the server are English, so each code has one here. */
export const refusals: typeof en.refusals = {
  busy: "der Server ist beschäftigt",
  draining: "der Server wird beendet",
  flood: "zu viele Nachrichten",
  "frame-too-large": "das Bild ist zu groß",
  "invalid-client-id": "die Kennung ist ungültig",
  "invalid-message": "eine Nachricht ist ungültig",
  "memory-full": "der Speicher des Servers ist voll",
  "message-too-large": "eine Nachricht ist zu groß",
  "not-a-jpeg": "kein vollständiges JPEG",
  "origin-refused": "Seiten von dieser Adresse sind nicht erlaubt",
  "registration-timeout": "die Anmeldung kam zu spät",
  "server-full": "der Server nimmt keine weitere Kamera auf",
  silent: "es kam lange keine Nachricht",
  "too-fast": "zu viele Bilder pro Sekunde",
};
