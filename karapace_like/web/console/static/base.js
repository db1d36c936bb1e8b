// What every module needs of Preact, and the context that holds who is logged in.

import { createContext } from "./vendored/preact.js";

export * from "./vendored/preact.js";
/** The answer of `GET /console/caller`, with functions of the shell. */
export const Session = createContext(null);
