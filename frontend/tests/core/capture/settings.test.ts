import { describe, expect, it } from "vitest";
import {
  DEFAULTS,
  generateCameraId,
  idForName,
  readAddress,
  loadSettings,
  sanitize,
  saveSettings,
  writeAddress,
  type CaptureSettings,
} from "../../../src/core/capture/settings.js";
import { isCameraId } from "../../../src/core/protocol.js";

const plain: CaptureSettings = { ...DEFAULTS, cameraId: "a" };

describe("capture settings", () => {
  it("are limited to their ranges", () => {
    expect(sanitize({ fps: 200, quality: 0, width: 10, name: " x\u202e " }, plain)).toMatchObject({
      fps: 60,
      quality: 0.1,
      width: 64,
      name: "x",
    });
    expect(sanitize({ fps: 0, quality: 3, width: 1e9 }, plain)).toMatchObject({
      fps: 1,
      quality: 1,
      width: 7680,
    });
  });

  it("fall back if a value has the wrong type", () => {
    const hostile = {
      cameraId: "<img onerror=x>",
      name: 7,
      fps: "9",
      quality: Number.NaN,
      facing: "up",
      demand: "no",
      adapt: 0,
      deviceId: null,
    };
    expect(sanitize(hostile, plain)).toEqual(plain);
    expect(sanitize({}, plain)).toEqual(plain);
  });

  it("accept valid values", () => {
    const good = {
      cameraId: "b",
      name: "",
      fps: 30,
      quality: 0.5,
      width: 640,
      deviceId: "d",
      facing: "user",
      demand: false,
      adapt: false,
      skipStill: true,
    };
    expect(sanitize(good, plain)).toEqual(good);
  });

  it("generate valid ids", () => {
    expect(isCameraId(generateCameraId())).toBe(true);
    expect(generateCameraId(() => 0)).toBe("camera-222222");
    expect(generateCameraId(() => 1)).toBe("camera-xxxxxx");
  });

  it("are the same after writing them to an address and reading it", () => {
    const settings = sanitize(
      {
        cameraId: "b",
        name: "A & B",
        fps: 30,
        quality: 0.5,
        width: 640,
        facing: "user",
        demand: false,
        adapt: false,
      },
      plain,
    );
    const { given, autostart } = readAddress(`?${writeAddress(settings, { withId: true, autostart: true })}`);
    expect(autostart).toBe(true);
    expect(sanitize(given, plain)).toEqual(settings);
  });

  it("are left out of the address if they are defaults, and so is the id for another camera", () => {
    expect(writeAddress(plain, { withId: false, autostart: false })).toBe("");
    expect(writeAddress(plain, { withId: true, autostart: false })).toBe("id=a");
  });

  it("read switches from the address in several spellings", () => {
    expect(readAddress("?demand=0&adapt=true").given).toEqual({ demand: false, adapt: true });
    expect(readAddress("?demand=&adapt=no").given).toEqual({ adapt: false });
  });

  it("ignore an empty number in the address", () => {
    expect(readAddress("?id=+&fps=&quality=abc&autostart=0")).toEqual({
      given: { quality: Number.NaN },
      autostart: false,
    });
  });

  it("work with storage that is missing, broken or forbidden", () => {
    const broken = { getItem: () => "{", setItem: () => undefined };
    const forbidden = {
      getItem: () => {
        throw new Error("no");
      },
      setItem: () => {
        throw new Error("no");
      },
    };
    expect(loadSettings(undefined, "k")).toEqual({});
    expect(loadSettings(broken, "k")).toEqual({});
    expect(loadSettings(forbidden, "k")).toEqual({});
    expect(loadSettings({ getItem: () => "null" }, "k")).toEqual({});
    expect(loadSettings({ getItem: () => '{"fps":5}' }, "k")).toEqual({ fps: 5 });
    expect(() => saveSettings(forbidden, "k", plain)).not.toThrow();
    expect(() => saveSettings(undefined, "k", plain)).not.toThrow();
  });
});

describe("the id of a camera with a name", () => {
  it.each([
    ["camera-abc234", "", "Front door", "front-door-abc234"],
    ["front-door-abc234", "Front door", "Küche, links", "kuche-links-abc234"],
    ["front-door-abc234", "Front door", "", "camera-abc234"],
    ["camera-abc234", "", "Кухня", "camera-abc234"],
    ["camera-abc234", "", "x".repeat(80), `${"x".repeat(40)}-abc234`],
    ["door", "", "Front door", null],
    ["side-door-abc234", "Front door", "Back door", null],
    ["camera-abc234-2", "", "Front door", null],
  ])("follows the name, unless a person has chosen it: %s", (cameraId, name, next, expected) => {
    const id = idForName({ cameraId, name }, next);
    expect(id).toBe(expected);
    if (id !== null) expect(isCameraId(id)).toBe(true);
  });
});
