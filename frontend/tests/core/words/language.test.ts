// @vitest-environment happy-dom
import { afterEach, expect, it, vi } from "vitest";
import { chooseLanguage, documentLanguage, localeOf } from "../../../src/core/words/language.js";

afterEach(() => document.documentElement.removeAttribute("lang"));

it.each([
  [["de-AT", "en"], "de"],
  [["fr", "DE", "en"], "de"],
  [["fr", "en-GB"], "en"],
  [["den"], "en"],
  [[null, undefined, 5], "en"],
  [[], "en"],
])("of %j the language is %s", (wanted, language) => {
  expect(chooseLanguage(...wanted)).toBe(language);
});

it("is the one of the document, and without that the one of the browser", () => {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["de-CH", "en"]);
  expect(documentLanguage()).toBe("de");
  document.documentElement.lang = "en-US";
  expect(documentLanguage()).toBe("en");
  document.documentElement.lang = "fr";
  expect(documentLanguage()).toBe("de");
});

it("is written as in the person's country", () => {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["fr", "de-CH", "e_n", "de"]);
  expect(localeOf("de")).toBe("de-CH");
  expect(localeOf("en")).toBe("en");
});
