/**
 * All words of the pages and components in German.
 *
 * One word for one thing:
 *
 *     camera               Kamera
 *     viewer (a person)    Zuschauer
 *     picture, frame       Bild
 *     live, go live        live, live gehen
 *     stop a camera        beenden
 *     pause a picture      anhalten
 *     playback, replay     Wiedergabe
 *     timeline             Zeitleiste
 *     recordings           Aufzeichnungen
 *     event                Ereignis
 *     protect              schützen
 *     clip                 Clip
 *     wall, tile           Wand, Kachel
 *     layout, group        Anordnung, Gruppe
 *     full size            groß
 *     full screen          Vollbild
 *     figures              Messwerte
 *     performance          Leistung
 *     latency              Verzögerung
 *     drop                 auslassen
 *     detection result     Ergebnis
 *     box                  Rahmen
 *     capture page         Kameraseite
 *     id                   Kennung
 *     quality, resolution  Qualität, Auflösung
 *     frame rate           Bildrate
 *     uplink, connection   Leitung (how much it carries), Verbindung (whether there is one)
 *     machine, phone       Rechner, Telefon
 *     show, hide, remove   zeigen or anzeigen, ausblenden, entfernen
 *     save, share, copy    speichern, teilen, kopieren
 *     key (of a keyboard)  Taste
 *     key (for access)     Schlüssel
 *     sign in, access      anmelden, Zugang
 *     administrator        Verwalter
 *
 * Buttons are infinitives ("Bild speichern"). Advice is written as infinitives too, without "Sie" and without "du". Units stay
 * as in English: fps, kB/s, s.
 */

import type { en } from "../en/index.js";
import * as access from "./access.js";
import * as capture from "./capture.js";
import { failures, permission, refusals } from "./failures.js";
import * as pages from "./pages.js";
import * as phone from "./phone.js";
import * as viewer from "./viewer.js";

export const de: typeof en = {
  ...viewer,
  ...capture,
  ...pages,
  ...phone,
  ...access,
  failures,
  permission,
  refusals,
};
