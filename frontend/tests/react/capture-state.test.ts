import { describe, expect, it } from "vitest";
import type { AccessCode } from "../../src/core/access.js";
import { DEFAULTS } from "../../src/core/capture/settings.js";
import { CAMERA_OFF, NO_STATS, type CaptureSnapshot } from "../../src/core/capture/snapshot.js";
import { de } from "../../src/core/words/de/index.js";
import { createWords, ENGLISH } from "../../src/core/words/words.js";
import { captureState, type CaptureSurroundings } from "../../src/react/capture-state.js";

const settings = { ...DEFAULTS, cameraId: "door" };
const OFF: CaptureSnapshot = {
  ...CAMERA_OFF,
  settings,
  cameraLabel: "",
  method: "",
  sending: settings,
  narrow: false,
  summary: null,
  stats: NO_STATS,
};
const ON: CaptureSnapshot = { ...OFF, camera: "on", live: true };
const nobody = { viewers: 0, maxFps: 0.2, maxWidth: null, quality: null };

function state(snapshot: CaptureSnapshot, around: Partial<CaptureSurroundings> = {}) {
  const browser = { userAgent: "Firefox/150.0" };
  return captureState(snapshot, {
    unavailable: null,
    badId: null,
    seconds: 0,
    browser,
    words: ENGLISH,
    ...around,
  });
}

describe("a capture page without access", () => {
  const refused = (code: AccessCode): CaptureSnapshot => ({
    ...ON,
    connection: "ended",
    failure: { kind: "access-refused", code, reason: "no key." },
  });

  it("offers to sign in where there is a page for it", () => {
    expect(state(refused("unauthenticated"), { canSignIn: true })).toMatchObject({
      kind: "refused",
      title: "The server asks who you are",
      reason: "The reason: no key. Sign in, or open a link that was made for this camera.",
      button: "Sign in",
      action: "sign-in",
    });
    expect(state(refused("access-ended"), { canSignIn: true }).action).toBe("sign-in");
    expect(state(refused("unauthenticated")).action).toBe("resume");
  });

  it("offers no second account to a person who is known", () => {
    expect(state(refused("forbidden"), { canSignIn: true })).toMatchObject({
      button: "Try again",
      action: "resume",
    });
  });
});

describe("the state of a capture page", () => {
  it.each<[string, CaptureSnapshot, string, string]>([
    ["off", OFF, "Turn on the camera", "preview"],
    ["stopped", { ...OFF, summary: { seconds: 725, sent: 9000, bytes: 4.5e8 } }, "Go live again", "start"],
    ["asking", { ...OFF, camera: "starting" }, "Cancel", "stop"],
    ["previewing", { ...ON, live: false }, "Go live", "start"],
    ["connecting", { ...ON, connection: "connecting" }, "Stop", "stop"],
    ["live", { ...ON, connection: "on-air" }, "Stop", "stop"],
    ["live", { ...ON, connection: "on-air", demand: { ...nobody, viewers: 1 } }, "Stop", "stop"],
    ["unwatched", { ...ON, connection: "on-air", demand: nobody }, "Stop", "stop"],
    [
      "waiting",
      { ...ON, camera: "waiting", connection: "on-air", failure: { kind: "camera-lost" } },
      "Try now",
      "retry-camera",
    ],
    [
      "reconnecting",
      { ...ON, connection: "waiting", failure: { kind: "server-gone", retryAt: 0 } },
      "Retry now",
      "retry-connection",
    ],
    [
      "reconnecting",
      { ...ON, connection: "connecting", failure: { kind: "origin-refused", origin: "http://x" } },
      "Retry now",
      "retry-connection",
    ],
    [
      "taken-over",
      { ...ON, connection: "ended", failure: { kind: "replaced", cameraId: "door" } },
      "Take it back",
      "resume",
    ],
    [
      "refused",
      { ...ON, connection: "ended", failure: { kind: "refused", cameraId: "door", reason: "full" } },
      "Try again",
      "resume",
    ],
    ["refused", { ...OFF, failure: { kind: "permission-denied" } }, "Ask again", "preview"],
    ["failed", { ...OFF, failure: { kind: "no-camera" } }, "Try again", "preview"],
  ])("is %s, with one button: %#", (kind, snapshot, button, action) => {
    const shown = state(snapshot);
    expect(shown).toMatchObject({ kind, button, action });
    expect(shown.title).not.toBe("");
  });

  it("has no button that does nothing where there can be no camera", () => {
    const insecure = { kind: "insecure-context", address: "http://cams" } as const;
    expect(state(OFF, { unavailable: insecure })).toMatchObject({ kind: "insecure", action: "watch" });
    expect(state(OFF, { unavailable: { kind: "unsupported" } })).toMatchObject({
      kind: "unsupported",
      action: "watch",
    });
    expect(state(OFF, { badId: "a b" })).toMatchObject({ kind: "bad-id", action: "use-id" });
  });

  it("gives the reason: what was sent, when it tries again, where to allow the camera", () => {
    const stopped = state({ ...OFF, summary: { seconds: 725, sent: 9000, bytes: 4.5e8 } });
    expect(stopped.title).toBe("Stopped after 12 min");
    expect(stopped.reason).toContain("9,000 pictures, 450.0 MB");
    const away: CaptureSnapshot = {
      ...ON,
      connection: "waiting",
      failure: { kind: "server-gone", retryAt: 0 },
    };
    expect(state(away, { seconds: 3 }).title).toBe("Reconnecting in 3 s");
    expect(state(away).reason).toContain("The server cannot be reached");
    expect(state({ ...OFF, failure: { kind: "permission-denied" } }).reason).toContain("crossed-out camera");
  });

  it("gives the server's reason in the person's language, if the server has sent a code", () => {
    const words = createWords("de", de);
    const failure = {
      kind: "refused",
      cameraId: "door",
      reason: "10 cameras is the limit",
      code: "server-full",
    } as const;
    const refused: CaptureSnapshot = { ...ON, connection: "ended", failure };
    expect(state(refused, { words }).reason).toContain("nimmt keine weitere Kamera auf");
    expect(state(refused).reason).toContain("10 cameras is the limit");
    const unknown = { ...failure, code: "new" };
    expect(state({ ...refused, failure: unknown }, { words }).reason).toContain("10 cameras is the limit");
  });
});
