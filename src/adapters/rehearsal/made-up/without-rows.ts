import { FaultError } from "../../../core/fault.ts";
import { isLedger } from "../../database/ledger-tables.ts";
import { connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import { dumpInto } from "../../backup/postgres/dump-into.ts";
import { lockForBackup } from "../../backup/postgres/lock-for-backup.ts";
import { USUAL_FOLDERS } from "../../backup/postgres/programs.ts";
import { identifier } from "../../backup/postgres/quoting.ts";

export interface WithoutRows {
  readonly from: DatabaseSettings;
  readonly into: DatabaseSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * Everything of a database but its rows, and of these only what migrations were applied. Faults: rehearsal-copy-failed, and those of backups.
 */
export async function copyWithoutRows({ from, into, env, signal }: WithoutRows): Promise<void> {
  await using _lock = await lockForBackup(from, { signal, tell: () => undefined });
  await using source = await connectPostgres(from, { application: "tidegate rehearse", signal });
  await using target = await connectPostgres(into, { application: "tidegate rehearse", signal });
  const { rows } = await source.client.query<{ schema: string; name: string; columns: readonly string[] }>(TABLES);
  const without = rows
    .filter(({ name, columns }) => !isLedger(name, columns))
    .map(({ schema, name }) => `--exclude-table-data=${identifier(schema)}.${identifier(name)}`);
  const said = await dumpInto({
    from: { settings: from, client: source.client },
    into: { settings: into, client: target.client },
    dumpWords: ["--lock-wait-timeout=30000", ...without],
    restoreWords: ["--no-publications", "--no-subscriptions"],
    env,
    folders: USUAL_FOLDERS,
    signal,
  });
  if (said === null) return;
  throw new FaultError({
    code: "rehearsal-copy-failed",
    what: "The tables of the database could not be made anew for the rehearsal.",
    where: placeOf(filledUrl(from)),
    detail: said,
    fix: "see what it says; or make a backup, which a rehearsal takes instead: tidegate backup",
  });
}

const TABLES = `SELECT n.nspname AS schema, c.relname AS name,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`;
