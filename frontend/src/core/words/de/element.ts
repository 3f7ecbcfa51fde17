/** The captions of `<skysentry-viewer>` in German. */

import type * as en from "../en/element.js";

export const element: typeof en.element = {
  noClient: "Keine Kamera gewählt: Das Attribut „client“ fehlt.",
  badServer: "Das Attribut „server“ ist keine gültige Adresse.",
  label: (cameraId) => `Kamera ${cameraId}`,
  unreachable: "Der Server ist nicht erreichbar",
  refused: "Der Server erlaubt dieser Seite die Kamera nicht",
  notKnown: "Der Server kennt diese Kamera nicht",
  captions: {
    offline: "Die Kamera ist offline",
    stopped: "Die Kamera wurde beendet",
    stalled: "Keine neuen Bilder",
  },
};
