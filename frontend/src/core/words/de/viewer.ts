/** The wall, the tiles, the camera view and the state of the connection, in German. */

import type * as en from "../en/viewer.js";

export const status: typeof en.status = {
  waiting: "Verbindet",
  live: "Live",
  stalled: "Verspätet",
  offline: "Offline",
  stopped: "Beendet",
  unknown: "Unbekannt",
};

export const camera: typeof en.camera = {
  waitingForPicture: "Das erste Bild kommt noch",
  notKnown: "Der Server kennt diese Kamera nicht",
  noPictureFor: (age) => `seit ${age} kein neues Bild`,
  offlineSince: (clock, age) => `Offline, letztes Bild ${clock}, vor ${age}`,
  otherServerLost: "Der Server dieser Kamera antwortet nicht",
  conditions: {
    frozen: "das Bild ist eingefroren",
    dark: "das Bild ist dunkel",
    covered: "die Linse scheint verdeckt",
  },
  stoppedByOwner: "An der Kamera beendet",
  noConnection: "keine Verbindung",
  left: (name) => `${name} ist offline.`,
  cameBack: (name) => `${name} ist wieder da.`,
  showFull: (name) => `${name} groß anzeigen`,
  save: "Bild speichern",
  saveOf: (name) => `Bild von ${name} speichern`,
  fullScreen: "Vollbild",
  fullScreenOf: (name) => `${name} im Vollbild anzeigen`,
  leaveFullScreen: "Vollbild beenden",
  shareLink: "Link teilen",
  linkCopied: "Link kopiert",
};

export const tile: typeof en.tile = {
  playBack: "Wiedergeben",
  remove: "Entfernen",
  more: "Mehr",
  moreOf: (name) => `Mehr zu ${name}`,
  keepFirst: "Immer vorne",
  doNotKeepFirst: "Nicht mehr vorne",
  fill: "Kachel ausfüllen",
  whole: "Ganzes Bild zeigen",
  hide: "Ausblenden",
};

export const wall: typeof en.wall = {
  pages: "Seiten mit Kameras",
  page: (page, pages) => `Seite ${page} von ${pages}`,
};

export const view: typeof en.view = {
  back: "Zurück zu allen Kameras",
  replay: "Wiedergabe",
  figures: "Messwerte",
  figuresOf: (figures) => `Messwerte: ${figures}`,
  boxes: "Rahmen auf den Bildern",
  exact: "Genau",
  exactHint: "Jedes Bild wartet bis zu eine halbe Sekunde auf seine Rahmen",
  pictureInPicture: "Bild im Bild",
  previous: "Vorige Kamera",
  next: "Nächste Kamera",
  others: "Andere Kameras",
  notLive: "Nicht live",
  replaying: "Wiedergabe",
  ago: (age) => `vor ${age}`,
  paused: "angehalten",
};

export const playback: typeof en.playback = {
  oldest: "Ältestes Bild",
  frameBack: "Ein Bild zurück",
  frameForward: "Ein Bild vor",
  back: (seconds) => `${seconds} Sekunden zurück`,
  forward: (seconds) => `${seconds} Sekunden vor`,
  pause: "Anhalten",
  play: "Abspielen",
  speed: "Tempo",
  slower: "Langsamer",
  faster: "Schneller",
  reverse: "Rückwärts",
  keepsOnly: (length) => `Der Server hat von dieser Kamera nur ${length}`,
  live: "Live",
  newest: "Neuestes",
  goLive: "Zu Live",
  timeline: (name) => `Zeitleiste von ${name}`,
  position: "Position",
  positionLive: "live",
  positionNewest: "das neueste Bild",
  positionAt: (clock, back) => `${clock}, ${back} gegenüber jetzt`,
  result: "Ergebnis",
  now: "jetzt",
  clip: "Clip",
  clipStart: "Anfang des Clips",
  clipEnd: "Ende des Clips",
  clearClip: "Clip verwerfen",
  zoom: "Ausschnitt der Zeitleiste",
  zoomOut: "Mehr von der Zeitleiste zeigen",
  zoomIn: "Weniger von der Zeitleiste zeigen",
  zoomAll: "Ganze Zeitleiste zeigen",
  zoomed: (shown, all) => `${shown} von ${all}`,
};

export const clip: typeof en.clip = {
  save: (format) => `${format} speichern`,
  otherFormats: "Andere Formate",
  formats: {
    mp4: "MP4: ein Video für alle",
    mkv: "MKV: ein Video aus den unveränderten Bildern",
    zip: "ZIP: die einzelnen Bilder",
  },
  making: (format) => `${format} wird erstellt`,
  cancel: "Abbrechen",
  saved: "Der gespeicherte Clip",
  share: "Clip teilen",
  shareAgain: "Der Clip ist fertig. Noch einmal auf Teilen drücken.",
  broken: (format) => `Die Verbindung ist abgebrochen, bevor die Datei (${format}) vollständig war.`,
  impossible: (format) => `Dieser Server kann kein ${format} erstellen; ein ZIP geht immer.`,
  refused: (format) => `Der Server hat kein ${format} erstellt.`,
  reason: (reason) => `Der Server meldet: ${reason}.`,
  status: (status) => `Er antwortet mit dem HTTP-Status ${status}.`,
};

