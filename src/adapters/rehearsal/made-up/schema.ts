import { pipeline } from "node:stream/promises";
import { FaultError } from "../../../core/fault.ts";
import { connectPostgres, filledUrl, placeOf, redactOf } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import { versionOf } from "../../backup/postgres/dump.ts";
import { programEnvironment } from "../../backup/postgres/environment.ts";
import { lockForBackup } from "../../backup/postgres/lock-for-backup.ts";
import { postgresPrograms, USUAL_FOLDERS } from "../../backup/postgres/programs.ts";
import { startProgram } from "../../backup/program.ts";
import { identifier } from "../../backup/postgres/quoting.ts";
import { isLedger } from "./tables.ts";

export interface SchemaCopy {
  readonly from: DatabaseSettings;
  readonly into: DatabaseSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * Everything of a database but its rows, and of these only what migrations were applied. It goes from one program to the other, and lies on
 * no disk. Faults: rehearsal-copy-failed, and those of backups.
 */
export async function copySchema({ from, into, env, signal }: SchemaCopy): Promise<void> {
  await using _lock = await lockForBackup(from, { signal, tell: () => undefined });
  await using source = await connectPostgres(from, { application: "tidegate rehearse", signal });
  await using target = await connectPostgres(into, { application: "tidegate rehearse", signal });
  const programs = await postgresPrograms(await versionOf(source.client), { env, folders: USUAL_FOLDERS, signal });
  const { rows } = await source.client.query<{ schema: string; name: string }>(TABLES);
  const without = rows
    .filter(({ name }) => !isLedger(name))
    .map(({ schema, name }) => `--exclude-table-data=${identifier(schema)}.${identifier(name)}`);
  const dump = await startProgram({
    program: programs.dump,
    arguments: ["--format=custom", "--no-password", "--lock-wait-timeout=30000", ...without],
    env: programEnvironment(from, source.client, env),
    redact: redactOf(from),
    signal,
  });
  dump.input.end();
  const restore = await startProgram({
    program: programs.restore,
    arguments: [
      "--exit-on-error",
      "--no-password",
      "--no-publications",
      "--no-subscriptions",
      `--dbname=${target.client.database ?? ""}`,
    ],
    env: programEnvironment(into, target.client, env),
    redact: redactOf(into),
    signal,
  });
  restore.output.resume();
  // Where the one stops the other's pipe breaks; what it complained says more than that.
  await pipeline(dump.output, restore.input, { signal }).catch(() => dump.output.resume());
  const [dumped, restored] = await Promise.all([dump.ended, restore.ended]);
  signal.throwIfAborted();
  const failed = dumped.code === 0 ? restored : dumped;
  if (failed.code === 0) return;
  throw new FaultError({
    code: "rehearsal-copy-failed",
    what: "The tables of the database could not be made anew for the rehearsal.",
    where: placeOf(filledUrl(from)),
    detail: failed.said,
    fix: "see what it says; or make a backup, which a rehearsal takes instead: tidegate backup",
  });
}

const TABLES = `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`;
