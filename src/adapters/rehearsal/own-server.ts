import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { FaultError } from "../../core/fault.ts";
import { literal, identifier } from "../backup/postgres/quoting.ts";
import { withDatabase } from "../backup/postgres/beside.ts";
import { type Connection, connectPostgres, filledUrl, placeOf } from "../database/postgres/connect.ts";
import type { DatabaseSettings } from "../database/settings.ts";

const APPLICATION = "tidegate rehearse";
const ANSWERS_WITHIN_MS = 60_000;
const ASKS_EVERY_MS = 200;
/** Where one is while another database is dropped. */
const DOOR = "postgres";

export interface OwnServerOrder {
  readonly app: DatabaseSettings;
  readonly own: DatabaseSettings;
  /** Of the app's database, and of the copy. */
  readonly name: string;
  /** No server that has run for longer is the rehearsal's own. */
  readonly youngerThanMs: () => number;
  readonly signal: AbortSignal;
}

/** Makes a server of the rehearsal's own like the app's: its roles, and the app's database, empty. Faults: rehearsal-copy-failed. */
export async function prepareOwnServer({ app, own, name, youngerThanMs, signal }: OwnServerOrder): Promise<void> {
  await using production = await connectPostgres(app, { application: APPLICATION, signal });
  await using door = await untilAnswered(withDatabase(own, DOOR), signal);
  const { client } = door;
  await mustBeOwn(client, own, youngerThanMs());
  await copyRoles(production.client, client);
  if (name === DOOR) return;
  // What the image, or a script beside it, has put there is no backup's.
  await client.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${identifier(name)}`);
}

/** A server that has just been made answers when it has made its files. */
async function untilAnswered(door: DatabaseSettings, signal: AbortSignal): Promise<Connection> {
  for (const until = performance.now() + ANSWERS_WITHIN_MS; ;) {
    try {
      return await connectPostgres(door, { application: APPLICATION, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() > until) throw notLetIn(door, error);
      await delay(ASKS_EVERY_MS, undefined, { signal });
    }
  }
}

/** What is between may lead to another server, and there nothing may be dropped. Faults: rehearsal-touches-production. */
async function mustBeOwn(client: Client, own: DatabaseSettings, youngerThanMs: number): Promise<void> {
  const { rows } = await client.query<{ runs: number }>(
    "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 * 1000 AS runs",
  );
  const runs = rows[0]?.runs ?? Number.POSITIVE_INFINITY;
  if (runs < youngerThanMs) return;
  throw new FaultError({
    code: "rehearsal-touches-production",
    what: "Where the rehearsal has started a database server of its own, one answers that ran before. Nothing was changed on it.",
    where: placeOf(filledUrl(own)),
    fix: "the service that the app finds its database by hands connections on to another server: let the app name that server itself",
  });
}

interface Role {
  readonly name: string;
  readonly password: string | null;
  readonly options: string;
}

const ROLES = `SELECT rolname AS name, CASE WHEN rolsuper THEN 'SUPERUSER ' ELSE '' END || CASE WHEN rolcreatedb THEN 'CREATEDB ' ELSE '' END
  || CASE WHEN rolcreaterole THEN 'CREATEROLE ' ELSE '' END || CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END AS options,
  NULL AS password FROM pg_roles WHERE rolname !~ '^pg_'`;
/** Only a superuser may read passwords, which are no plain ones. */
const WITH_PASSWORDS = ROLES.replace("NULL AS password FROM pg_roles", "rolpassword AS password FROM pg_authid");
const MEMBERS = `SELECT r.rolname AS role, m.rolname AS member FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid
  JOIN pg_roles m ON m.oid = a.member WHERE m.rolname !~ '^pg_'`;

/** A backup says who owns what, and the app comes as who it is. */
async function copyRoles(from: Client, to: Client): Promise<void> {
  const read = async (sql: string): Promise<readonly Role[]> => (await from.query<Role>(sql)).rows;
  const roles = await read(WITH_PASSWORDS).catch(() => read(ROLES));
  const { rows: there } = await to.query<{ name: string }>("SELECT rolname AS name FROM pg_roles");
  const names = new Set(there.map(({ name }) => name));
  for (const { name, options, password } of roles.filter((role) => !names.has(role.name)))
    await to.query(
      `CREATE ROLE ${identifier(name)} ${options}${password === null ? "" : ` PASSWORD ${literal(password)}`}`,
    );
  const { rows: members } = await from.query<{ role: string; member: string }>(MEMBERS);
  for (const { role, member } of members) await to.query(`GRANT ${identifier(role)} TO ${identifier(member)}`);
}

function notLetIn(door: DatabaseSettings, error: unknown): FaultError {
  const { what, cause } = error instanceof FaultError ? error.fault : { what: String(error), cause: undefined };
  return new FaultError(
    {
      code: "rehearsal-copy-failed",
      what: "The rehearsal's own database server does not let Tidegate in, though it was made with the user and password of `database.url`.",
      where: placeOf(filledUrl(door)),
      cause: cause === undefined ? what : `${what} ${cause}`,
      fix: "is its image made like the official one of PostgreSQL (POSTGRES_USER, POSTGRES_PASSWORD)? else keep the database out of the compose file",
    },
    { cause: error },
  );
}
