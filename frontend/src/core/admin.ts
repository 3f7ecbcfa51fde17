/** What administrators read and change: keys, users, links, and who is connected. */

import { isFiniteNumber, isObject } from "./protocol.js";
import { readActions, type AccessApi, type Actions } from "./rest.js";

export const ACTIONS = ["view", "history", "publish", "annotate", "events", "metrics", "admin"] as const;
export type Action = (typeof ACTIONS)[number];

/** Times are in milliseconds since the epoch. */
export interface KeyInfo {
  readonly id: string;
  readonly name: string;
  readonly allow: Actions;
  readonly createdAt: number | null;
  readonly expiresAt: number | null;
}

export interface UserInfo {
  readonly name: string;
  readonly allow: Actions;
}

/** One connection. */
export interface ConnectionInfo {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  /** `camera`, `viewer` or `request`. */
  readonly role: string;
  readonly cameraId: string | null;
  readonly address: string;
  readonly since: number | null;
}

export interface LinkInfo {
  readonly url: string;
  readonly expiresAt: number | null;
}

export class AdminApi {
  constructor(private readonly api: AccessApi) {}

  async keys(): Promise<KeyInfo[]> {
    return list(await this.api.ask("GET", "keys"), "keys", readKey);
  }

  /** Makes a key. `key` is the only time that the server shows it. */
  async addKey(name: string, allow: Actions, expiresAt: number | null): Promise<{ key: string }> {
    const { key } = await this.api.ask("POST", "keys", { name, allow, expiresAt });
    return { key: text(key) };
  }

  async revokeKey(id: string): Promise<void> {
    await this.api.ask("DELETE", `keys/${encodeURIComponent(id)}`);
  }

  async users(): Promise<UserInfo[]> {
    return list(await this.api.ask("GET", "users"), "users", readUser);
  }

  async addUser(name: string, password: string, allow: Actions): Promise<void> {
    await this.api.ask("POST", "users", { name, password, allow });
  }

  async removeUser(name: string): Promise<void> {
    await this.api.ask("DELETE", `users/${encodeURIComponent(name)}`);
  }

  /**
   * Makes a signed link for one camera and one action. `expiresIn` is in seconds. A link with `once` counts only for the
   * first browser that opens it.
   */
  async addLink(
    action: "view" | "publish",
    clientId: string,
    expiresIn: number,
    once: boolean,
  ): Promise<LinkInfo> {
    const { url, expiresAt } = await this.api.ask("POST", "links", { action, clientId, expiresIn, once });
    return { url: text(url), expiresAt: time(expiresAt) };
  }

  async connections(): Promise<ConnectionInfo[]> {
    return list(await this.api.ask("GET", "sessions"), "sessions", readConnection);
  }

  async endConnection(id: string): Promise<void> {
    await this.api.ask("DELETE", `sessions/${encodeURIComponent(id)}`);
  }

  /** The ids of the cameras that the server knows. */
  async cameraIds(): Promise<string[]> {
    return list(await this.api.ask("GET", "clients"), "details", ({ clientId }) => text(clientId));
  }
}

/** Reads the cameras that a person has typed: ids, patterns and groups, between spaces or commas. All if there are none. */
export function readTargets(typed: string): string[] {
  const targets = typed.split(/[\s,;]+/).filter((target) => target !== "");
  return targets.length === 0 ? ["*"] : [...new Set(targets)];
}

function list<T>(
  answer: Record<string, unknown>,
  name: string,
  read: (fields: Record<string, unknown>) => T,
): T[] {
  const found = answer[name];
  return Array.isArray(found) ? found.filter(isObject).map(read) : [];
}

function readKey(fields: Record<string, unknown>): KeyInfo {
  return {
    id: text(fields.id),
    name: text(fields.name),
    allow: readActions(fields.allow),
    createdAt: time(fields.createdAt),
    expiresAt: time(fields.expiresAt),
  };
}

function readUser(fields: Record<string, unknown>): UserInfo {
  return { name: text(fields.name), allow: readActions(fields.allow) };
}

function readConnection(fields: Record<string, unknown>): ConnectionInfo {
  return {
    id: text(fields.id),
    name: text(fields.name),
    kind: text(fields.kind),
    role: text(fields.role),
    cameraId: typeof fields.clientId === "string" ? fields.clientId : null,
    address: text(fields.address),
    since: time(fields.since),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function time(value: unknown): number | null {
  return isFiniteNumber(value) ? value : null;
}
