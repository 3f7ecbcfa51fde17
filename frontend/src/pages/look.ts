/** How the pages look and speak: as the address says, or as the person has chosen before, or as the browser prefers. */

import { Store, type Readable } from "../core/store.js";
import { languageOf, type Language } from "../core/words/language.js";

export const THEMES = ["light", "dark", "contrast"] as const;
export type Theme = (typeof THEMES)[number];

export interface Look {
  /** Null means the language of the browser. */
  readonly language: Language | null;
  /** Null means as the system. */
  readonly theme: Theme | null;
}

const KEY = "skysentry-look";
/** The names of the choices in the address. */
const IN_ADDRESS = { language: "lang", theme: "theme" } as const satisfies Record<keyof Look, string>;

export class LookChoices {
  private readonly store: Store<Look>;
  readonly look: Readable<Look>;
  /** What the browser remembers, which what the address says is no part of. */
  private stored: Look;

  constructor(
    private readonly storage: Pick<Storage, "getItem" | "setItem"> | null,
    search: string,
  ) {
    this.stored = this.read();
    const query = new URLSearchParams(search);
    this.look = this.store = new Store({
      language: languageOf(query.get(IN_ADDRESS.language)) ?? this.stored.language,
      theme: themeOf(query.get(IN_ADDRESS.theme)) ?? this.stored.theme,
    });
  }

  choose(change: Partial<Look>): void {
    this.stored = { ...this.stored, ...change };
    this.store.set({ ...this.store.getSnapshot(), ...change });
    try {
      this.storage?.setItem(KEY, JSON.stringify(this.stored));
    } catch {
      // The storage is full or forbidden. The choice then lasts as long as the page.
    }
  }

  private read(): Look {
    let stored: unknown;
    try {
      stored = JSON.parse(this.storage?.getItem(KEY) ?? "{}");
    } catch {
      // Forbidden, or written by somebody else.
    }
    const { language, theme } = (stored ?? {}) as Partial<Record<keyof Look, unknown>>;
    return { language: languageOf(language) ?? null, theme: themeOf(theme) ?? null };
  }
}

/** Returns the theme of this name, or undefined if there is none. */
export function themeOf(name: unknown): Theme | undefined {
  return THEMES.find((theme) => theme === name);
}

/** Returns the part of a query that says how a page looks, with a leading "&"; empty if it does not say so. */
export function lookQuery(search: string): string {
  const query = new URLSearchParams(search);
  const kept = new URLSearchParams();
  for (const name of Object.values(IN_ADDRESS)) {
    const value = query.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept.size > 0 ? `&${kept}` : "";
}

/** Returns a query without what it says about choices that the person has now made otherwise. */
export function withoutLook(search: string, change: Partial<Look>): string {
  const query = new URLSearchParams(search);
  for (const key of Object.keys(change) as (keyof Look)[]) query.delete(IN_ADDRESS[key]);
  const written = query.toString().replaceAll("%2C", ",");
  return written === "" ? "" : `?${written}`;
}
