import { describe, expect, it } from "vitest";
import { decideStatus, type CameraEvidence } from "../../../src/core/viewer/status.js";

const LIVE: CameraEvidence = {
  connected: true,
  known: true,
  online: true,
  stopped: false,
  reachable: true,
  watched: true,
  askedAt: 0,
  freshAt: 10_000,
  seen: true,
};
const decide = (change: Partial<CameraEvidence>, now = 10_000) => decideStatus({ ...LIVE, ...change }, now);

describe("the status of a camera", () => {
  it("is live for a frame that is at most three seconds old", () => {
    expect(decide({})).toBe("live");
    expect(decide({}, 13_000)).toBe("live");
    expect(decide({}, 13_001)).toBe("stalled");
  });

  it("is live in no other state of camera, server and page", () => {
    const changes: Partial<CameraEvidence>[] = [
      { connected: false },
      { known: false },
      { online: false },
      { online: false, stopped: true },
      { watched: false },
      { freshAt: undefined },
      { reachable: false },
    ];
    expect(changes.map((change) => decide(change))).toEqual([
      "unknown",
      "unknown",
      "offline",
      "stopped",
      "unknown",
      "stalled",
      "stalled",
    ]);
  });

  it("is waiting for three seconds after the page has asked, and until a first frame comes", () => {
    expect(decide({ freshAt: undefined, askedAt: 8000 })).toBe("waiting");
    expect(decide({ freshAt: undefined, askedAt: 6999 })).toBe("stalled");
    expect(decide({ freshAt: undefined, seen: false })).toBe("waiting");
    expect(decide({ known: undefined, online: false })).toBe("waiting");
  });
});
