import type { MadeUpTable } from "../../core/rehearsal/rehearsal.ts";
import { connectPostgres, filledUrl, placeOf } from "../database/postgres/connect.ts";
import type { DatabaseSettings } from "../database/settings.ts";
import { identifier } from "../backup/postgres/quoting.ts";
import { besideDatabase, withDatabase } from "../backup/postgres/beside.ts";
import { fillTables } from "./made-up/fill.ts";
import { copySchema } from "./made-up/schema.ts";
import type { RehearsalCopies } from "../../ports/rehearsal-copies.ts";

/** `pg_stat_activity` shows it. */
const APPLICATION = "tidegate rehearse";
/** What restoring adds to a name must not be cut off: the server's names have 63 bytes. */
const OWN_NAME_LENGTH = 10;

export interface PostgresCopies {
  readonly database: DatabaseSettings;
  /** What programs inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Databases on the app's own server. */
export function postgresCopies({ database, env }: PostgresCopies): RehearsalCopies {
  const appName = nameIn(filledUrl(database)) ?? "app";
  const nameOf = (id: string): string => `${plainName(appName)}_rehearsal_${id}`;
  return {
    place: placeOf(filledUrl(database)),
    nameOf,
    addressOf: (id) => filledUrl(withDatabase(database, nameOf(id))),
    redirected: (value, id) => (nameIn(value) === appName ? led(value, filledUrl(database), nameOf(id)) : null),
    isItsName: (value) => value === appName,
    prepare: () => Promise.resolve(),
    copyNow: null,
    madeUp: (id, signal) => madeUpDatabase(database, nameOf(id), env, signal),
    sessionsInApp: async (application, signal) => {
      await using connection = await connectPostgres(database, { application: APPLICATION, signal });
      const { rows } = await connection.client.query<{ count: number }>(
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
        [application],
      );
      return rows[0]?.count ?? 0;
    },
    drop: async (id, signal) => {
      await using connection = await connectPostgres(database, { application: APPLICATION, signal });
      const { client } = connection;
      // Restoring into it keeps what it replaced under names that begin alike.
      const { rows } = await client.query<{ name: string }>(
        "SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1) AND pg_has_role(datdba, 'USAGE')",
        [nameOf(id)],
      );
      for (const { name } of rows) await client.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
    },
  };
}

async function madeUpDatabase(
  database: DatabaseSettings,
  name: string,
  env: PostgresCopies["env"],
  signal: AbortSignal,
): Promise<readonly MadeUpTable[]> {
  await using beside = await besideDatabase(database, { purpose: "restore", why: "for a rehearsal", signal });
  await copySchema({ from: database, into: beside.settings, env, signal });
  const made = await filled(beside.settings, signal);
  await beside.keepAs(name, null);
  return made;
}

async function filled(into: DatabaseSettings, signal: AbortSignal): Promise<readonly MadeUpTable[]> {
  await using connection = await connectPostgres(into, { application: APPLICATION, signal });
  const made = await fillTables(connection.client, signal);
  await connection.client.query("ANALYZE");
  return made;
}

/** As short as a name must be, and nothing in it that other tools stumble over. */
function plainName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, "_").slice(0, OWN_NAME_LENGTH);
}

/** The database that an address of PostgreSQL names; null: it is none, or names none. */
function nameIn(value: string): string | null {
  if (!/^postgres(?:ql)?(?:\+\w+)?:\/\//i.test(value)) return null;
  const url = withoutDriver(value);
  if (!URL.canParse(url)) return null;
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  return name === "" ? null : name;
}

/**
 * The address with its own driver, user and settings, at the server of the app's own: one that goes through a pooler knows no other
 * databases.
 */
function led(value: string, own: string, name: string): string {
  const scheme = /^[^:]+:/.exec(value)?.[0] ?? "postgres:";
  const url = new URL(withoutDriver(value));
  const at = new URL(own);
  url.hostname = at.hostname;
  url.port = at.port;
  if (at.searchParams.has("host")) url.searchParams.set("host", at.searchParams.get("host") ?? "");
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href.replace(/^[^:]+:/, scheme);
}

function withoutDriver(value: string): string {
  return value.replace(/^(postgres(?:ql)?)\+\w+:/i, "$1:");
}
