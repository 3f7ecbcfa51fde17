/** The catalogue of one language: all words, and how numbers and times are written. */

import { en as english } from "./en/index.js";
import { createFormat, type Format } from "./format.js";
import { localeOf, type Language } from "./language.js";

export type Catalogue = typeof english;

export interface Words extends Catalogue {
  readonly language: Language;
  readonly format: Format;
}

export function createWords(language: Language, catalogue: Catalogue): Words {
  return { ...catalogue, language, format: createFormat(localeOf(language)) };
}

/** English is always there; other languages are loaded when they are needed. */
export const ENGLISH = createWords("en", english);

/** Loads the words of a language. Rejects if the network does not deliver them. */
export async function loadWords(language: Language): Promise<Words> {
  if (language === "en") return ENGLISH;
  const { de } = await import("./de/index.js");
  return createWords("de", de);
}
