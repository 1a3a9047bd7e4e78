import type * as Http from "node:http";
import type * as Https from "node:https";

/**
 * node:http, loaded when it is first used, and without what `import` adds: to know the names that it exports Node asks
 * it for its WebSocket, which loads all of undici, and a command that is over in 100 ms takes 40 ms longer.
 */
export function http(): typeof Http {
  return process.getBuiltinModule("node:http");
}

/** The same for node:https, with the 20 ms that TLS takes to load. */
export function https(): typeof Https {
  return process.getBuiltinModule("node:https");
}
