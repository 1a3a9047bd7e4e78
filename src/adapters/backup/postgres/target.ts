import type { Client } from "pg";
import { lossesOf, type TableLoss } from "../../../core/backup/contents.ts";
import { FaultError } from "../../../core/fault.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { type Connection, connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import type { Going, StoredBackup } from "../kind.ts";
import { withDatabase } from "./beside.ts";
import { contentsAt } from "./copy.ts";
import { versionOf } from "./dump.ts";
import { majorOf } from "./programs.ts";
import { isEmpty } from "./scratch.ts";

const APPLICATION = "tidegate restore";

/** Where a backup is to go, as it is found there. */
export interface Target {
  readonly name: string;
  /** `shop at localhost:5432`. */
  readonly place: string;
  readonly settings: DatabaseSettings;
  readonly way: "new" | "replace" | "fill";
  /** A database of the same server in which one can be while the target is renamed; null where nothing is renamed. */
  readonly door: DatabaseSettings | null;
  /** Under which name what is there is kept. */
  readonly keptAs: string | null;
}

/** Looks, and changes nothing. Faults: restore-refused, and those of a database that can't be reached. */
export async function findTarget(
  own: DatabaseSettings,
  { record }: StoredBackup,
  into: string | null,
  { signal }: Going,
): Promise<Target> {
  const settings = targetSettings(own, into);
  const { name, client, connection } = await there(settings, signal);
  await using open = connection;
  const place = placeOf(filledUrl(settings));
  if (open === null) {
    const { door, client: at } = await doorOf(own, settings, name, signal);
    await using atDoor = at;
    refuseOlder(await versionOf(atDoor.client), record.database.engine, place);
    await refuseUnlessAble(atDoor.client, null, place);
    return { name, place, settings, way: "new", door, keptAs: null };
  }
  if (client === null) throw new Error("a connection without its client");
  refuseOlder(await versionOf(client), record.database.engine, place);
  if (await isEmpty(client)) return { name, place, settings, way: "fill", door: null, keptAs: null };
  await refuseUnlessAble(client, name, place);
  const { door, client: at } = await doorOf(own, settings, name, signal);
  await using atDoor = at;
  return { name, place, settings, way: "replace", door, keptAs: await freeName(atDoor.client, name, record.id) };
}

export async function lossesAt(
  target: Target,
  { record }: StoredBackup,
  signal: AbortSignal,
): Promise<readonly TableLoss[]> {
  return target.way === "replace" ? lossesOf(record.contents, await contentsAt(target.settings, signal)) : [];
}

/** Everybody who will be cut off, in words. */
export async function clientsOf({ way, settings, name }: Target, signal: AbortSignal): Promise<readonly string[]> {
  if (way !== "replace") return [];
  await using connection = await connectPostgres(settings, { application: APPLICATION, signal });
  const { rows } = await connection.client.query<{ who: string; role: string; count: number }>(
    `SELECT coalesce(nullif(application_name, ''), 'without a name') AS who, usename AS role, count(*)::int AS count FROM pg_stat_activity
       WHERE datname = $1 AND backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1, 2 ORDER BY 3 DESC, 1`,
    [name],
  );
  return rows.map(
    ({ who, role, count }) => `${who} (${count === 1 ? "1 connection" : `${count} connections`} of ${role})`,
  );
}

function targetSettings(own: DatabaseSettings, written: string | null): DatabaseSettings {
  if (written === null) return own;
  // `${STAGING_URL}`: a password in it is nobody's business.
  const into = fillReferences(written, own.values());
  if (!into.includes("://")) return withDatabase(own, into);
  if (/^postgres(ql)?(\+\w+)?:\/\/[^/]*\/[^/?]+/.test(into)) return { ...own, url: written, writtenIn: "--into" };
  throw refused("This address names no database of PostgreSQL.", "write postgres://user@host/name, or only a name");
}

interface There {
  readonly name: string;
  readonly client: Client | null;
  readonly connection: Connection | null;
}

/** A connection to it; none where the server has no database of that name. */
async function there(settings: DatabaseSettings, signal: AbortSignal): Promise<There> {
  try {
    const connection = await connectPostgres(settings, { application: APPLICATION, signal });
    return { name: connection.client.database ?? "", client: connection.client, connection };
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { readonly code?: string };
    if (code !== "3D000") throw error;
    return { name: decodeURIComponent(new URL(filledUrl(settings)).pathname.slice(1)), client: null, connection: null };
  }
}

