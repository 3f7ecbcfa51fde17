/** The settings of a capture page, and how the address and the browser store them. */

import { cleanName, isCameraId } from "../protocol.js";

export interface CaptureSettings {
  readonly cameraId: string;
  /** A label for people; may be empty. */
  readonly name: string;
  /** Frames per second, 1-60. */
  readonly fps: number;
  /** JPEG quality, 0.1-1. */
  readonly quality: number;
  /** The picture's longer side in pixels. */
  readonly width: number;
  /** The id that the browser gives to a camera of this machine, or "" for any camera that fits `facing`. */
  readonly deviceId: string;
  readonly facing: "user" | "environment";
  /** Send no more than viewers need; if off, send everything always. */
  readonly demand: boolean;
  /** Lower quality, size and rate if the uplink is too slow; if off, drop frames instead. */
  readonly adapt: boolean;
  /** Do not send a picture again that looks like the last one; if off, send every picture. */
  readonly skipStill: boolean;
}

export const LIMITS = { fps: [1, 60], quality: [0.1, 1], width: [64, 7680] } as const;

export const DEFAULTS = {
  name: "",
  fps: 15,
  quality: 0.7,
  width: 1280,
  deviceId: "",
  facing: "environment",
  demand: true,
  adapt: true,
  skipStill: false,
} as const satisfies Omit<CaptureSettings, "cameraId">;

/** Brings every value into its limits. A value of the wrong type is replaced by the value in `fallback`. */
export function sanitize(
  given: Partial<Record<keyof CaptureSettings, unknown>>,
  fallback: CaptureSettings,
): CaptureSettings {
  return {
    cameraId: isCameraId(given.cameraId) ? given.cameraId : fallback.cameraId,
    name: typeof given.name === "string" ? (cleanName(given.name) ?? "") : fallback.name,
    fps: Math.round(clamp(given.fps, LIMITS.fps, fallback.fps)),
    quality: clamp(given.quality, LIMITS.quality, fallback.quality),
    width: Math.round(clamp(given.width, LIMITS.width, fallback.width)),
    deviceId: typeof given.deviceId === "string" ? given.deviceId : fallback.deviceId,
    facing: given.facing === "user" || given.facing === "environment" ? given.facing : fallback.facing,
    demand: typeof given.demand === "boolean" ? given.demand : fallback.demand,
    adapt: typeof given.adapt === "boolean" ? given.adapt : fallback.adapt,
    skipStill: typeof given.skipStill === "boolean" ? given.skipStill : fallback.skipStill,
  };
}

// Without 0, 1, i, l and o, which look alike: people read ids out to each other.
const ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz";
const SUFFIX = new RegExp(`^(.+)-([${ALPHABET}]{6})$`);
const UNNAMED = "camera";

/** Returns an id that is probably unique: `camera-` and 6 random letters and digits. */
export function generateCameraId(random: () => number = Math.random): string {
  let id = `${UNNAMED}-`;
  for (let i = 0; i < 6; i++) id += ALPHABET[Math.floor(random() * ALPHABET.length)] ?? "x";
  return id;
}

/**
 * Returns the id for a camera that gets another name: `front-door-` and the random letters and digits of the old id.
 * An id that a person has chosen stays, so this returns null for it.
 */
export function idForName({ cameraId, name }: Pick<CaptureSettings, "cameraId" | "name">, next: string) {
  const [, prefix, suffix] = SUFFIX.exec(cameraId) ?? [];
  if (suffix === undefined || (prefix !== UNNAMED && prefix !== slug(name))) return null;
  return `${slug(next)}-${suffix}`;
}

/** Returns a name in small letters, digits and dashes: "Front door" becomes `front-door`. */
function slug(name: string): string {
  const plain = name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const words = plain.replace(/[^a-z0-9]+/g, "-").slice(0, 40);
  return words.replace(/^-+|-+$/g, "") || UNNAMED;
}

export interface AddressSettings {
  readonly given: Partial<Record<keyof CaptureSettings, unknown>>;
  readonly autostart: boolean;
}

const YES = ["1", "true", "yes"];

/** Reads `?autostart=1&id=…&name=…&fps=…&quality=…&width=…&facing=…&demand=0&adapt=0&skipStill=1`. */
export function readAddress(search: string): AddressSettings {
  const query = new URLSearchParams(search);
  const given: Partial<Record<keyof CaptureSettings, unknown>> = {};
  for (const [key, parameter] of [
    ["cameraId", "id"],
    ["name", "name"],
    ["facing", "facing"],
  ] as const) {
    const value = query.get(parameter);
    if (value !== null && (key === "name" || value.trim() !== "")) given[key] = value;
  }
  for (const key of ["fps", "quality", "width"] as const) {
    const value = query.get(key);
    if (value !== null && value.trim() !== "") given[key] = Number(value);
  }
  for (const key of ["demand", "adapt", "skipStill"] as const) {
    const value = query.get(key);
    if (value !== null && value.trim() !== "") given[key] = YES.includes(value);
  }
  return { given, autostart: YES.includes(query.get("autostart") ?? "") };
}

/**
 * Returns the query that starts a page with these settings. With `withId`, the query includes the id and the name, so
 * the page is the same camera.
 */
export function writeAddress(
  settings: CaptureSettings,
  options: { withId: boolean; autostart: boolean },
): string {
  const query = new URLSearchParams();
  if (options.autostart) query.set("autostart", "1");
  if (options.withId) {
    query.set("id", settings.cameraId);
    if (settings.name !== "") query.set("name", settings.name);
  }
  for (const key of ["fps", "quality", "width", "facing"] as const) {
    if (settings[key] !== DEFAULTS[key]) query.set(key, String(settings[key]));
  }
  for (const key of ["demand", "adapt"] as const) if (!settings[key]) query.set(key, "0");
  if (settings.skipStill) query.set("skipStill", "1");
  return query.toString();
}

/** Returns the settings that the browser stored. Returns an empty object if the storage is forbidden or broken. */
export function loadSettings(
  storage: Pick<Storage, "getItem"> | null | undefined,
  key: string,
): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(storage?.getItem(key) ?? "{}");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Stores the settings in the browser. */
export function saveSettings(
  storage: Pick<Storage, "setItem"> | null | undefined,
  key: string,
  settings: CaptureSettings,
): void {
  try {
    storage?.setItem(key, JSON.stringify(settings));
  } catch {
    // The storage is full or forbidden: the settings are lost when the page is closed.
  }
}

function clamp(value: unknown, [low, high]: readonly [number, number], fallback: number): number {
  return typeof value === "number" && Number.isFinite(value)
    ? Math.min(high, Math.max(low, value))
    : fallback;
}
