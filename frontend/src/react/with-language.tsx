/** Gives components of the npm package a language: the one that the app names, or the one of the document. */

import { useSyncExternalStore, type ComponentType } from "react";
import { de } from "../core/words/de/index.js";
import { documentLanguage, type Language } from "../core/words/language.js";
import { createWords, ENGLISH, type Words } from "../core/words/words.js";
import { WordsProvider } from "./words.js";

export interface WithLanguage {
  /** If left out, the language of the document, or else the one of the browser. */
  readonly language?: Language | undefined;
}

let german: Words | undefined;

/** An app cannot wait for words, so the package has all languages in it. */
function wordsOf(language: Language): Words {
  return language === "en" ? ENGLISH : (german ??= createWords("de", de));
}

/** Calls back when the `lang` of the document changes. */
function watchDocument(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
  return () => observer.disconnect();
}

export function withLanguage<Props extends object>(Component: ComponentType<Props>, name: string) {
  const Translated = ({ language, ...props }: Props & WithLanguage) => {
    const ofDocument = useSyncExternalStore(watchDocument, documentLanguage, () => "en" as const);
    return (
      <WordsProvider value={wordsOf(language ?? ofDocument)}>
        <Component {...(props as unknown as Props)} />
      </WordsProvider>
    );
  };
  Translated.displayName = name;
  return Translated;
}