/** Nobody can rename the database that they are in. Faults: restore-refused. */
async function doorOf(
  own: DatabaseSettings,
  target: DatabaseSettings,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly door: DatabaseSettings; readonly client: Connection }> {
  const names = ["postgres", "template1"].filter((each) => each !== name);
  const doors = names.map((each) => withDatabase(target, each));
  // The app's own database is a door too, to another one of the same server.
  if (placeOf(filledUrl(own)) === placeOf(filledUrl(withDatabase(target, ownName(own))))) doors.push(own);
  for (const door of doors.filter((each) => filledUrl(each) !== filledUrl(target))) {
    const client = await connectPostgres(door, { application: APPLICATION, signal }).catch(() => null);
    if (client !== null) return { door, client };
  }
  signal.throwIfAborted();
  throw refused(
    "The server lets this role into no other database, and nobody can replace the one that they are in.",
    "let it connect to the database postgres; or create an empty database and restore into that: --into ADDRESS",
  );
}

function ownName(own: DatabaseSettings): string {
  return decodeURIComponent(new URL(filledUrl(own)).pathname.slice(1));
}

/** Faults: restore-refused. */
function refuseOlder(server: string, engine: string, place: string): void {
  if (majorOf(server) >= majorOf(engine)) return;
  throw refused(
    `The backup is of PostgreSQL ${engine}, and at ${place} is ${server}: an older server does not take it.`,
    `restore into a server of version ${majorOf(engine)} or later: --into postgres://…`,
  );
}

/** Whether the role may make a database and, where one is replaced, rename that and cut off who is in it. Faults: restore-refused. */
async function refuseUnlessAble(client: Client, replaced: string | null, place: string): Promise<void> {
  const { rows } = await client.query<{ role: string; creates: boolean; owns: boolean; ends: boolean }>(
    `SELECT current_user AS role, rolcreatedb OR rolsuper AS creates,
       $1::text IS NULL OR rolsuper OR pg_has_role((SELECT datdba FROM pg_database WHERE datname = $1), 'USAGE') AS owns,
       $1::text IS NULL OR rolsuper OR pg_has_role('pg_signal_backend', 'USAGE') AND NOT EXISTS (
         SELECT FROM pg_stat_activity a JOIN pg_roles r ON r.rolname = a.usename WHERE a.datname = $1 AND r.rolsuper)
         OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1 AND NOT pg_has_role(usename, 'USAGE')) AS ends
       FROM pg_roles WHERE rolname = current_user`,
    [replaced],
  );
  const [rights] = rows;
  if (rights === undefined || (rights.creates && rights.owns && rights.ends)) return;
  const { role } = rights;
  const missing = [
    ...(rights.creates ? [] : ["create a database"]),
    ...(rights.owns ? [] : [`rename ${replaced ?? ""}, which it does not own`]),
    ...(rights.ends ? [] : ["cut off those who are connected"]),
  ];
  const ways = [
    ...(rights.creates ? [] : [`ALTER ROLE ${role} CREATEDB`]),
    ...(rights.owns ? [] : [`ALTER DATABASE ${replaced ?? ""} OWNER TO ${role}`]),
    ...(rights.ends ? [] : [`GRANT pg_signal_backend TO ${role}`]),
  ];
  throw refused(
    `The role ${role} may not ${missing.join(", nor ")}.`,
    `${ways.join("; ")}; or create an empty database by other means and restore into that: --into ADDRESS`,
    place,
  );
}

/** A name for what is put aside that nothing has yet: the same backup may be restored twice. */
async function freeName(client: Client, name: string, id: string): Promise<string> {
  const { rows } = await client.query<{ datname: string }>("SELECT datname FROM pg_database");
  const taken = new Set(rows.map(({ datname }) => datname));
  for (let count = 1; ; count += 1) {
    const suffix = `_before_${id.replaceAll("-", "_")}${count === 1 ? "" : `_${count}`}`;
    // Longer names the server cuts off, and two could become one.
    const free = `${name.slice(0, 63 - suffix.length)}${suffix}`;
    if (!taken.has(free)) return free;
  }
}

export function refused(what: string, fix: string, where?: string): FaultError {
  return new FaultError({ code: "restore-refused", what, fix, ...(where === undefined ? {} : { where }) });
}
