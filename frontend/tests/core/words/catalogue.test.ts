import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { de } from "../../../src/core/words/de/index.js";
import { element as germanElement } from "../../../src/core/words/de/element.js";
import { en } from "../../../src/core/words/en/index.js";
import { element as englishElement } from "../../../src/core/words/en/element.js";

const FILES = import.meta.glob<string>(["../../../src/**/*.{ts,tsx}", "!../../../src/core/words/**"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const CODE = Object.values(FILES).join("\n");

const FAILURE = {
  address: "3",
  cameraId: "3",
  code: "forbidden",
  detail: "3",
  given: "3",
  origin: "3",
  reason: "3",
  status: 403,
};

/** Returns the texts of a part of a catalogue by their keys; functions are called with "3" for everything. */
function texts(part: unknown, path: string): [string, string][] {
  if (typeof part === "string") return [[path, part]];
  if (typeof part === "function")
    return texts(
      (part as (...values: unknown[]) => unknown)(path.includes(".failures") ? FAILURE : "3", "3", "3"),
      path,
    );
  return Object.entries(part as object).flatMap(([key, value]) => texts(value, `${path}.${key}`));
}

// TypeScript sees to it that every language has the same keys.
describe("the catalogue", () => {
  it("has no word that nothing shows", () => {
    const names = Object.entries(en).flatMap(([section, words]) =>
      Object.keys(words).map((key) => `${section}.${key}`),
    );
    // Failures, codes and states are looked up by their names.
    const lookedUp = ["failures", "refusals", "status", "pill", "panels"].filter((section) =>
      new RegExp(`words\\.${section}\\b`).test(CODE),
    );
    const unused = names.filter(
      (name) => !lookedUp.includes(name.split(".")[0] ?? "") && !new RegExp(`words\\.${name}\\b`).test(CODE),
    );
    expect(unused).toEqual([]);
    expect(Object.keys(englishElement).filter((key) => !CODE.includes(`this.words.${key}`))).toEqual([]);
  });

  it("has no empty text, and no text with a gap", () => {
    for (const language of [en, de, englishElement, germanElement])
      for (const [key, text] of texts(language, "")) {
        expect(text, key).not.toMatch(/^\s*$|undefined|null|NaN|\s{2}|\[object/);
      }
  });

  it("quotes as each language does", () => {
    for (const [key, text] of texts([en, englishElement], "")) expect(text, key).not.toMatch(/["„]/);
    for (const [key, text] of texts([de, germanElement], "")) expect(text, key).not.toMatch(/["”]/);
  });

  it("explains only error codes that the server has", () => {
    const codes = readFileSync("../src/skysentry_trio/base/exceptions.py", "utf8");
    expect(Object.keys(de.refusals).filter((code) => !codes.includes(`"${code}": Refusal(`))).toEqual([]);
  });
});
