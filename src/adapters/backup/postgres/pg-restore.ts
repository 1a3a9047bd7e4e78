import { availableParallelism } from "node:os";
import { finished } from "node:stream/promises";
import { pipeline } from "node:stream/promises";
import { FaultError } from "../../../core/fault.ts";
import { redactOf } from "../../database/postgres/connect.ts";
import type { Going, StoredBackup } from "../kind.ts";
import { plainTextOf } from "../plain-text.ts";
import { type ProgramEnd, startProgram } from "../program.ts";
import type { PostgresBackups } from "./settings.ts";

/** Readers and writers of tables at one time; more would take the machine from those who use it. */
const JOBS = Math.min(2, availableParallelism());

interface RestoreOrder {
  readonly program: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * pg_restore with a backup as its input. What is not encrypted it reads by itself, and in several places at once where `isParallel`; else
 * it gets it through a pipe, so that no plain text lies anywhere. Answers how it ended. Faults: backup-not-decrypted.
 */
export async function pgRestore(
  stored: StoredBackup,
  { program, words, env }: RestoreOrder,
  isParallel: boolean,
  { database, env: outer }: PostgresBackups,
  { signal }: Going,
): Promise<ProgramEnd> {
  const redact = redactOf(database);
  if (stored.identity === null) {
    const jobs = isParallel && JOBS > 1 ? [`--jobs=${JOBS}`] : [];
    const running = await startProgram({ program, arguments: [...words, ...jobs, stored.path], env, redact, signal });
    running.input.end();
    await finished(running.output.resume()).catch(() => undefined);
    return ended(await running.ended, signal);
  }
  const plain = await plainTextOf(stored, { env: outer, redact, signal });
  const running = await startProgram({ program, arguments: words, env, redact, signal });
  running.output.resume();
  // Where it stops reading it has complained, which says more than that the pipe broke.
  await pipeline(plain.output, running.input, { signal }).catch(() => plain.output.resume());
  const end = ended(await running.ended, signal);
  await plain.whole;
  return end;
}

function ended(end: ProgramEnd, signal: AbortSignal): ProgramEnd {
  signal.throwIfAborted();
  return end;
}

/** Faults: backup-broken. */
export function brokenBy(end: ProgramEnd, path: string): FaultError {
  return new FaultError({
    code: "backup-broken",
    what: "The backup can't be read to its end: it is no good.",
    where: path,
    detail: end.said.length > 0 ? end.said : [`pg_restore was ended by ${end.signal ?? "something"}`],
    fix: "make another one: tidegate backup; and look at the disk on which it lies",
  });
}
