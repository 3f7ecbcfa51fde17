/** What a person has chosen for the wall: order, groups, hidden and pinned cameras, layout. It lasts beyond the visit. */

import { isCameraId } from "../protocol.js";
import { Store, type Readable } from "../store.js";
import { isLayout, type LayoutName } from "./wall-layout.js";

export interface CameraGroup {
  readonly name: string;
  readonly cameras: readonly string[];
}

export interface WallSettings {
  /** All cameras that were ever shown, in the order in which they are shown. */
  readonly order: readonly string[];
  readonly hidden: readonly string[];
  /** Cameras that were removed while they were offline. They are shown again when they come back. */
  readonly removed: readonly string[];
  readonly pinned: readonly string[];
  /** Cameras whose picture fills its place, although its edges are then cut off. */
  readonly cropped: readonly string[];
  readonly groups: readonly CameraGroup[];
  readonly layout: LayoutName;
  /** Whether each picture on a phone is as wide as the screen. */
  readonly oneColumn: boolean;
  /** Whether each picture shows its figures. */
  readonly figures: boolean;
  readonly hideOffline: boolean;
  /** Whether boxes are drawn on exactly their own frame, which then comes later. */
  readonly exactBoxes: boolean;
}

/** The names of the settings that are lists of cameras. */
export type CameraSet = "hidden" | "removed" | "pinned" | "cropped";

const DEFAULTS: WallSettings = {
  order: [],
  hidden: [],
  removed: [],
  pinned: [],
  cropped: [],
  groups: [],
  layout: "auto",
  oneColumn: false,
  figures: false,
  hideOffline: false,
  exactBoxes: false,
};
const KEY = "skysentry-wall";
const MAX_CAMERAS = 1000;
const MAX_GROUPS = 50;
export const MAX_GROUP_NAME = 40;

export class WallChoices {
  private readonly store: Store<WallSettings>;
  readonly settings: Readable<WallSettings>;

  /** Without `storage` the choices last as long as this object. */
  constructor(private readonly storage: Pick<Storage, "getItem" | "setItem"> | null = null) {
    this.settings = this.store = new Store(this.read());
  }

  set(change: Partial<WallSettings>): void {
    const settings = { ...this.store.getSnapshot(), ...change };
    this.store.set(settings);
    try {
      this.storage?.setItem(KEY, JSON.stringify(settings));
    } catch {
      // The storage is full or forbidden. The choices then last as long as the page.
    }
  }

  has(set: CameraSet, cameraId: string): boolean {
    return this.store.getSnapshot()[set].includes(cameraId);
  }

  /** Adds a camera to a list, or takes it out of the list. */
  mark(set: CameraSet, cameraId: string, marked: boolean): void {
    const others = this.store.getSnapshot()[set].filter((id) => id !== cameraId);
    const ids = marked ? [...others, cameraId].slice(-MAX_CAMERAS) : others;
    if (this.has(set, cameraId) !== marked) this.set({ [set]: ids });
  }

  /** Adds the cameras that are new, so that they stay where they appeared. */
  note(cameraIds: readonly string[]): void {
    const { order } = this.store.getSnapshot();
    const fresh = cameraIds.filter((id) => !order.includes(id));
    if (fresh.length === 0) return;
    // The cameras that are present are not forgotten.
    const kept =
      order.length + fresh.length > MAX_CAMERAS ? order.filter((id) => cameraIds.includes(id)) : order;
    this.set({ order: [...kept, ...fresh].slice(0, MAX_CAMERAS) });
  }

  /**
   * Moves a camera before another one, or to the end if `before` is null. In a group, only the order of the group
   * changes.
   */
  move(cameraId: string, before: string | null, group: string | null): void {
    const { order, groups } = this.store.getSnapshot();
    if (group === null) this.set({ order: moved(order, cameraId, before) });
    else
      this.set({
        groups: groups.map((one) =>
          one.name === group ? { ...one, cameras: moved(one.cameras, cameraId, before) } : one,
        ),
      });
  }

