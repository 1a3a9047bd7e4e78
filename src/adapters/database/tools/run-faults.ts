import { FaultError } from "../../../core/fault.ts";
import type { SchemaChange } from "./schema-change.ts";
import { changeWords, isNothing } from "./schema-change.ts";
import type { Ran } from "./program.ts";
import { causeIn, lastOf, lineIn } from "./tool-output.ts";
import type { InTheWay } from "./tool-sessions.ts";
import type { Revision } from "./tool.ts";

interface Order {
  readonly revision: Revision;
  readonly way: "up" | "down";
}

/** Where a tool broke off, why, and what is there of what it did. */
export function failedRevision(
  { revision, way }: Order,
  tool: string,
  { code, said }: Ran,
  { change, isDone }: { readonly change: SchemaChange; readonly isDone: boolean },
): FaultError {
  const { file, name } = revision;
  const line = lineIn(said, name);
  const left = changeWords(change);
  const what = isDone
    ? `${tool} failed after ${file} was ${way === "up" ? "applied" : "taken back"}, which stays.`
    : code === 0
      ? `${tool} said nothing of a mistake, and did not ${way === "up" ? "apply" : "take back"} ${file}${isNothing(change) ? "." : `; ${stays(left)}`}`
      : `${file} failed; ${left.length > 0 ? stays(left) : revision.isInTransaction ? "nothing of it was done." : "the schema is as it was before."}`;
  const again = `tidegate migrate ${way}`;
  return new FaultError({
    code: "migration-failed",
    what,
    where: line === null ? file : `${file}:${line}`,
    cause: causeIn(said),
    detail: lastOf(said),
    again,
    fix:
      left.length > 0 && !isDone
        ? `it is in no transaction: take back by hand what it did, or mend it so that it goes on from there; then: ${again}`
        : `mend it, then run it again: ${again}`,
    ...(left.length === 0 && !isDone && code !== 0 && revision.isInTransaction ? { isBeforehand: true } : {}),
  });
}

/** One of those that it was to apply in one go; its own table says which of them are. */
export function failedAtOnce(
  tool: string,
  { code, said }: Ran,
  { missing, done }: { readonly missing: readonly Revision[]; readonly done: number },
): FaultError {
  // Where the tool runs all in one transaction, the first that is missing need not be the one that failed.
  const found = missing.find(({ name }) => lineIn(said, name) !== null);
  const line = found === undefined ? null : lineIn(said, found.name);
  const who = found?.file ?? `one of ${missing.length} migrations`;
  const ofOthers =
    done === 0 ? "none of the others is applied." : `${done} before it ${done === 1 ? "is" : "are"} applied.`;
  return new FaultError({
    code: "migration-failed",
    what:
      missing.length === 0
        ? `${tool} failed after all ${done} migrations were applied, which stay.`
        : code === 0
          ? `${tool} said nothing of a mistake, and did not apply ${missing[0]?.file ?? who}; ${ofOthers}`
          : `${who} failed; ${ofOthers}`,
    ...(found === undefined ? {} : { where: line === null ? found.file : `${found.file}:${line}` }),
    cause: causeIn(said),
    detail: lastOf(said),
    again: "tidegate migrate up",
    fix: "mend it, then run it again: tidegate migrate up",
  });
}

const MOST = 5;

function stays(left: readonly string[]): string {
  const more = left.length > MOST ? ` and ${left.length - MOST} more` : "";
  return `what it did before that stays: ${left.slice(0, MOST).join(", ")}${more}.`;
}

/** It never got its locks within the bound. */
export function blockedRevision({ revision, way }: Order, blockers: readonly InTheWay[], bound: string): FaultError {
  const pid = blockers[0]?.pid;
  const again = `tidegate migrate ${way}`;
  return new FaultError({
    code: "migration-blocked",
    what: `${revision.file} did not get its locks within ${bound}; ${revision.isInTransaction ? "nothing of it was done." : "it was ended, and is in no transaction: look at what it did."}`,
    where: revision.file,
    detail: blockers.length === 0 ? ["who was in the way has gone meanwhile"] : blockers.map(({ who }) => who),
    again,
    fix: `${pid === undefined ? "wait until they are done" : `wait until they are done, or end them: SELECT pg_terminate_backend(${pid})`}; then: ${again}`,
    ...(revision.isInTransaction ? { isBeforehand: true } : {}),
  });
}
