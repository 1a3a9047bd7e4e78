import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import { connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import { besideDatabase } from "./beside.ts";
import { dumpInto } from "./dump-into.ts";
import { untrustedExtensions } from "./extensions.ts";
import { identifier } from "./quoting.ts";
import { lentDatabase } from "./scratch.ts";
import type { PostgresBackups } from "./settings.ts";

interface Copied extends AsyncDisposable {
  readonly settings: DatabaseSettings;
}

/**
 * A database with everything of the app's but its rows; of a few small tables the rows too. In the one that is lent for that, else beside the app's.
 * Faults: those of besideDatabase, lentDatabase and postgresPrograms, schema-not-copied.
 */
export async function copySchema(
  backups: PostgresBackups,
  withRows: readonly string[],
  signal: AbortSignal,
): Promise<Copied> {
  const { database, scratch } = backups;
  await using stack = new AsyncDisposableStack();
  const place = stack.use(
    scratch === null
      ? await besideDatabase(database, { purpose: "try", why: "to try migrations", signal })
      : await lentDatabase({ ...database, url: scratch, writtenIn: "database.backups.scratch" }, signal),
  );
  const connect = { application: "tidegate migrate", signal };
  await using from = await connectPostgres(database, connect);
  await using to = await connectPostgres(place.settings, connect);
  await copyDefinitions(backups, [from.client, to.client], place.settings, signal);
  for (const table of withRows) await copyRows(from.client, to.client, table);
  const owned = stack.move();
  return { settings: place.settings, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function copyDefinitions(
  { database, env, folders }: PostgresBackups,
  [from, to]: readonly [Client, Client],
  into: DatabaseSettings,
  signal: AbortSignal,
): Promise<void> {
  const said = await dumpInto({
    from: { settings: database, client: from },
    into: { settings: into, client: to },
    dumpWords: ["--schema-only", "--lock-wait-timeout=10000", ...NOBODYS, ...(await madeByUs(from))],
    restoreWords: NOBODYS,
    env,
    folders,
    signal,
  });
  if (said === null) return;
  throw new FaultError({
    code: "schema-not-copied",
    what: `The schema could not be copied: ${said.at(-1) ?? "pg_dump and pg_restore said nothing"}.`,
    where: placeOf(filledUrl(database)),
    detail: said,
    fix: "see what it says: a right or an extension that is missing",
  });
}

/** Leaves out the extensions that only a superuser may make; nothing where there is none. */
async function madeByUs(from: Client): Promise<readonly string[]> {
  const untrusted = await untrustedExtensions(from);
  if (untrusted.length === 0) return [];
  const { rows } = await from.query<{ name: string }>("SELECT extname AS name FROM pg_extension");
  return rows.flatMap(({ name }) => (untrusted.includes(name) ? [] : [`--extension=${identifier(name)}`]));
}

/** Who owns what, and who may do what, is of no use where nobody else comes. */
const NOBODYS = ["--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions"];

async function copyRows(from: Client, to: Client, table: string): Promise<void> {
  const name = identifier(table);
  const { rows: found } = await from.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [name]);
  if (found[0]?.there !== true) return;
  const { rows } = await from.query<{ all: unknown }>(`SELECT coalesce(json_agg(t), '[]') AS all FROM ${name} t`);
  await to.query(
    `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::${name}, $1)`,
    [JSON.stringify(rows[0]?.all ?? [])],
  );
  // What it numbers by itself goes on behind what is there.
  await to.query(
    `SELECT setval(pg_get_serial_sequence($1, attname), (SELECT count(*) + 1000000 FROM ${name}), false)
     FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND pg_get_serial_sequence($1, attname) IS NOT NULL`,
    [name],
  );
}
