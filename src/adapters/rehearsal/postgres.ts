import { FaultError } from "../../core/fault.ts";
import type { MadeUpTable } from "../../core/rehearsal/rehearsal.ts";
import { connectPostgres, filledUrl, placeOf } from "../database/postgres/connect.ts";
import type { DatabaseSettings } from "../database/settings.ts";
import { identifier } from "../backup/postgres/quoting.ts";
import { besideDatabase, withDatabase } from "../backup/postgres/beside.ts";
import { fillTables } from "./made-up/fill.ts";
import { copyWithoutRows } from "./made-up/without-rows.ts";
import {
  databaseIn,
  type DatabaseLead,
  leadAddress,
  leadVariable,
  type ServerPlace,
} from "../../core/rehearsal/database-lead.ts";
import type { CopyPlace, RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import { prepareOwnServer } from "./own-server.ts";

/** `pg_stat_activity` shows it. */
const APPLICATION = "tidegate rehearse";
/** What restoring adds to a name must not be cut off: the server's names have 63 bytes. */
const OWN_NAME_LENGTH = 10;

export interface PostgresCopies {
  readonly database: DatabaseSettings;
  /** What programs inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly place: CopyPlace;
}

/** Databases on the app's own server, or on one of the rehearsal's own. */
export function postgresCopies({ database, env, place }: PostgresCopies): RehearsalCopies {
  const url = filledUrl(database);
  const appName = databaseIn(url) ?? "app";
  const begunAt = performance.now();
  const besideName = (id: string): string => `${plainName(appName)}_rehearsal_${id}`;
  // Nobody else has a database on a server of the rehearsal's own, so that an app that has the name in its code finds it.
  const copyName = (id: string): string => (place.kind === "own-server" ? appName : besideName(id));
  const lead = (id: string, at: ServerPlace | null): DatabaseLead => ({
    name: appName,
    copy: copyName(id),
    ...(at === null ? {} : { at }),
  });
  const here = place.kind === "beside" ? serverIn(url) : place.kind === "own-server" ? place.fromHere : null;
  const inside = place.kind === "own-server" ? place.fromContainers : null;
  const settingsOf = (id: string): DatabaseSettings =>
    place.kind === "own-server" ? atServer(database, lead(id, place.fromHere)) : withDatabase(database, copyName(id));
  return {
    place: placeOf(url),
    nameOf: (id) => (place.kind === "own-server" ? settingsOf(id).url : copyName(id)),
    addressOf: (id) => filledUrl(settingsOf(id)),
    led: (id, variable, value) => leadVariable(variable, value, lead(id, here)),
    inContainers: (id) => (place.kind === "beside" ? null : lead(id, inside)),
    prepare: async (id, signal) => {
      if (place.kind !== "own-server") return;
      const youngerThanMs = (): number => performance.now() - begunAt;
      await prepareOwnServer({ app: database, own: settingsOf(id), name: appName, youngerThanMs, signal });
    },
    copyNow: null,
    madeUp: (id, signal) =>
      place.kind === "own-server"
        ? madeUpInto(database, settingsOf(id), env, signal)
        : madeUpDatabase(database, copyName(id), env, signal),
    sessionsInApp: async (application, signal) => {
      await using connection = await connectPostgres(database, { application: APPLICATION, signal });
      const { rows } = await connection.client.query<{ count: number }>(
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
        [application],
      );
      return rows[0]?.count ?? 0;
    },
    // A server of its own goes with its container; what an earlier plan had beside the app's own database is looked for in any case.
    drop: async (id, signal) => {
      await using connection = await connectPostgres(database, { application: APPLICATION, signal });
      const { client } = connection;
      // Restoring into it keeps what it replaced under names that begin alike.
      const { rows } = await client.query<{ name: string }>(
        "SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1) AND pg_has_role(datdba, 'USAGE')",
        [besideName(id)],
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
  const made = await madeUpInto(database, beside.settings, env, signal);
  await beside.keepAs(name, null);
  return made;
}

/** `into`: empty. */
async function madeUpInto(
  database: DatabaseSettings,
  into: DatabaseSettings,
  env: PostgresCopies["env"],
  signal: AbortSignal,
): Promise<readonly MadeUpTable[]> {
  await copyWithoutRows({ from: database, into, env, signal });
  return await filled(into, signal);
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

/** Another server's, reached with the same user and settings. Faults: rehearsal-not-possible. */
function atServer(database: DatabaseSettings, lead: DatabaseLead): DatabaseSettings {
  const url = leadAddress(filledUrl(database), lead);
  if (url === null)
    throw new FaultError({
      code: "rehearsal-not-possible",
      what: "The address of the database does not name one, so that nothing says what its copy is to be called.",
      where: "database.url",
      fix: "write its name: postgres://user@host/name",
    });
  // Everything is filled in, and nothing that looks like a reference is one.
  return { ...database, url: url.replaceAll("${", "$${"), values: () => ({}) };
}

function serverIn(url: string): ServerPlace {
  const { hostname: host, port, searchParams } = new URL(url);
  const socket = searchParams.get("host");
  return { host, ...(port === "" ? {} : { port: Number(port) }), ...(socket === null ? {} : { socket }) };
}
