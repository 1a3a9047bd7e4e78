import { type LogRecord, logRecords, type Severity } from "./log-record.ts";
import { onOneLine } from "../text/plain-text.ts";
import { showFrame } from "./stack-frame.ts";

/** A kind of log line that one version wrote and the other never did. */
export interface NewLine {
  /** The first of its kind, as it was written. */
  readonly text: string;
  /** How many of its kind were written. */
  readonly count: number;
  /** The place in the app's own code that its stack trace names first: `src/cart.js:88`. */
  readonly frame?: string;
}

/** The lines of one instance, oldest first. */
export type InstanceLog = readonly string[];

/**
 * Kinds of lines in the candidate's logs that are in none of stable's, errors first, then in the order in which they
 * were written. `names` are texts that differ between the versions without meaning anything: versions, slots, folders.
 */
export function newKindsOfLines(
  candidate: readonly InstanceLog[],
  stable: readonly InstanceLog[],
  names: readonly string[],
  limit = 5,
): readonly NewLine[] {
  const known = new Set(stable.flatMap(logRecords).map((record) => kindOf(record, names)));
  const found = new Map<string, { record: LogRecord; severity: Severity; count: number }>();
  for (const record of candidate.flatMap(logRecords)) {
    const kind = kindOf(record, names);
    if (known.has(kind)) continue;
    const before = found.get(kind);
    if (before === undefined) found.set(kind, { record, severity: record.severity, count: 1 });
    else before.count += 1;
  }
  return [...found.values()]
    .sort((a, b) => a.severity - b.severity)
    .slice(0, limit)
    .map(({ record, count }) => ({
      text: onOneLine(record.text, 160),
      count,
      ...(record.frame === undefined ? {} : { frame: showFrame(record.frame, names) }),
    }));
}

/**
 * What lines of one kind have in common: the text with everything that changes from one to the next taken out, and for
 * an error where it broke. Without the place, two errors that differ only in a quoted name would be one.
 */
export function kindOf(record: LogRecord, names: readonly string[]): string {
  const place = record.frame === undefined ? "" : ` @ ${placeWithoutLine(record, names)}`;
  return `${normalise(record.text, names)}${place}`;
}

/** The line number is left out: it moves whenever somebody adds a line above. */
function placeWithoutLine({ frame }: LogRecord, names: readonly string[]): string {
  if (frame === undefined) return "";
  return `${showFrame(frame, names).replace(/:\d+$/, "")} ${frame.function ?? ""}`;
}

const LONGEST = 300;

function normalise(text: string, names: readonly string[]): string {
  let kind = text.slice(0, LONGEST * 2);
  for (const name of names) if (name.length >= 4) kind = kind.replaceAll(name, "<name>");
  for (const [changing, placeholder] of CHANGING) kind = kind.replaceAll(changing, placeholder);
  return kind.replaceAll(/\s+/g, " ").trim().slice(0, LONGEST);
}

// In this order, for a time is made of numbers. Ids and numbers become one: an id may happen to be all digits.
const CHANGING: readonly (readonly [RegExp, string])[] = [
  // Quoted texts are data, but the property that Node could not read is code.
  [/"(?:[^"\\]|\\.){0,200}"|(?<!\w|reading |setting )'[^']{0,200}'(?!\w)|`[^`]{0,200}`/g, "<text>"],
  [/\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:Z\b|UTC|[+-]\d\d:?\d\d)?)?/g, "<time>"],
  [/\b\d{1,2}[/ ](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[/ ]\d{4}\b/g, "<time>"],
  [
    /\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* {1,2}\d{1,2}(?:,? \d{4})?\b/g,
    "<time>",
  ],
  [/\b\d\d?:\d\d:\d\d(?:[.,]\d+)?\b/g, "<time>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "#"],
  [/\b0x[0-9a-f]+\b/gi, "#"],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b/gi, "#"],
  // Mixed tokens like ord_8fk29dk2 or k3j9x1: ids that no two lines share.
  [/\b(?=\w*\d[a-z_]+\d)\w{6,}\b|\b(?=\w*\d\w*\d)(?=\w*[a-z])\w{10,}\b/gi, "#"],
  [/\d+(?:[.,]\d+)*/g, "#"],
];
