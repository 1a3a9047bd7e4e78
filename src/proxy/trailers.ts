import { isForbiddenTrailer } from "./header-names.ts";

/** The trailers that may be passed on, of a message's raw ones: name, value, name, value … */
export function trailersOf(raw: readonly string[]): [string, string][] {
  const trailers: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!isForbiddenTrailer(name)) trailers.push([name, raw[i + 1] as string]);
  }
  return trailers;
}
