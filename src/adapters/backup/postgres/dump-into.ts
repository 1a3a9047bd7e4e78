import { pipeline } from "node:stream/promises";
import type { Client } from "pg";
import { redactOf } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import { startProgram } from "../program.ts";
import { versionOf } from "./dump.ts";
import { programEnvironment } from "./environment.ts";
import { postgresPrograms } from "./programs.ts";
import type { PostgresBackups } from "./settings.ts";

export interface DumpInto extends Pick<PostgresBackups, "env" | "folders"> {
  readonly from: Place;
  readonly into: Place;
  /** What pg_dump is told beside its format. */
  readonly dumpWords: readonly string[];
  /** What pg_restore is told beside where to. */
  readonly restoreWords: readonly string[];
  readonly signal: AbortSignal;
}

interface Place {
  readonly settings: DatabaseSettings;
  readonly client: Client;
}

/**
 * Has pg_restore read what pg_dump writes: it goes from one program to the other, and lies on no disk. Answers with what the one that failed has
 * said; null: both came to their end. Faults: those of postgresPrograms.
 */
export async function dumpInto(order: DumpInto): Promise<readonly string[] | null> {
  const { from, into, dumpWords, restoreWords, env, folders, signal } = order;
  const programs = await postgresPrograms(await versionOf(from.client), { env, folders, signal });
  const dump = await startProgram({
    program: programs.dump,
    arguments: ["--format=custom", "--no-password", ...dumpWords],
    env: programEnvironment(from.settings, from.client, env),
    redact: redactOf(from.settings),
    signal,
  });
  dump.input.end();
  const restore = await startProgram({
    program: programs.restore,
    arguments: ["--exit-on-error", "--no-password", `--dbname=${into.client.database ?? ""}`, ...restoreWords],
    // A copy that a crash of the server loses is made anew.
    env: { ...programEnvironment(into.settings, into.client, env), PGOPTIONS: "-c synchronous_commit=off" },
    redact: redactOf(into.settings),
    signal,
  });
  restore.output.resume();
  // Where the one stops the other's pipe breaks; what it complained says more than that.
  await pipeline(dump.output, restore.input, { signal }).catch(() => dump.output.resume());
  const [dumped, restored] = await Promise.all([dump.ended, restore.ended]);
  signal.throwIfAborted();
  const failed = dumped.code === 0 ? restored : dumped;
  return failed.code === 0 ? null : failed.said;
}
