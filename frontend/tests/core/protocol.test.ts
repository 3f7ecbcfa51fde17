import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  decodeViewerMessage,
  encodeAck,
  encodeDescribe,
  encodeLive,
  encodeSeek,
  encodeSubscribe,
  encodeUnsubscribe,
  type CameraIds,
  type Position,
} from "../../src/core/viewer/messages.js";
import {
  cleanName,
  CloseCode,
  decodeEnvelope,
  decodeServerMessage,
  encodeAuthenticate,
  encodeClock,
  encodeControl,
  encodeEnvelope,
  encodeGoodbye,
  encodeRegistration,
  encodeSame,
  isCameraId,
  ProtocolError,
  type Registration,
} from "../../src/core/protocol.js";
import { JPEG } from "../fakes.js";

interface Golden {
  readonly name: string;
  readonly text: string;
  readonly value: Record<string, unknown> | null;
  readonly canonical: boolean;
}
interface GoldenEnvelope {
  readonly name: string;
  readonly header: Record<string, unknown>;
  readonly jpegBase64: string;
  readonly messageBase64: string;
}

const messages =
  golden<Record<"camera-to-server" | "server-to-camera" | "viewer-to-server" | "server-to-viewer", Golden[]>>(
    "messages.json",
  );
const envelopes = golden<{ frames: GoldenEnvelope[]; refused: { name: string; messageBase64: string }[] }>(
  "envelopes.json",
);

/** Types for other viewers, or for a log only: they are ignored, whatever their content is. */
const IGNORED = ["frame_update", "demand"];

const refusals = golden<{ closeCodes: Record<string, number> }>("refusals.json");

describe("golden close codes", () => {
  it.each(Object.entries(CloseCode))("%s is %i", (name, code) => {
    expect(refusals.closeCodes[name]).toBe(code);
  });
});

describe("golden messages", () => {
  it.each([...messages["server-to-camera"], ...messages["server-to-viewer"]])(
    "reads: $name",
    ({ text, value }) => {
      const decoded = decodeViewerMessage(text);
      if (value === null || IGNORED.includes(String(value.type))) {
        expect(decoded).toBeNull();
        return;
      }
      expect(decoded).toMatchObject(expectation(value));
    },
  );

  it.each(
    [...messages["camera-to-server"], ...messages["viewer-to-server"]].filter(({ canonical }) => canonical),
  )("writes: $name", ({ text, value }) => {
    const written = encode(value ?? {});
    // The page does not send every type.
    if (written === null) return;
    // Compared as text, so that the order of the keys counts; JavaScript writes the float 5.0 as 5.
    expect(written).toBe(JSON.stringify(JSON.parse(text)));
  });

  it.each(envelopes.frames)("reads the envelope: $name", ({ header, jpegBase64, messageBase64 }) => {
    const decoded = decodeEnvelope(bytes(messageBase64).buffer);
    expect(decoded.header).toEqual({
      cameraId: header.clientId,
      sequence: header.sequence,
      timestamp: Date.parse(String(header.timestamp)),
      size: header.size,
      fps: header.fps,
      ...(typeof header.capturedAt === "number" && { capturedAt: header.capturedAt }),
      ...(typeof header.live === "boolean" && { live: header.live }),
    });
    expect([...decoded.jpeg]).toEqual([...bytes(jpegBase64)]);
  });

  it.each(envelopes.frames)("writes the envelope: $name", ({ header, jpegBase64, messageBase64 }) => {
    const read = (message: Uint8Array) => {
      const end = 2 + (message[0] ?? 0) * 256 + (message[1] ?? 0);
      return [
        JSON.parse(new TextDecoder().decode(message.subarray(2, end))),
        [...message.subarray(end)],
      ] as unknown[];
    };
    // Not byte for byte: JavaScript writes the float 0.0 as 0.
    expect(read(encodeEnvelope(header, bytes(jpegBase64)))).toEqual(read(bytes(messageBase64)));
  });

  it.each(envelopes.refused)("refuses the envelope: $name", ({ messageBase64 }) => {
    expect(() => decodeEnvelope(bytes(messageBase64).buffer)).toThrow(ProtocolError);
  });
});

describe("envelopes", () => {
  const good = { type: "frame", clientId: "a", sequence: 1, timestamp: "2026-01-01T00:00:00Z" };

  it.each([
    ["an id that is a path", { ...good, clientId: "../x" }, "camera id"],
    ["an id that is markup", { ...good, clientId: "<img src=x onerror=alert(1)>" }, "camera id"],
    ["a negative sequence", { ...good, sequence: -1 }, "sequence"],
    ["a sequence as text", { ...good, sequence: "1" }, "sequence"],
    ["an invalid timestamp", { ...good, timestamp: "yesterday" }, "timestamp"],
    ["a timestamp of another type", { ...good, timestamp: 5 }, "timestamp"],
  ])("refuses %s", (_, header, words) => {
    expect(() => decodeEnvelope(encodeEnvelope(header, JPEG).buffer)).toThrow(words);
  });

  it("refuses bytes that are not a JPEG", () => {
    expect(() => decodeEnvelope(encodeEnvelope(good, new Uint8Array(8)).buffer)).toThrow("JPEG");
  });

  it("neither writes nor reads a header longer than 4096 bytes", () => {
    const padding = 4096 - JSON.stringify({ ...good, name: "" }).length;
    const longest = encodeEnvelope({ ...good, name: "x".repeat(padding) }, JPEG);
    expect(decodeEnvelope(longest.buffer).header.sequence).toBe(1);
    expect(() => encodeEnvelope({ ...good, name: "x".repeat(padding + 1) }, JPEG)).toThrow("4096");
    new DataView(longest.buffer).setUint16(0, 4097);
    expect(() => decodeEnvelope(longest.buffer)).toThrow("4096");
  });
});

