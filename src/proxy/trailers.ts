import type { IncomingMessage } from "node:http";
import { isForbiddenTrailer } from "./header-names.ts";

/** The trailers that may be passed on; complete once the message has ended. */
export function trailersOf({ rawTrailers: raw }: IncomingMessage): [string, string][] {
  const trailers: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!isForbiddenTrailer(name)) trailers.push([name, raw[i + 1] as string]);
  }
  return trailers;
}
