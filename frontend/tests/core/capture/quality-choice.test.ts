import { expect, it } from "vitest";
import { QUALITY_CHOICES, qualityChoice } from "../../../src/core/capture/quality-choice.js";
import { DEFAULTS } from "../../../src/core/capture/settings.js";

it("recognizes the choices, and calls the defaults balanced", () => {
  expect(qualityChoice(DEFAULTS)).toBe("balanced");
  expect(qualityChoice(QUALITY_CHOICES.saver)).toBe("saver");
  expect(qualityChoice(QUALITY_CHOICES.sharp)).toBe("sharp");
  expect(qualityChoice({ ...DEFAULTS, fps: 16 })).toBeNull();
});