describe("hostile text", () => {
  it.each([
    "",
    "[",
    "[]",
    "7",
    "null",
    '{"type":7}',
    '{"type":"clients"}',
    '{"type":"clock"}',
    "[".repeat(100_000),
  ])("ignores %#", (text) => {
    expect(decodeServerMessage(text)).toBeNull();
  });

  it.each([
    '{"type":"registration-success","clientId":"<b>"}',
    '{"type":"client-connected","clientId":".."}',
  ])("ignores a message with an invalid id: %s", (text) => {
    expect(decodeServerMessage(text)).toBeNull();
  });

  it("skips invalid cameras and keeps the others", () => {
    const clients = [
      7,
      null,
      { clientId: "<b>" },
      { clientId: "ok", name: "\u202eevil\u0000", online: false, fps: "9" },
    ];
    expect(decodeServerMessage(JSON.stringify({ type: "clients", clients }))).toEqual({
      type: "clients",
      cameras: [{ cameraId: "ok", name: "evil", online: false }],
    });
  });

  it("cleans the reason of a refusal, and replaces a missing one", () => {
    expect(decodeServerMessage('{"type":"registration-error","error":"no\\u0007 \\n room"}')).toEqual({
      type: "registration-error",
      error: "no room",
    });
    expect(decodeServerMessage('{"type":"registration-error"}')).toMatchObject({
      error: "the server gave no reason",
    });
  });
});

describe("ids and labels", () => {
  it.each(["a", "front-door", "cam_1.A", "x".repeat(64), "..."])("takes the id %s", (id) => {
    expect(isCameraId(id)).toBe(true);
  });

  it.each([
    "",
    ".",
    "..",
    "a b",
    "a/b",
    "../x",
    "<script>",
    "a\u0000",
    "\u202ea",
    "\ud800",
    "é",
    "x".repeat(65),
    7,
    null,
  ])("refuses the id %j", (id) => {
    expect(isCameraId(id)).toBe(false);
  });

  it("reduces a label to printable text on one line, and an empty label to nothing", () => {
    expect(cleanName("  Front\n\tdoor \u202e\u2066\ud800 ")).toBe("Front door");
    expect(cleanName(" \u200f ")).toBeUndefined();
    expect(cleanName(7)).toBeUndefined();
    expect(cleanName("🎥".repeat(100))).toBe("🎥".repeat(80));
  });
});

function golden<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../../../tests/golden/${file}`, import.meta.url), "utf8")) as T;
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64, "base64"));
}

/** Returns what a golden message must be decoded to: camera ids have their own name, and unused fields are left out. */
function expectation(value: Record<string, unknown>): Record<string, unknown> {
  const camera = ({ clientId, name, online = true, fps, condition }: Record<string, unknown>) => ({
    cameraId: clientId,
    online,
    ...(typeof name === "string" && { name }),
    ...(typeof fps === "number" && { fps }),
    ...(condition !== undefined && { condition }),
  });
  switch (value.type) {
    case "clients":
      return { type: "clients", cameras: (value.clients as Record<string, unknown>[]).map(camera) };
    case "client-connected":
      return { type: value.type, camera: camera(value) };
    case "registration-error":
      return { type: value.type, error: value.error, code: value.code };
    case "registration-success":
      return {
        type: value.type,
        cameraId: value.clientId,
        ...(typeof value.maxFrameSize === "number" && { maxFrameSize: value.maxFrameSize }),
        ...(Array.isArray(value.capabilities) && { capabilities: value.capabilities }),
      };
    case "authenticated":
      return {
        type: value.type,
        ...(typeof value.expiresAt === "number" && { expiresAt: value.expiresAt }),
      };
    case "result":
      return { type: value.type, cameraId: value.clientId, sequence: value.sequence, boxes: value.boxes };
    case "latency":
      return { type: value.type, cameras: (value.cameras as Record<string, unknown>[]).map(renamed) };
    case "playback": {
      const results = value.results as [number, number][] | undefined;
      return { ...renamed(value), ...(results && { results: results.map(([from, to]) => ({ from, to })) }) };
    }
    default:
      return renamed(value);
  }
}

function renamed({ clientId, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return clientId === undefined ? fields : { cameraId: clientId, ...fields };
}

function named({ clientId, clients }: Record<string, unknown>): CameraIds {
  return (clientId ?? clients) as CameraIds;
}

function encode(value: Record<string, unknown>): string | null {
  switch (value.type) {
    case "client-registration": {
      const { type: _, ...registration } = renamed(value);
      return encodeRegistration(registration as unknown as Registration);
    }
    case "clock":
      return encodeClock(value.sentAt as number);
    case "authenticate":
      return encodeAuthenticate(String(value.token));
    case "same": {
      const { type: _, ...header } = value;
      return encodeSame(header);
    }
    case "goodbye":
      return encodeGoodbye();
    case "pause":
    case "resume":
      return encodeControl(value.type);
    case "subscribe":
      return encodeSubscribe(value.clients as string[] | "*", value);
    case "unsubscribe":
      return encodeUnsubscribe(value.clients as string[]);
    case "ack":
      return encodeAck(String(value.clientId), Number(value.sequence), value.paintedAt as number | undefined);
    case "seek": {
      const { type: _, clientId: _id, clients: _ids, speed, ...position } = value;
      return encodeSeek(named(value), position as Position, Number(speed));
    }
    case "playback":
      return encodeDescribe(named(value));
    case "live":
      return encodeLive(named(value));
    default:
      return null;
  }
}
