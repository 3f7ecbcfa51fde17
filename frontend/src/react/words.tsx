/** The words that components show, in the language that surrounds them; English if none does. */

import { createContext, useContext } from "react";
import { ENGLISH, type Words } from "../core/words/words.js";

const Surrounding = createContext<Words>(ENGLISH);

export const WordsProvider = Surrounding.Provider;

export function useWords(): Words {
  return useContext(Surrounding);
}
