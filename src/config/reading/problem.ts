import type { Fault } from "../../core/fault.ts";
import { codeFrame } from "./code-frame.ts";
import { at, type Located, type Path, type Place, placeOf, type Source, spellPath } from "./located.ts";
import { lineAndColumn } from "./position.ts";
import { isSecretName, type Span, withoutSecret } from "./written-secrets.ts";

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
  /** What stands at the place is a secret, and is shown nowhere. */
  readonly isSecret?: boolean;
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
  /** What is told of is a secret in plain text. */
  readonly isSecret?: boolean;
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
  const shown = unlike.length <= MOST_TOLD + 1 ? unlike : unlike.slice(0, MOST_TOLD);
  // A line is shown with each of its mistakes, so each hides the secrets of all.
  const told = shown.map((problem) => faultOfProblem(problem, secretsOf(problem.place.source, sorted)));
  if (shown === unlike) return told;
  return [...told, { code: "plan-file-invalid", what: `… and ${unlike.length - MOST_TOLD} more mistakes.` }];
}

function secretsOf(source: Source, problems: readonly Problem[]): readonly Span[] {
  return problems.flatMap(({ isSecret = false, place: { source: of, start, end } }) =>
    isSecret && of === source && start !== undefined && end !== undefined ? [[start, end]] : [],
  );
}

function faultOfProblem(problem: Problem, secrets: readonly Span[]): Fault {
  const { code, what, fix, place, key, cause } = problem;
  const position = place.start === undefined ? undefined : lineAndColumn(place.source, place.start);
  const file = position === undefined ? place.source.name : `${place.source.name}:${position.line}:${position.column}`;
  const value = secretValue(problem);
  return {
    code,
    what: withoutSecret(what, value),
    where: key === undefined ? file : `${file} · ${key}`,
    ...(cause === undefined ? {} : { cause: withoutSecret(cause, value) }),
    ...(place.start === undefined
      ? {}
      : { detail: codeFrame(place.source, place.start, place.end ?? place.start, secrets) }),
    ...(fix === undefined ? {} : { fix: withoutSecret(fix, value) }),
  };
}

/** What was written where a secret belongs, whatever is the matter with it. */
function secretValue({ key = "", isSecret = false, place: { source, start, end } }: Problem): string | undefined {
  const name = key.slice(key.lastIndexOf(".") + 1);
  if (start === undefined || !(isSecret || isSecretName(name))) return undefined;
  const written = source.text.slice(start, end);
  // The mistake may be in the key.
  return written === name ? undefined : written;
}

/** A place that is a whole file, for mistakes of the file itself. */
export function wholeFile(name: string, order = 0): Place {
  return { source: { name, text: "", order } };
}
