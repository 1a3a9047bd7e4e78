import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import type { PhasesByName } from "../../../core/plan/database.ts";
import { lineOf } from "../../../migrations/sql/line-of.ts";
import { commentsOf } from "./comments.ts";
import type { Revision } from "./tool.ts";

/** Where the revisions of a version lie, and what the plan says of them. */
export interface Version {
  /** Absolute. */
  readonly directory: string;
  readonly phases: PhasesByName;
}

type Own = Pick<Revision, "version" | "hasDown" | "isInTransaction">;

/** A revision by its file, with what the file and the plan say of it. Faults: migrations-missing. */
export function readRevision(
  { directory, phases }: Version,
  path: string,
  parents: readonly string[],
  own: (text: string) => Own,
): Revision {
  const text = textOf(path);
  const { phase, reversible, misspelt, isInTransaction } = commentsOf(text);
  const name = path.replace(/^.*\//, "");
  const mine = own(text);
  const planned = phases[mine.version] ?? phases[name] ?? phases[name.replace(/\.[a-z]+$/, "")];
  return {
    ...mine,
    isInTransaction: isInTransaction ?? mine.isInTransaction,
    name,
    file: relative(directory, path),
    text,
    sha256: createHash("sha256").update(text).digest("hex"),
    // What the team says in its plan goes before what somebody else has written.
    phase: planned ?? phase,
    reversible,
    misspelt,
    parents,
  };
}

/** Where its way forward begins, from 1. */
export function lineOfWayForward({ text }: Pick<Revision, "text">): number {
  return lineOf(text, /^.*\b(?:upgrade|up|change)\b.*$/m.exec(text)?.index ?? 0);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").replaceAll("\r\n", "\n").replaceAll("\0", "");
  } catch (error) {
    throw new FaultError(
      {
        code: "migrations-missing",
        what: "A migration can't be read.",
        where: path,
        cause: error instanceof Error ? error.message : String(error),
        fix: "look at the file and who may read it",
      },
      { cause: error },
    );
  }
}

/** The files that match, in the order of their names: numbers in them by their value. Absolute. Faults: migrations-missing. */
export function filesOf(directory: string, pattern: string, isOne: (path: string) => boolean): readonly string[] {
  const found = globSync(pattern, { cwd: directory }).filter(isOne);
  if (found.length > 0) return found.toSorted(byName).map((path) => join(directory, path));
  throw new FaultError({
    code: "migrations-missing",
    what: "There is no migration here.",
    where: join(directory, pattern),
    fix: "look at the folder that the plan names under `database: { migrations }`",
  });
}

/** `9_b` comes before `10_a`. */
export function byName(a: string, b: string): number {
  const [x, y] = [a, b].map((each) => each.split(/(\d+)/));
  for (const [index, part] of (x ?? []).entries()) {
    const other = y?.[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    if (index % 2 === 1) {
      const [m, n] = [BigInt(part), BigInt(other)];
      if (m !== n) return m < n ? -1 : 1;
      continue;
    }
    return part < other ? -1 : 1;
  }
  return (x?.length ?? 0) - (y?.length ?? 0);
}

/** Each stands on the one before it. */
export function inARow(revisions: readonly Revision[]): readonly Revision[] {
  return revisions.map((revision, index) => {
    const before = revisions[index - 1];
    return before === undefined ? revision : { ...revision, parents: [before.version] };
  });
}
