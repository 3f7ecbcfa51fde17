/** Says in words what went wrong, and what a person can do about it. */

import type { Explanation, Failure, FailureWords } from "./failures.js";
import { failures } from "./words/en/failures.js";

/** Without `words`, the explanation is in English. */
export function explain(failure: Failure, words: FailureWords = failures): Explanation {
  // TypeScript does not see that the failure is of the kind that the function takes.
  return (words[failure.kind] as (failure: Failure) => Explanation)(failure);
}
