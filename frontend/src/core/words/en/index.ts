/** All words of the pages and components in English. The other languages have the same keys. */

import * as access from "./access.js";
import * as capture from "./capture.js";
import { failures, permission, refusals } from "./failures.js";
import * as pages from "./pages.js";
import * as phone from "./phone.js";
import * as viewer from "./viewer.js";

export const en = { ...viewer, ...capture, ...pages, ...phone, ...access, failures, permission, refusals };
