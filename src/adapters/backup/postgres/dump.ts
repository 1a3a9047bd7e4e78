import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import { connectPostgres, filledUrl, placeOf, redactOf } from "../../database/postgres/connect.ts";
import type { DumpOrder, Dumped } from "../kind.ts";
import { type ProgramEnd, startProgram } from "../program.ts";
import { type Written, writeBackup } from "../written-file.ts";
import { contentsOf, sequencesOf, withSameWords } from "./contents.ts";
import { programEnvironment } from "./environment.ts";
import { postgresPrograms } from "./programs.ts";
import { makeRestorePoint } from "./restore-point.ts";
import { lockForBackup } from "./lock-for-backup.ts";
import type { PostgresBackups } from "./settings.ts";

/** Longer than this pg_dump does not wait for a table that somebody changes. */
const LOCK_WAIT_MS = 30_000;

/**
 * pg_dump and, in the very same snapshot, the sums of all rows: whatever is written meanwhile, a copy of the dump can be compared exactly.
 * Nobody migrates while it runs, and it does not run while somebody migrates.
 */
export async function dumpPostgres(backups: PostgresBackups, order: DumpOrder): Promise<Dumped> {
  const { database } = backups;
  await using lock = await lockForBackup(database, order);
  await using connection = await connectPostgres(database, { application: "tidegate backup", signal: order.signal });
  const { client } = connection;
  await withSameWords(client);
  const engine = await versionOf(client);
  const programs = await postgresPrograms(engine, { env: backups.env, folders: backups.folders, signal: order.signal });
  const { restorePoint, note } = await makeRestorePoint(client, order.id);
  const startedAt = performance.now();
  const snapshot = await exportSnapshot(client);
  const sequences = await sequencesOf(client);
  const env = programEnvironment(database, client, backups.env);
  const failing = new AbortController();
  const signal = AbortSignal.any([order.signal, failing.signal]);
  // Two readers of one snapshot: neither waits for the other, and the first that fails ends both.
  const parts = [
    dumped({ ...order, signal }, programs.dump, snapshot, env, redactOf(database)),
    contentsOf(client, signal),
  ] as const;
  for (const part of parts) part.catch((error: unknown) => failing.abort(error));
  const [written, contents] = await Promise.allSettled(parts);
  if (failing.signal.aborted) {
    order.signal.throwIfAborted();
    throw notMade(failing.signal.reason);
  }
  await client.query("COMMIT");
  lock.requireLock();
  return {
    written: (written as PromiseFulfilledResult<Written>).value,
    contents: { ...(contents as PromiseFulfilledResult<Dumped["contents"]>).value, sequences },
    place: placeOf(filledUrl(database)),
    engine,
    tool: `pg_dump ${programs.version}`,
    restorePoint,
    dumpMs: Math.round(performance.now() - startedAt),
    notes: note === null ? [] : [note],
  };
}

/** As people know it: `15.18`, without what a distribution adds. */
export async function versionOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
  return /^[\w.]+/.exec(rows[0]?.server_version ?? "")?.[0] ?? "";
}

async function exportSnapshot(client: Client): Promise<string> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const { rows } = await client.query<{ id: string }>("SELECT pg_export_snapshot() AS id");
  return rows[0]?.id ?? "";
}

async function dumped(
  order: DumpOrder,
  program: string,
  snapshot: string,
  env: Readonly<Record<string, string | undefined>>,
  redact: (text: string) => string,
): Promise<Written> {
  // Its usual level takes three times as long for a few hundredths less, and migrations wait for it.
  const words = [
    "--format=custom",
    "--compress=1",
    "--no-password",
    `--snapshot=${snapshot}`,
    `--lock-wait-timeout=${LOCK_WAIT_MS}`,
  ];
  const through = order.through === null ? null : await order.through();
  const running = await startProgram({ program, arguments: words, env, redact, signal: order.signal });
  running.input.end();
  try {
    // Its stream ends in any case, and why it could not be written says more than that pg_dump's pipe broke.
    const written = await writeBackup(running.output, order.path, { through, signal: order.signal });
    refuseUnlessWhole(await running.ended);
    return written;
  } finally {
    running.stop();
    through?.stop();
  }
}

/** Half a dump ends its stream as a whole one does: only its exit code tells them apart. */
function refuseUnlessWhole({ code, signal, said }: ProgramEnd): void {
  if (code === 0) return;
  throw new FaultError({
    code: "backup-not-made",
    what:
      code === null
        ? `pg_dump was ended by ${signal ?? "a signal"}; no backup was made.`
        : "pg_dump failed; no backup was made.",
    detail: said,
    fix: fixFor(said.join("\n")),
  });
}

function fixFor(said: string): string {
  if (/large object/.test(said)) return "let the role read it, for each: GRANT SELECT ON LARGE OBJECT oid TO role";
  if (/permission denied/.test(said)) return "let the role read everything: GRANT pg_read_all_data TO role";
  if (/lock timeout|could not obtain lock/.test(said))
    return "somebody changes a table right now: look in pg_stat_activity, then try again";
  if (/row-level security/.test(said)) return "use a role that sees all rows: ALTER ROLE role BYPASSRLS";
  return "mend what it says, then try again";
}

function notMade(error: unknown): unknown {
  if (error instanceof FaultError || !(error instanceof Error)) return error;
  const said = error.message;
  return new FaultError(
    {
      code: "backup-not-made",
      what: "The database's rows could not be read; no backup was made.",
      cause: said,
      fix: fixFor(said),
    },
    { cause: error },
  );
}
