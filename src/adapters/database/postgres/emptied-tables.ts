import { type Client, escapeIdentifier } from "pg";

/** By oid: in which file on disk PostgreSQL keeps a table that is not empty. A TRUNCATE gives it another one. */
export type TableFiles = ReadonlyMap<string, string>;

export async function filesOfTables(work: Client): Promise<TableFiles> {
  // To ask for a table's size takes a lock for a moment: what somebody else has wholly to himself is left out.
  const { rows } = await work.query<{ id: string; file: string }>(
    `WITH free AS MATERIALIZED (
       SELECT c.oid AS id, c.relfilenode AS file FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
         AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
     ) SELECT id, file FROM free WHERE pg_relation_size(id) > 0`,
  );
  return new Map(rows.map(({ id, file }) => [id, file]));
}

/** Tables that this transaction has to itself, that got another file since, and have no more rows than were put into them in this transaction. As regclass writes their names. */
export async function emptiedSince(work: Client, before: TableFiles): Promise<readonly string[]> {
  if (before.size === 0) return [];
  const { rows } = await work.query<Candidate>(
    `WITH own AS MATERIALIZED (
       SELECT DISTINCT l.relation FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.mode = 'AccessExclusiveLock' AND l.granted
     ) SELECT c.oid::regclass::text AS name, n.nspname AS schema, c.relname AS table, pg_relation_size(c.oid) AS bytes,
       coalesce(s.n_tup_ins, 0) AS added, has_table_privilege(c.oid, 'SELECT') AS readable
     FROM unnest($1::oid[], $2::oid[]) AS was (id, file) JOIN own ON own.relation = was.id JOIN pg_class c ON c.oid = was.id JOIN pg_namespace n ON n.oid = c.relnamespace
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
