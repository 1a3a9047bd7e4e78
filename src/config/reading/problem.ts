import type { Fault } from "../../core/fault.ts";
import { at, type Located, type Path, type Place, placeOf, type Source, spellPath } from "./located.ts";

/** A mistake at a place of a file. */
export interface Problem {
  readonly code: ProblemCode;
  /** One sentence that states the fact. */
  readonly what: string;
  readonly fix?: string;
  readonly place: Place;
  /** Spelled path of the key in the file: `services.web.replicas`. */
  readonly key?: string;
  /** What the outside said, in its own words. */
  readonly cause?: string;
}

export type ProblemCode =
  | "plan-file-missing"
  | "plan-file-ambiguous"
  | "plan-file-unreadable"
  | "plan-file-invalid"
  | "plan-file-syntax"
  | "plan-key-unknown"
  | "plan-key-not-built"
  | "plan-key-missing"
  | "plan-key-twice"
  | "plan-value-invalid"
  | "plan-steps-order"
  | "plan-name-unknown"
  | "plan-file-not-found"
  | "environment-variable-missing"
  | "environment-variable-invalid"
  | "checklist-invalid"
  | "smoke-file-invalid";

/** A mistake told by its path in the plan; where that stands is found when it is told. */
export interface PathProblem {
  readonly code: ProblemCode;
  readonly what: string;
  readonly fix?: string;
  readonly path: Path;
  /** What the caret points at. */
  readonly on: "key" | "value";
  /** A part of the value that the caret points at instead. */
  readonly part?: string;
  /** Something is not there: perhaps only because it is mistaken itself, which is told already. */
  readonly isAbsence?: boolean;
}

export function placed(located: Located, problem: PathProblem): Problem {
  const { path: asked, on, part, isAbsence: _, ...rest } = problem;
  const path = writtenPath(located, asked);
  const place = placeOf(located, path, on);
  return {
    ...rest,
    place: part === undefined ? place : partOf(place, part),
    ...(path.length === 0 ? {} : { key: spellPath(path) }),
  };
}

/** A short form is read as a list of one: where no list was written there is no index. */
function writtenPath(located: Located, path: Path): Path {
  const end = path.findIndex(
    (key, index) => typeof key === "number" && at(located, path.slice(0, index))?.kind !== "list",
  );
  return end < 0 ? path : path.slice(0, end);
}

/** The first place of a text within a place, or the place itself. */
export function partOf(place: Place, part: string): Place {
  if (place.start === undefined || place.end === undefined) return place;
  const offset = place.source.text.slice(place.start, place.end).indexOf(part);
  if (offset < 0) return place;
  const start = place.start + offset;
  return { source: place.source, start, end: start + part.length };
}

/** Nobody mends more at once, and a file with very many is most likely none that was meant. */
const MOST_TOLD = 20;

/** As faults, in the order of files and lines; one of each, and of very many the first, and how many more there are. */
export function faultsOf(problems: readonly Problem[]): readonly Fault[] {
  const sorted = [...problems].sort(
    (a, b) => a.place.source.order - b.place.source.order || (a.place.start ?? -1) - (b.place.start ?? -1),
  );
  const seen = new Set<string>();
  const unlike = sorted.filter(({ place: { source, start, end }, ...rest }) => {
    const text = JSON.stringify([rest, source.name, start, end]);
    return seen.has(text) ? false : seen.add(text);
  });
  // One more would take as much room as to say that there is one more.
  if (unlike.length <= MOST_TOLD + 1) return unlike.map(faultOfProblem);
  const told = unlike.slice(0, MOST_TOLD).map(faultOfProblem);
  return [...told, { code: "plan-file-invalid", what: `… and ${unlike.length - MOST_TOLD} more mistakes.` }];
}

function faultOfProblem({ code, what, fix, place, key, cause }: Problem): Fault {
  const position = place.start === undefined ? undefined : lineAndColumn(place.source, place.start);
  const file = position === undefined ? place.source.name : `${place.source.name}:${position.line}:${position.column}`;
  return {
    code,
    what,
    where: key === undefined ? file : `${file} · ${key}`,
    ...(cause === undefined ? {} : { cause }),
    ...(place.start === undefined ? {} : { detail: codeFrame(place.source, place.start, place.end ?? place.start) }),
    ...(fix === undefined ? {} : { fix }),
  };
}

/** Both from 1, the column in UTF-16 units as editors count. */
export function lineAndColumn(source: Source, offset: number): { readonly line: number; readonly column: number } {
  const starts = lineStartsOf(source);
  let [line, after] = [0, starts.length];
  while (after - line > 1) {
    const middle = (line + after) >> 1;
    if ((starts[middle] ?? 0) <= offset) line = middle;
    else after = middle;
  }
  return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
}

/** Looked for once a file: every mistake and every step of a plan asks. */
const lineStarts = new WeakMap<Source, readonly number[]>();

function lineStartsOf(source: Source): readonly number[] {
  const known = lineStarts.get(source);
  if (known !== undefined) return known;
  const starts = [0];
  for (let at = source.text.indexOf("\n"); at >= 0; at = source.text.indexOf("\n", at + 1)) starts.push(at + 1);
  lineStarts.set(source, starts);
  return starts;
}

const FRAME_WIDTH = 100;

/** The line, and under it carets for the part from `start` to `end` (or to the line's end). */
function codeFrame(source: Source, start: number, end: number): readonly string[] {
  const { line, column } = lineAndColumn(source, start);
  const lineStart = start - (column - 1);
  const newline = source.text.indexOf("\n", lineStart);
  const whole = source.text.slice(lineStart, newline < 0 ? undefined : newline).replace(/\r$/, "");
  // A long line is shown from shortly before the mistake.
  const from = column > FRAME_WIDTH ? column - 1 - FRAME_WIDTH / 2 : 0;
  const shown = whole.slice(from, from + FRAME_WIDTH);
  const lead = shown.slice(0, column - 1 - from).replaceAll(/[^\t]/g, " ");
  const length = Math.max(1, Math.min(end - start, from + shown.length - (column - 1)));
  const gutter = `${line} | `;
  // One sign for each, so that the carets stand below what they mean.
  const quiet = shown.replaceAll(/(?!\t)\p{Cc}/gu, "\u{FFFD}");
  return [`${gutter}${quiet}`, `${" ".repeat(gutter.length - 2)}| ${lead}${"^".repeat(length)}`];
}

/** A place that is a whole file, for mistakes of the file itself. */
export function wholeFile(name: string, order = 0): Place {
  return { source: { name, text: "", order } };
}
