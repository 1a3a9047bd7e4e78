import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import { connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import { identifier } from "./quoting.ts";

/** Says that all else in the database is Tidegate's to throw away. */
const MARK = "tidegate_scratch";
/** "TGSC" in ASCII. */
const LOCK = 0x54_47_53_43;

/**
 * A database that is lent for copies: emptied before and after. One that is not empty is only taken where Tidegate itself has marked it as
 * its own: an address that was mistaken must not cost anybody's data. Faults: backup-not-provable.
 */
export async function lentDatabase(
  settings: DatabaseSettings,
  signal: AbortSignal,
): Promise<AsyncDisposable & { readonly settings: DatabaseSettings }> {
  const connection = await connectPostgres(settings, { application: "tidegate backup", signal });
  const { client } = connection;
  try {
    const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1) AS taken", [LOCK]);
    if (rows[0]?.taken !== true)
      throw refused(
        settings,
        "Another run of Tidegate uses the scratch database now.",
        "wait until it is over, then: tidegate backup verify newest",
      );
    if (!(await isMarked(client))) {
      if (!(await isEmpty(client)))
        throw refused(
          settings,
          "The scratch database is not empty, and nothing in it says that Tidegate may throw it away.",
          `name an empty database under database: { backups: { scratch } }; or, if nobody needs what is in it: CREATE SCHEMA ${MARK}`,
        );
      await client.query(`CREATE SCHEMA ${MARK}`);
    }
    await makeEmpty(client);
    return {
      settings,
      [Symbol.asyncDispose]: async () => {
        await using _ = connection;
        // Else the next run does it.
        if (!connection.isLost()) await makeEmpty(client).catch(() => undefined);
      },
    };
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether there is nothing of anybody's in the database. */
export async function isEmpty(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ things: number }>(
    `SELECT count(*)::int AS things FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
         AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')`,
  );
  return rows[0]?.things === 0;
}

async function isMarked(client: Client): Promise<boolean> {
  const { rows } = await client.query("SELECT FROM pg_namespace WHERE nspname = $1", [MARK]);
  return rows.length > 0;
}

async function makeEmpty(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT nspname AS name FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', $1)`,
    [MARK],
  );
  const { rows: extensions } = await client.query<{ name: string }>(
    "SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql' AND extowner = current_user::regrole",
  );
  const { rows: large } = await client.query("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
  void large;
  for (const { name } of extensions) await client.query(`DROP EXTENSION IF EXISTS ${identifier(name)} CASCADE`);
  for (const { name } of rows) await client.query(`DROP SCHEMA ${identifier(name)} CASCADE`);
  // Every dump takes it for granted.
  if (rows.some(({ name }) => name === "public")) await client.query("CREATE SCHEMA public");
}

function refused(settings: DatabaseSettings, what: string, fix: string): FaultError {
  return new FaultError({ code: "backup-not-provable", what, where: placeOf(filledUrl(settings)), fix });
}