export const history: typeof en.history = {
  nothing: "nichts aufgezeichnet",
  recorded: (length) => `${length} aufgezeichnet`,
  chooseDay: "Tag wählen",
  today: "Heute",
  previousMonth: "Voriger Monat",
  nextMonth: "Nächster Monat",
  events: "Ereignisse",
  eventBefore: "Voriges Ereignis",
  eventAfter: "Nächstes Ereignis",
  noEventBefore: "Es gibt kein früheres Ereignis",
  noEventAfter: "Es gibt kein späteres Ereignis",
  protect: "Schützen",
  protectHint: "Diese Aufzeichnungen behalten, wie alt sie auch werden",
  unprotect: "Geschützt",
  unprotectHint: "Diese Aufzeichnungen wieder löschen lassen, wenn sie alt sind",
  export: "Exportieren",
  exportHint: (cameras) =>
    cameras === 1
      ? "Ein Archiv mit den Bildern, ihren Zeiten und Prüfsummen"
      : `Ein Archiv von ${cameras} Kameras, mit den Zeiten und Prüfsummen aller Bilder`,
  exporting: "Der Export wird geschrieben",
  saveExport: (size) => `Export speichern, ${size}`,
  exportFailed: "Der Server hat den Export nicht geschrieben.",
};

export const together: typeof en.together = {
  open: "Alle wiedergeben",
  hint: "Alle Kameras zum selben vergangenen Zeitpunkt",
  bar: "Wiedergabe aller Kameras",
  back: (seconds) => `Alle Kameras ${seconds} Sekunden zurück`,
  forward: (seconds) => `Alle Kameras ${seconds} Sekunden vor`,
  play: "Alle Kameras abspielen",
  pause: "Alle Kameras anhalten",
  position: "Position aller Kameras",
  speed: "Tempo aller Kameras",
  moment: (clock, age) => `${clock} · vor ${age}`,
  close: "Wiedergabe aller Kameras schließen",
  timeline: "Zeitleiste aller Kameras",
};

export const figures: typeof en.figures = {
  painted: "Gezeigt",
  received: "Empfangen",
  latency: "Verzögerung",
  data: "Daten",
  size: "Größe",
  drops: "Ausgelassen",
  roundTrip: "Hin und zurück",
  longTasks: "Lange Aufgaben in 10 s",
  noLongTasks: "keine",
  longTasksOf: (count, median) => `${count}, Median ${median}`,
  decoding: "Dekodiert",
  methods: { "in a worker": "in einem Worker", "on the page": "auf der Seite" },
  stages: {
    capture: "Kamera zum Server",
    transit: "Server zu Server",
    server: "Im Server",
    delivery: "Server zum Bildschirm",
  },
  shortStages: { capture: "Kamera", transit: "Unterwegs", server: "Server", delivery: "Anzeige" },
  byStage: "Verzögerung nach Abschnitt",
  byCamera: "Verzögerung nach Kamera",
  lastMinute: (seconds, least, most) => `Verzögerung der letzten ${seconds} Sekunden: ${least} bis ${most}`,
  noLatency: "Die Verzögerung ist nicht bekannt",
  slow: {
    silent: { title: "Kein neues Bild", advice: "Die Kamera ist verbunden, sendet aber nichts." },
    unreachable: {
      title: "Server verloren",
      advice: "Der Server, an dem diese Kamera hängt, antwortet diesem Server nicht.",
    },
    detector: {
      title: "Erkennung",
      advice: "Jedes Bild wartet auf seine Rahmen. Ohne „Genau“ ist es sofort zu sehen.",
    },
    camera: { title: "Langsame Kamera", advice: "So lange braucht die Kamera oder ihr Weg zum Server." },
    transit: { title: "Langsame Server", advice: "So lange dauert der Weg zwischen zwei Servern." },
    server: { title: "Ausgelasteter Server", advice: "So lange braucht der Server, um ein Bild zu senden." },
    link: { title: "Langsame Leitung", advice: "So lange dauert der Weg vom Server zu dieser Seite." },
    device: { title: "Langsames Gerät", advice: "So lange braucht dieses Gerät, um ein Bild zu zeigen." },
  },
};

export const link: typeof en.link = {
  states: {
    connecting: "Verbindet",
    live: "Verbunden",
    polling: "Ersatzweg",
    unreachable: "Server nicht erreichbar",
    refused: "Kein Zugang",
    stopped: "Beendet",
  },
  polling:
    "Es gibt keine Live-Verbindung. Bis dahin kommen einige Bilder pro Sekunde über gewöhnliches HTTP.",
  unreachable:
    "Der Server antwortet nicht. Zu sehen sind die letzten Bilder. Die Seite versucht weiter, ihn zu erreichen.",
  refused: "Der Server erlaubt dieser Seite das Zusehen nicht. Zu sehen sind die letzten Bilder.",
  lostSince: (clock) => `Seit ${clock} keine Verbindung.`,
  lastPictures: "Zu sehen sind die letzten Bilder.",
  retry: "Jetzt versuchen",
};
