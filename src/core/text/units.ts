import { type Share, WHOLE } from "../traffic/share.ts";
import { DAY, type Duration, HOUR, MINUTE, SECOND } from "../time/time.ts";

/** What came of reading a person's text: the value, or the fact that is wrong with it and how it is written. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly what: string; readonly fix: string };

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function misread(
  what: string,
  fix: string,
): { readonly ok: false; readonly what: string; readonly fix: string } {
  return { ok: false, what, fix };
}

const UNIT_MS: ReadonlyMap<string, Duration> = new Map(
  Object.entries({
    ms: 1,
    s: SECOND,
    m: MINUTE,
    h: HOUR,
    d: DAY,
    w: 7 * DAY,
  }),
);

const UNIT_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    sec: "s",
    secs: "s",
    second: "s",
    seconds: "s",
    min: "m",
    mins: "m",
    minute: "m",
    minutes: "m",
    hour: "h",
    hours: "h",
    day: "d",
    days: "d",
    week: "w",
    weeks: "w",
  }),
);

const DURATION_FIX = "Write a number and its unit: `500ms`, `30s`, `5m`, `2h`, `3d`, `1w`, or `1h30m`.";

/** A length of time as people write it: `30m`, `2d`, `1.5h`, `1h30m`. Whole milliseconds. */
export function parseDuration(text: string): Parsed<Duration> {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    const fix = `Write \`${trimmed}s\` for seconds, \`${trimmed}m\` for minutes, \`${trimmed}h\` for hours or \`${trimmed}d\` for days.`;
    return misread(`\`${trimmed}\` has no unit.`, fix);
  }
  const word = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(trimmed);
  const short = word === null ? undefined : UNIT_WORDS.get((word[2] ?? "").toLowerCase());
  if (word !== null && short !== undefined)
    return misread(`\`${trimmed}\` is not a duration.`, `Write \`${word[1] ?? ""}${short}\`.`);
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])\s*/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== trimmed)
    return misread(`\`${trimmed}\` is not a duration.`, DURATION_FIX);
  const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS.get(unit ?? "") ?? 0), 0);
  if (!Number.isSafeInteger(Math.round(ms)))
    return misread(`\`${trimmed}\` is longer than time is counted.`, DURATION_FIX);
  return parsed(Math.round(ms));
}

/** The shortest exact spelling, which `parseDuration` reads back: `1h30m`, `2d`, `1s500ms`. */
export function spellDuration(duration: Duration): string {
  let left = Math.round(duration);
  const parts: string[] = [];
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const size = UNIT_MS.get(unit) ?? 1;
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${count}${unit}`);
    left -= count * size;
  }
  return parts.length === 0 ? "0s" : parts.join("");
}

/** A part of something as people write it, `12.5%`, as a fraction: 0.125. May be above 1. */
export function parsePercent(text: string): Parsed<number> {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return misread(`\`${trimmed}\` has no unit.`, `Write \`${trimmed}%\`.`);
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(trimmed);
  if (match === null) return misread(`\`${trimmed}\` is not a share.`, "Write a number and `%`: `5%`, `0.5%`.");
  // 99.9 / 100 is 0.9990000000000001 in binary, and that would be shown.
  return parsed(Number((Number(match[1]) / 100).toPrecision(12)));
}

/** A part of the traffic: `5%`, `0.25%`, `100%`, in basis points. */
export function parseShare(text: string): Parsed<Share> {
  const percent = parsePercent(text);
  if (!percent.ok) return percent;
  // 0.07 × 10 000 is not a whole number in binary: round off what the decimal text did not say.
  const exact = Number((percent.value * WHOLE).toFixed(6));
  if (exact > WHOLE)
    return misread(`\`${text.trim()}\` is more than all of the traffic.`, "A share is at most `100%`.");
  if (!Number.isInteger(exact))
    return misread(`\`${text.trim()}\` is finer than traffic can be split.`, "Shares go in steps of `0.01%`.");
  return parsed(exact);
}

const BYTES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    b: 1,
    kb: 1e3,
    mb: 1e6,
    gb: 1e9,
    tb: 1e12,
    kib: 2 ** 10,
    mib: 2 ** 20,
    gib: 2 ** 30,
    tib: 2 ** 40,
  }),
);

/** An amount of memory or disk: `500 MB`, `10GB`, `2 GiB`, in bytes. */
export function parseBytes(text: string): Parsed<number> {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text.trim());
  const size = BYTES.get((match?.[2] ?? "").toLowerCase());
  if (match === null || size === undefined)
    return misread(
      `\`${text.trim()}\` is not an amount of bytes.`,
      "Write a number and its unit: `500 MB`, `10 GB`, `2 GiB`.",
    );
  return parsed(Math.round(Number(match[1]) * size));
}

/** A bare number: `50`, `0.5`, `1e6`. */
export function parseNumber(text: string): Parsed<number> {
  const trimmed = text.trim();
  const value = Number(trimmed);
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) && Number.isFinite(value)
    ? parsed(value)
    : misread(`\`${trimmed}\` is not a number.`, "Write a bare number: `50`, `0.5`.");
}

/** How many times as much: `1.3x`, or `1.3`. */
export function parseTimes(text: string): Parsed<number> {
  const trimmed = text.trim();
  if (trimmed.endsWith("%")) return misread(`\`${trimmed}\` is not a factor.`, "30 % more is `1.3x`.");
  const number = parseNumber(trimmed.replace(/x$/i, ""));
  return number.ok ? number : misread(`\`${trimmed}\` is not a factor.`, "Write how many times as much: `1.3x`.");
}
