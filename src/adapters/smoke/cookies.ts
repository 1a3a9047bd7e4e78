import type { Instant } from "../../core/time/time.ts";

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly expiresAt: Instant;
}

/**
 * The cookies of one flow, which talks to one place: neither the domain nor `Secure` keeps one back, because the same
 * flow asks an instance directly and through the front door, and an app may know only its public name.
 */
export class CookieJar {
  #cookies: readonly Cookie[] = [];

  /** Takes the Set-Cookie lines of an answer to a request for `path`. */
  take(lines: readonly string[], path: string, now: Instant): void {
    for (const cookie of lines.flatMap((line) => parse(line, path, now))) {
      const others = this.#cookies.filter((known) => known.name !== cookie.name || known.path !== cookie.path);
      this.#cookies = cookie.expiresAt <= now ? others : [...others, cookie];
    }
  }

  /** The Cookie header for a request; undefined: none apply. The longest path goes first (RFC 6265, 5.4). */
  header(path: string, now: Instant): string | undefined {
    const sent = this.#cookies
      .filter((cookie) => cookie.expiresAt > now && covers(cookie.path, path))
      .sort((a, b) => b.path.length - a.path.length);
    return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join("; ");
  }
}

function parse(line: string, path: string, now: Instant): Cookie[] {
  const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
  const equals = pair.indexOf("=");
  if (equals < 1) return [];
  const given = new Map(
    attributes.map((attribute): [string, string] => {
      const [name = "", ...value] = attribute.split("=");
      return [name.trim().toLowerCase(), value.join("=").trim()];
    }),
  );
  const wanted = given.get("path");
  return [
    {
      name: pair.slice(0, equals),
      value: pair.slice(equals + 1),
      path: wanted?.startsWith("/") === true ? wanted : defaultPath(path),
      expiresAt: expiry(given, now),
    },
  ];
}

/** `Max-Age` goes before `Expires`; neither: as long as the flow lasts. */
function expiry(given: ReadonlyMap<string, string>, now: Instant): Instant {
  const maxAge = Number(given.get("max-age") || Number.NaN);
  if (!Number.isNaN(maxAge)) return now + maxAge * 1_000;
  const at = Date.parse(given.get("expires") ?? "");
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at;
}

function defaultPath(path: string): string {
  const folder = path.slice(0, path.lastIndexOf("/"));
  return folder === "" ? "/" : folder;
}

function covers(cookiePath: string, path: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith("/") ? cookiePath : `${cookiePath}/`);
}
