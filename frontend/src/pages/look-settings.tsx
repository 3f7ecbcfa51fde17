/** The choices of how the pages look and speak. */

import { useId } from "react";
import { LANGUAGE_NAMES, languageOf, LANGUAGES } from "../core/words/language.js";
import { useStore } from "../react/use-store.js";
import { useWords } from "../react/words.js";
import { themeOf, THEMES } from "./look.js";
import { chooseLook, look } from "./shell.js";

export function LookSettings() {
  const words = useWords();
  const { language, theme } = useStore(look);
  const id = useId();
  return (
    <div className="sky-form">
      <div className="sky-field">
        <label htmlFor={`${id}-language`}>{words.look.language}</label>
        <select
          id={`${id}-language`}
          value={language ?? ""}
          onChange={({ target }) => chooseLook({ language: languageOf(target.value) ?? null })}
        >
          <option value="">{words.look.asBrowser}</option>
          {LANGUAGES.map((one) => (
            <option key={one} value={one} lang={one}>
              {LANGUAGE_NAMES[one]}
            </option>
          ))}
        </select>
      </div>
      <div className="sky-field">
        <label htmlFor={`${id}-theme`}>{words.look.theme}</label>
        <select
          id={`${id}-theme`}
          value={theme ?? ""}
          onChange={({ target }) => chooseLook({ theme: themeOf(target.value) ?? null })}
        >
          <option value="">{words.look.asSystem}</option>
          {THEMES.map((one) => (
            <option key={one} value={one}>
              {words.look.themes[one]}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}
