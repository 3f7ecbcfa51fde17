/** The parts that all pages share: the head with its links, the choice of the language, and the start of React. */

import { StrictMode, useEffect, useState, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { browserLanguages, chooseLanguage, type Language } from "../core/words/language.js";
import { ENGLISH, loadWords, type Words } from "../core/words/words.js";
import { useStore } from "../react/use-store.js";
import { useWords, WordsProvider } from "../react/words.js";
import { browserStorage } from "./browser-storage.js";
import { LookChoices, withoutLook, type Look } from "./look.js";
import mark from "./mark.svg";
import "../react/skysentry.css";
import "../react/themes.css";
import "./pages.css";

const choices = new LookChoices(browserStorage(), location.search);
export const { look } = choices;

/** The system asks for more contrast than a theme without a name has. */
const moreContrast = matchMedia("(prefers-contrast: more)");

/** Without a name, the theme is light or dark as the system. */
function showTheme(): void {
  const theme = look.getSnapshot().theme ?? (moreContrast.matches ? "contrast" : null);
  const { dataset } = document.documentElement;
  if (theme === null) delete dataset.skyTheme;
  else dataset.skyTheme = theme;
}
showTheme();
look.subscribe(showTheme);
moreContrast.addEventListener("change", showTheme);

/** Remembers a choice of the person, which the address must then not contradict. */
export function chooseLook(change: Partial<Look>): void {
  choices.choose(change);
  const search = withoutLook(location.search, change);
  history.replaceState(history.state, "", `${location.pathname}${search}${location.hash}`);
}

/** Shows a page in the person's language, once its words are there. */
export async function mount(page: ReactNode): Promise<void> {
  const root = document.getElementById("root");
  if (!root) return;
  // Without the words of a language, the page is there in English.
  const first = await loadWords(languageIn(look.getSnapshot())).catch(() => ENGLISH);
  createRoot(root).render(
    <StrictMode>
      <Translated first={first}>{page}</Translated>
    </StrictMode>,
  );
}

function languageIn({ language }: Look): Language {
  return language ?? chooseLanguage(...browserLanguages());
}

/** Follows the choice of the language while the page is open. */
function Translated({ first, children }: { first: Words; children: ReactNode }) {
  const [words, setWords] = useState(first);
  const language = useStore(look, languageIn);
  useEffect(() => {
    let current = true;
    loadWords(language).then(
      (loaded) => {
        if (current) setWords((before) => (before.language === loaded.language ? before : loaded));
      },
      // The page stays in the language that it has.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [language]);
  useEffect(() => {
    document.documentElement.lang = words.language;
  }, [words]);
  return <WordsProvider value={words}>{children}</WordsProvider>;
}

export type PageName = "viewer" | "capture" | "sign-in" | "admin";

export function PageHead({ current, children }: { current: PageName; children?: ReactNode }) {
  const words = useWords();
  const here = { "aria-current": "page" } as const;
  return (
    <header className="page-head">
      <h1 className="page-brand">
        <img src={mark} alt="" /> SkySentry
      </h1>
      {/* Relative links keep a path prefix. */}
      <nav className="page-nav" aria-label={words.page.navigation}>
        <a href="./" {...(current === "viewer" ? here : {})}>
          {words.page.cameras}
        </a>
        <a href="./capture" {...(current === "capture" ? here : {})}>
          {words.page.capture}
        </a>
      </nav>
      {children}
    </header>
  );
}
