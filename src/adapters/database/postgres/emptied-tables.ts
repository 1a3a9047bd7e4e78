import { type Client, escapeIdentifier } from "pg";

/** By oid: in which file on disk PostgreSQL keeps a table that is not empty. A TRUNCATE gives it another one. */
export type TableFiles = ReadonlyMap<string, string>;

export async function filesOfTables(work: Client): Promise<TableFiles> {
  const { rows } = await work.query<{ id: string; file: string }>(
    `SELECT c.oid AS id, c.relfilenode AS file FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND pg_relation_size(c.oid) > 0`,
  );
  return new Map(rows.map(({ id, file }) => [id, file]));
}

/** Tables that got another file since, and have no more rows than were put into them in this transaction. As regclass writes their names. */
export async function emptiedSince(work: Client, before: TableFiles): Promise<readonly string[]> {
  if (before.size === 0) return [];
  const { rows } = await work.query<Candidate>(
    `SELECT c.oid::regclass::text AS name, n.nspname AS schema, c.relname AS table, pg_relation_size(c.oid) AS bytes,
       coalesce(s.n_tup_ins, 0) AS added, has_table_privilege(c.oid, 'SELECT') AS readable
     FROM unnest($1::oid[], $2::oid[]) AS was (id, file) JOIN pg_class c ON c.oid = was.id JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_stat_xact_user_tables s ON s.relid = c.oid WHERE c.relfilenode <> was.file`,
    [[...before.keys()], [...before.values()]],
  );
  const emptied: string[] = [];
  for (const each of rows) if (await isEmptied(work, each)) emptied.push(each.name);
  return emptied;
}

interface Candidate {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly bytes: string;
  readonly added: string;
  readonly readable: boolean;
}

async function isEmptied(work: Client, { schema, table, bytes, added, readable }: Candidate): Promise<boolean> {
  if (bytes === "0") return true;
  if (!readable) return false;
  const name = `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
  const { rows } = await work.query<{ n: string }>(`SELECT count(*) AS n FROM ${name}`);
  return Number(rows[0]?.n) <= Number(added);
}
