/** What the server says of phones: its address with https, and the code with which a phone becomes a camera. */

import { isFiniteNumber, isObject } from "./protocol.js";
import type { AccessApi } from "./rest.js";

export interface PhoneCodeInfo {
  /** What the code holds. */
  readonly url: string;
  readonly state: "waiting" | "used" | "expired";
  /** By Date.now(); null if the code does not expire. */
  readonly expiresAt: number | null;
}

export interface PhoneInfo {
  /** Address of the server with https; null if it has none. */
  readonly https: string | null;
  /** Whether the server has made its certificate itself, so that browsers warn of it. */
  readonly selfSigned: boolean;
  /** Only for people who may give links, of a server that has a code. */
  readonly code: PhoneCodeInfo | null;
}

export async function askPhone(api: AccessApi): Promise<PhoneInfo> {
  return readPhone(await api.ask("GET", "phone"), Date.now());
}

/** Asks for a new code, if the present one is used or expired. */
export async function renewPhoneCode(api: AccessApi): Promise<PhoneInfo> {
  return readPhone(await api.ask("POST", "phone"), Date.now());
}

/** `now` is the time at which the answer came. */
export function readPhone(answer: Record<string, unknown>, now: number): PhoneInfo {
  const { https, selfSigned, code } = answer;
  return {
    https: typeof https === "string" && https.startsWith("https://") ? https : null,
    selfSigned: selfSigned === true,
    code: isObject(code) ? readCode(code, now) : null,
  };
}

function readCode({ url, state, expiresIn }: Record<string, unknown>, now: number): PhoneCodeInfo | null {
  if (typeof url !== "string") return null;
  return {
    url,
    state: state === "used" || state === "expired" ? state : "waiting",
    expiresAt: isFiniteNumber(expiresIn) ? now + expiresIn * 1000 : null,
  };
}
