/** Reads and writes what the viewer page shows as the query of its address, so that the address can be sent. */

import { isCameraId } from "../protocol.js";
import { isLayout, type LayoutName } from "./wall-layout.js";

export const PANELS = ["figures", "keys", "cameras", "add", "look"] as const;
/** What is open beside the wall. */
export type PanelName = (typeof PANELS)[number];

export interface ViewAddress {
  /** The camera that fills the page. */
  readonly view: string | null;
  /** The moment at which the playback of that camera stands still, in milliseconds since the epoch. */
  readonly at: number | null;
  /** The cameras to show, in this order; empty means all. */
  readonly cameras: readonly string[];
  readonly group: string | null;
  /** Null means the layout that was used last. */
  readonly layout: LayoutName | null;
  readonly panel: PanelName | null;
  /** Only pictures, for a screen that nobody operates. */
  readonly kiosk: boolean;
  readonly maxFps: number | undefined;
}

export function readViewAddress(search: string): ViewAddress {
  const query = new URLSearchParams(search);
  const named = [...query.getAll("client"), ...(query.get("cams") ?? "").split(",")];
  const cameras = [...new Set(named.filter(isCameraId))];
  const view = query.get("view");
  const [only] = cameras;
  return {
    // A link to one camera opens this camera.
    view: isCameraId(view) ? view : query.has("view") || cameras.length !== 1 ? null : (only ?? null),
    at: readTime(query.get("at")),
    cameras,
    group: query.get("group"),
    // A plus sign in a query means a space.
    layout: readLayout(query.get("layout")?.replace(" ", "+")),
    panel: PANELS.find((name) => name === query.get("panel")) ?? null,
    kiosk: query.get("ui") === "none",
    maxFps: readRate(query.get("maxFps")),
  };
}

/** Returns `search` with changes. Keys that are not ours stay as they are. */
export function writeViewAddress(search: string, change: Partial<ViewAddress>): string {
  const query = new URLSearchParams(search);
  const set = (key: string, value: string | null): void =>
    value === null ? query.delete(key) : query.set(key, value);
  if (change.cameras !== undefined) {
    query.delete("client");
    set("cams", change.cameras.length === 0 ? null : change.cameras.join(","));
  }
  if (change.view !== undefined) {
    set("view", change.view);
    if (change.view !== readViewAddress(search).view) query.delete("at");
    // Without a view, a link to one camera would open it again.
    if (change.view === null && readViewAddress(`?${query}`).view !== null) query.set("view", "");
  }
  if (change.at !== undefined) set("at", change.at === null ? null : new Date(change.at).toISOString());
  if (change.group !== undefined) set("group", change.group);
  if (change.layout !== undefined) set("layout", change.layout);
  if (change.panel !== undefined) set("panel", change.panel);
  if (change.kiosk !== undefined) set("ui", change.kiosk ? "none" : null);
  const written = query.toString().replaceAll("%2C", ",");
  return written === "" ? "" : `?${written}`;
}

function readLayout(text: string | undefined): LayoutName | null {
  return isLayout(text) ? text : null;
}

function readTime(text: string | null): number | null {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : at;
}

/** Returns a frame rate that the server accepts, or undefined. */
function readRate(text: string | null): number | undefined {
  const rate = Number(text ?? Number.NaN);
  return rate >= 0.001 && rate <= 1000 ? rate : undefined;
}
