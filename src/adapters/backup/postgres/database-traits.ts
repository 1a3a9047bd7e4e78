import type { Client } from "pg";
import { connectPostgres } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import { errorOf } from "../../database/postgres/faults.ts";
import { identifier, literal } from "./quoting.ts";

/**
 * Gives a restored database what no dump of one holds: the settings, rights, owner and limit of the database whose place it takes.
 * Answers what it could not, in sentences: better a database that people can get into than none.
 */
export async function likeBefore(
  client: Client,
  restored: DatabaseSettings,
  before: string,
): Promise<readonly string[]> {
  await using connection = await connectPostgres(restored, {
    application: "tidegate restore",
    signal: AbortSignal.timeout(60_000),
  });
  const name = connection.client.database ?? "";
  const notes: string[] = [];
  for (const statement of await statementsFor(client, name, before)) {
    try {
      await client.query(statement);
    } catch (error) {
      notes.push(`Not as before: ${statement} (${errorOf(error).message}).`);
    }
  }
  return notes;
}

async function statementsFor(client: Client, name: string, before: string): Promise<readonly string[]> {
  const database = identifier(name);
  const settings = await client.query<{ role: string | null; key: string; value: string }>(
    `SELECT r.rolname AS role, split_part(c, '=', 1) AS key, substr(c, strpos(c, '=') + 1) AS value
       FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
       WHERE d.datname = $1`,
    [before],
  );
  const rights = await client.query<{ role: string; privilege: string; grantable: boolean }>(
    `SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END AS role, a.privilege_type AS privilege, a.is_grantable AS grantable
       FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = $1 AND a.grantee <> d.datdba`,
    [before],
  );
  const { rows } = await client.query<{ owner: string; limit: number; acl: boolean }>(
    `SELECT pg_get_userbyid(datdba) AS owner, datconnlimit AS limit, datacl IS NOT NULL AS acl FROM pg_database WHERE datname = $1`,
    [before],
  );
  const [was] = rows;
  if (was === undefined) return [];
  return [
    ...(was.limit === -1 ? [] : [`ALTER DATABASE ${database} CONNECTION LIMIT ${was.limit}`]),
    ...settings.rows.map(
      ({ role, key, value }) =>
        `ALTER ${role === null ? "" : `ROLE ${identifier(role)} IN `}DATABASE ${database} SET ${identifier(key)} TO ${LISTS.has(key) ? value : literal(value)}`,
    ),
    ...(was.acl ? [`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`] : []),
    ...rights.rows.map(
      ({ role, privilege, grantable }) =>
        `GRANT ${privilege} ON DATABASE ${database} TO ${(role as string | null) === null ? "PUBLIC" : identifier(role)}${grantable ? " WITH GRANT OPTION" : ""}`,
    ),
    // Last: who is no longer its owner may not do what stands above.
    `ALTER DATABASE ${database} OWNER TO ${identifier(was.owner)}`,
  ];
}

/** Their values are lists of names, quoted already. Source: pg_dump, variable_is_guc_list_quote. */
const LISTS = new Set([
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
]);