  /** Adds a group, or replaces the group of this name. A group without cameras is removed. */
  setGroup(name: string, cameras: readonly string[]): void {
    const { groups } = this.store.getSnapshot();
    const short = cleanGroupName(name);
    if (short === "") return;
    const group = { name: short, cameras: cameras.slice(0, MAX_CAMERAS) };
    const kept = groups.some((one) => one.name === short)
      ? groups.map((one) => (one.name === short ? group : one))
      : [...groups, group];
    this.set({ groups: kept.filter((one) => one.cameras.length > 0).slice(0, MAX_GROUPS) });
  }

  private read(): WallSettings {
    try {
      const value: unknown = JSON.parse(this.storage?.getItem(KEY) ?? "null");
      return typeof value === "object" && value !== null ? parse(value as Record<string, unknown>) : DEFAULTS;
    } catch {
      return DEFAULTS;
    }
  }
}

export function cleanGroupName(name: string): string {
  return name.trim().slice(0, MAX_GROUP_NAME);
}

export interface Arrangement {
  readonly cameraId: string;
  readonly status: string;
}

/**
 * Returns the ids of the cameras to show, in their order: the pinned ones first. `group` is a name; null means all
 * cameras. `only` has ids that an address names; it decides both which cameras are shown and their order.
 */
export function arrange(
  cameras: readonly Arrangement[],
  settings: WallSettings,
  group: string | null,
  only: readonly string[],
): string[] {
  const members = settings.groups.find((one) => one.name === group)?.cameras;
  const order = only.length > 0 ? only : (members ?? settings.order);
  const position = new Map(order.map((id, index) => [id, index]));
  const rank = (id: string): number => (settings.pinned.includes(id) ? -1 : 0);
  const place = (id: string): number => position.get(id) ?? Number.MAX_SAFE_INTEGER;
  return cameras
    .filter(({ cameraId, status }) => {
      if (only.length > 0) return only.includes(cameraId);
      if (members && !members.includes(cameraId)) return false;
      const away = status === "offline" || status === "stopped";
      if (away && settings.hideOffline) return false;
      // Without a connection nobody knows whether a removed camera has come back.
      if ((away || status === "unknown") && settings.removed.includes(cameraId)) return false;
      // A camera that its owner has stopped is in the line below the wall.
      return status !== "stopped" && !settings.hidden.includes(cameraId);
    })
    .map(({ cameraId }) => cameraId)
    .sort((a, b) => (only.length > 0 ? 0 : rank(a) - rank(b)) || place(a) - place(b));
}

function moved(ids: readonly string[], id: string, before: string | null): string[] {
  const others = ids.filter((other) => other !== id);
  const index = before === null ? -1 : others.indexOf(before);
  return index < 0 ? [...others, id] : [...others.slice(0, index), id, ...others.slice(index)];
}

/** Reads what an earlier visit, or somebody else, has stored. Invalid parts are left out. */
function parse(value: Record<string, unknown>): WallSettings {
  return {
    order: cameraIds(value.order),
    hidden: cameraIds(value.hidden),
    removed: cameraIds(value.removed),
    pinned: cameraIds(value.pinned),
    cropped: cameraIds(value.cropped),
    groups: groupsOf(value.groups),
    layout: isLayout(value.layout) ? value.layout : "auto",
    oneColumn: value.oneColumn === true,
    figures: value.figures === true,
    hideOffline: value.hideOffline === true,
    exactBoxes: value.exactBoxes === true,
  };
}

function cameraIds(value: unknown): string[] {
  return Array.isArray(value) ? [...new Set(value.filter(isCameraId))].slice(0, MAX_CAMERAS) : [];
}

function groupsOf(value: unknown): CameraGroup[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MAX_GROUPS).flatMap((group: unknown) => {
    const { name, cameras } = (group ?? {}) as Record<string, unknown>;
    const clean = typeof name === "string" ? cleanGroupName(name) : "";
    return clean === "" ? [] : [{ name: clean, cameras: cameraIds(cameras) }];
  });
}
