/** The words of the pages around the components, in German. */

import type * as en from "../en/pages.js";

export const page: typeof en.page = {
  cameras: "Kameras",
  capture: "Kameraseite",
  navigation: "Seiten",
  allCameras: "Alle Kameras",
  close: "Schließen",
  closePanel: (title) => `Schließen: ${title}`,
  captureTitle: "Kameraseite – SkySentry",
  liveTitle: (name) => `● ${name} ist live – SkySentry`,
  liveCamera: "SkySentry: Kamera ist live",
  viewerTitle: (trouble, name) => `${trouble}${name} – SkySentry`,
  noConnectionTitle: "Keine Verbindung – ",
  offlineTitle: (offline) => `${offline} offline – `,
};

export const head: typeof en.head = {
  groups: "Gruppen",
  all: "Alle",
  layout: "Anordnung",
  layouts: { auto: "Auto", "1+5": "1+5", "2x2": "2×2", "3x3": "3×3" },
  edit: "Ändern",
  addCamera: "Kamera hinzufügen",
  wall: "Wand",
  wallHint: "Alle Kameras im Vollbild",
  more: "Mehr",
  figures: "Messwerte auf den Bildern",
  oneColumn: "Eine Spalte",
  shareWall: "Diese Wand teilen",
  live: (live, all) => `${live} von ${all} live`,
  offline: (offline) => `${offline} offline`,
  showOffline: "Kameras zeigen, die offline sind",
  hideOffline: "Kameras ausblenden, die offline sind",
  stopped: (stopped) => `${stopped} beendet`,
  stoppedHint: "Kameras, die an der Kamera selbst beendet wurden",
};

export const panels: typeof en.panels = {
  figures: "Leistung",
  keys: "Tasten",
  cameras: "Kameras und Gruppen",
  add: "Kamera hinzufügen",
  look: "Sprache und Farben",
};

export const empty: typeof en.empty = {
  noCamera: "Keine Kamera sendet",
  noCameraHint:
    "Die Kameraseite auf einem Telefon oder einem Rechner mit Kamera öffnen und live gehen. Dann erscheint hier das Bild.",
  openCapture: "Kameraseite öffnen",
  noneShown: "Keine Kamera zu sehen",
  noneShownHint: "Alle Kameras sind beendet, ausgeblendet oder entfernt.",
  choose: "Kameras auswählen",
  fromAddress: (cameras) => `${cameras === 1 ? "Eine Kamera" : `${cameras} Kameras`} aus der Adresse.`,
  showAll: "Alle Kameras zeigen",
};

export const arrange: typeof en.arrange = {
  fullSize: "Groß anzeigen",
  up: (name) => `${name} nach oben`,
  down: (name) => `${name} nach unten`,
  deleteGroup: (name) => `Gruppe ${name} löschen`,
  newGroup: "Neue Gruppe aus den sichtbaren Kameras",
  groupExample: "Draußen",
  addGroup: "Gruppe hinzufügen",
  past: "Aufzeichnungen von Kameras, die nicht hier sind",
  openPast: (name) => `Aufzeichnungen von ${name} zeigen`,
};

export const add: typeof en.add = {
  thisDevice: "Dieser Rechner oder dieses Telefon",
  phone: "Ein Telefon",
  network: "Eine Netzwerkkamera",
  test: "Das Testbild",
};

export const code: typeof en.code = {
  show: "QR-Code zeigen",
  of: (text) => `QR-Code für ${text}`,
  failed: "Der Code konnte nicht gezeichnet werden. Stattdessen die Adresse eintippen.",
  phone: "Ein Telefon als Kamera verwenden",
  thisMachine: (host) =>
    `Ein Telefon erreicht ${host} nicht, das ist dieser Rechner selbst. Den Server mit „serve --phone“ starten: Dann steht hier ein Code für Telefone. Oder diese Seite mit dem Namen oder der Adresse des Rechners im Netz über https öffnen.`,
  insecure: "Der Browser des Telefons erlaubt unter dieser Adresse keine Kamera, weil sie nicht https ist.",
  scan: "Den Code mit der Kamera des Telefons scannen, die Seite öffnen und dort live gehen.",
};

export const look: typeof en.look = {
  language: "Sprache",
  asBrowser: "Wie der Browser",
  theme: "Farben",
  asSystem: "Wie das System",
  themes: { light: "Hell", dark: "Dunkel", contrast: "Hoher Kontrast" },
};

export const keys: typeof en.keys = {
  wall: [
    ["Tab, Pfeiltasten", "wählen eine Kamera"],
    ["Enter", "zeigt sie groß"],
    ["Alt + Pfeiltasten", "verschieben sie"],
    ["I", "Messwerte auf allen Bildern"],
    ["F", "Vollbild"],
    ["S", "speichert das Bild"],
    ["Bild ab, Bild auf", "nächste oder vorige Seite mit Kameras"],
    ["Leertaste", "hält die Wiedergabe aller Kameras an oder macht weiter"],
    ["?", "diese Liste"],
  ],
  oneCamera: "Eine Kamera",
  view: [
    ["Esc", "zurück zu allen Kameras"],
    ["Umschalt + ← →", "vorige oder nächste Kamera"],
    ["Leertaste", "hält an oder macht weiter"],
    ["← →", "zehn Sekunden zurück oder vor"],
    [", .", "ein Bild zurück oder vor"],
    ["J K L", "rückwärts, anhalten, vorwärts; noch einmal ist schneller"],
    ["Pos1, Ende", "ältestes Bild, live"],
    ["E, Umschalt + E", "das nächste oder vorige Ereignis"],
    ["C", "beginnt einen Clip von zehn Sekunden oder verwirft ihn"],
    ["[ ]", "Anfang und Ende des Clips"],
    ["+ − 0", "vergrößern, verkleinern, ganzes Bild"],
    ["B", "Rahmen der Ergebnisse"],
    ["P", "Bild im Bild"],
    ["I", "Messwerte"],
  ],
};
