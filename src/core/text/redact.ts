/** What stands where a secret stood. */
export const HIDDEN = "•••";

/** Shorter values are left alone: hiding every "1" or "yes" would make a text unreadable and give the value away. */
const SHORTEST = 4;
/** A line of a secret of several lines (a key file) is hidden by itself from this length on. */
const SHORTEST_LINE = 8;

export interface Redactor {
  readonly text: (text: string) => string;
  /** The same in every string of a JSON value, its keys too; a number that is a secret becomes text. */
  readonly json: (value: unknown) => unknown;
}

/**
 * Hides known secret values, however they are written: as they are, URL-encoded, escaped in JSON, line by line. Also
 * hides what is secret by its place: `user:password@` in a URL, and the credentials of an Authorization header.
 */
export function redactor(secrets: Iterable<string>): Redactor {
  const known = pattern([...secrets].flatMap(spellings));
  const text = (from: string): string => {
    const without = known === null ? from : from.replaceAll(known, HIDDEN);
    return without.replaceAll(USER_INFO, `://${HIDDEN}@`).replaceAll(CREDENTIALS, `$1${HIDDEN}`);
  };
  const json = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (typeof value === "number") {
      const shown = text(String(value));
      return shown === String(value) ? value : shown;
    }
    if (Array.isArray(value)) return value.map(json);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), json(inner)]));
  };
  return { text, json };
}

// Passwords may hold an unencoded "@": everything up to the last one before the path is taken.
// What an advice says of how an address is written (USER, USER:PASSWORD) is nobody's.
const USER_INFO = /:\/\/(?!USER(?::PASSWORD)?@[^\s/?#"'`<>@]*(?:[\s/?#"'`<>]|$))[^\s/?#"'`<>]+@/g;
const CREDENTIALS =
  /((?:proxy-)?authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:(?:basic|bearer|digest|token)\s{1,4})?)[^\s"',;]+/gi;

function spellings(secret: string): string[] {
  const whole = secret.trim();
  const lines = whole.includes("\n")
    ? whole
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line.length >= SHORTEST_LINE)
    : [];
  return [secret, whole, ...lines]
    .filter((text) => text.length >= SHORTEST)
    .flatMap((text) => [text, JSON.stringify(text).slice(1, -1), urlEncoded(text)]);
}

function urlEncoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // Half of a surrogate pair can't be encoded, so it can't appear that way either.
    return text;
  }
}

function pattern(texts: readonly string[]): RegExp | null {
  // The longest first: of two secrets that begin alike the longer one must not leave its end behind.
  const unique = [...new Set(texts)].sort((a, b) => b.length - a.length);
  if (unique.length === 0) return null;
  return new RegExp(unique.map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)).join("|"), "g");
}
