import { FaultError } from "../../core/fault.ts";
import type { Unit } from "./migration-file.ts";

/** What is done of a file when one of its units has failed. */
export function whatIsDone({ from, rows = 0, statements: [first] }: Unit): string {
  const stays = /^delete\b/i.test(first?.sql ?? "") ? "deleted stay deleted" : "changed stay changed";
  const batches = rows === 0 ? [] : [`the ${rows} rows that its batches have ${stays}`];
  const statements =
    from === 0
      ? []
      : [`its first ${from === 1 ? "statement is done and stays" : `${from} statements are done and stay`}`];
  const done = [...statements, ...batches];
  return done.length === 0 ? "nothing of it was done." : `${done.join(", ")}, and it goes on from there.`;
}

/** A fault of a unit that was taken back whole, or never begun: where it is the first of its file, nothing of the file is done. */
export function takenBack({ from, rows = 0 }: Unit, error: FaultError): FaultError {
  // Whether it was committed nobody knows.
  if (from > 0 || rows > 0 || error.fault.code === "database-lost") return error;
  return new FaultError({ ...error.fault, isBeforehand: true }, { cause: error.cause });
}
