/** The languages of the pages, and how one is chosen. */

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];
/** Each language by its own name. */
export const LANGUAGE_NAMES: Record<Language, string> = { en: "English", de: "Deutsch" };

/** Returns the language of a tag such as "de-AT", or undefined if it is none of ours. */
export function languageOf(tag: unknown): Language | undefined {
  const language = typeof tag === "string" ? tag.toLowerCase().split(/[-_]/)[0] : undefined;
  return LANGUAGES.find((one) => one === language);
}

/** Returns the first of these that is a language of ours; English if none is. */
export function chooseLanguage(...wanted: readonly unknown[]): Language {
  return wanted.map(languageOf).find((language) => language !== undefined) ?? "en";
}

/** Returns the languages that the person prefers, the best first; empty on a server. */
export function browserLanguages(): readonly string[] {
  return typeof document === "undefined" ? [] : navigator.languages;
}

/** Returns the language of the document that shows a component: its `lang`, or else the one of the browser. */
export function documentLanguage(): Language {
  if (typeof document === "undefined") return "en";
  return chooseLanguage(document.documentElement.lang, ...browserLanguages());
}

/** Returns the person's own variant of a language, such as "de-CH", which decides how numbers and dates are written. */
export function localeOf(language: Language): string {
  return browserLanguages().find((tag) => languageOf(tag) === language && isLocale(tag)) ?? language;
}

function isLocale(tag: string): boolean {
  try {
    return Intl.NumberFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    // Some browsers can be set to an invalid language.
    return false;
  }
}
