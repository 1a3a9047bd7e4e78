import { FaultError } from "../../../core/fault.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import { formatDuration } from "../../../core/time/time.ts";
import { lineOf } from "../../../migrations/sql/line-of.ts";
import type { Unit } from "../migration-file.ts";
import { takenBack, whatIsDone } from "../what-is-done.ts";
import type { Blocker } from "./blockers.ts";
import { errorOf } from "./faults.ts";
import type { ReadStatement } from "./read-migrations.ts";
import type { Running } from "./run-unit.ts";
import type { Session } from "./session.ts";

/** What a statement failed with, and what is done of its file. */
export function statementFailed(
  { redact }: Session,
  running: Running,
  unit: Unit<ReadStatement>,
  statement: ReadStatement | null,
  error: unknown,
): FaultError {
  if (error instanceof FaultError) return error;
  const { code, message, detail, hint, position } = errorOf(error);
  const again = `tidegate migrate ${running.way}`;
  const isConcurrent = statement?.changes.some((change) => "isConcurrent" in change && change.isConcurrent) === true;
  if (isLost(code, message))
    return new FaultError(
      {
        code: "database-lost",
        what: `The connection to the database broke in the middle of ${running.file}.`,
        where: statement === null ? running.file : `${running.file}:${statement.line}`,
        cause: onOneLine(redact(message), 300),
        again,
        fix: `once PostgreSQL is back: ${again} goes on where it ended; ${isConcurrent ? "until then what was built concurrently may be left, marked INVALID" : "what was not finished is not there"}`,
      },
      { cause: error },
    );
  const at =
    statement === null
      ? (unit.statements.at(-1)?.line ?? 1)
      : position === undefined
        ? statement.line
        : lineOf(running.text, statement.start + position - 1);
  const seen = [detail, hint].flatMap((each) => (each === undefined ? [] : [onOneLine(redact(each), 300)]));
  return new FaultError(
    {
      code: "migration-failed",
      what: `${running.file} failed; ${whatIsDone(unit)}`,
      where: `${running.file}:${at}`,
      cause: `${onOneLine(redact(message), 300)}${statement === null ? " (when it was committed)" : ""}`,
      ...(seen.length === 0 ? {} : { detail: seen }),
      again,
      fix: code === "42501" ? `grant what it needs, then: ${again}` : `mend it, then run it again: ${again}`,
    },
    { cause: error },
  );
}

/** Of a statement that commits by itself while it runs: how far it had come nobody knows. */
export function partlyDone({ fault, cause }: FaultError, { file }: Running): FaultError {
  if (fault.code !== "migration-failed") return new FaultError(fault, { cause });
  const what = `${file} failed; what it had committed by itself until then stays, and nobody knows what that is.`;
  return new FaultError({ ...fault, what }, { cause });
}

function isLost(code: string, message: string): boolean {
  return (
    /^(?:08|57P0[1-4])/.test(code) ||
    /^E(?:PIPE|CONN)/.test(code) ||
    /connection terminated|not queryable/i.test(message)
  );
}

/** The connection may break between two statements too. Faults: database-lost. */
export async function orLost<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = errorOf(error);
    if (error instanceof FaultError || !isLost(code, message)) throw error;
    throw new FaultError(
      {
        code: "database-lost",
        what: "The connection to the database broke in the middle of migrating.",
        cause: onOneLine(message, 300),
        fix: "look whether PostgreSQL was started again or somebody ended the session, then run it again: it goes on where it ended",
      },
      { cause: error },
    );
  }
}

/** It never got its locks within the bound. */
export function blocked(
  { file, way }: Running,
  unit: Unit<ReadStatement>,
  blockers: readonly Blocker[],
  boundMs: number,
): FaultError {
  const { pid } = blockers.find((each) => each.pid !== null) ?? { pid: null };
  const again = `tidegate migrate ${way}`;
  const fault = new FaultError({
    code: "migration-blocked",
    what: `${file} did not get its locks within ${formatDuration(boundMs)}; ${whatIsDone(unit)}`,
    where: `${file}:${unit.statements[0]?.line ?? 1}`,
    detail:
      blockers.length === 0
        ? ["who was in the way has gone meanwhile, or is somebody whom this role may not see (grant pg_monitor)"]
        : blockers.map(({ who }) => who),
    again,
    fix: `${pid === null ? "wait until they are done" : `wait until they are done, or end them: SELECT pg_terminate_backend(${pid})`}; then: ${again}`,
  });
  return takenBack(unit, fault);
}
