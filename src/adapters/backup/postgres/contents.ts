import type { Client } from "pg";
import type { Contents, SequencePosition, TableContents } from "../../../core/backup/contents.ts";
import { identifier } from "./quoting.ts";

/** What turns a row into a text must be the same in source and copy: settings of a role or a database would change it. */
const SAME_WORDS = `SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; SET extra_float_digits = 3;
  SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET search_path = pg_catalog; SET row_security = off; SET statement_timeout = 0;
  SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '30s'`;

/** Everything of the user's, not of the system's or of an extension's (an extension's default version may differ). */
const OWN = (oid: string, namespace: string, catalog: string): string =>
  `${namespace} NOT LIKE 'pg\\_%' AND ${namespace} <> 'information_schema' AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = '${catalog}'::regclass AND objid = ${oid} AND deptype = 'e')`;

const TABLES = `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${OWN("c.oid", "n.nspname", "pg_class")} ORDER BY 1, 2`;

/** Not what follows from something else by itself: an index of a partition, a constraint of one. */
const OBJECTS = `
  SELECT CASE c.relkind WHEN 'r' THEN 'tables' WHEN 'p' THEN 'partitioned tables' WHEN 'v' THEN 'views'
      WHEN 'm' THEN 'materialized views' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'foreign tables' END AS kind, count(*)::int
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't' AND ${OWN("c.oid", "n.nspname", "pg_class")} GROUP BY 1
  UNION ALL SELECT 'indexes', count(*)::int FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indisvalid AND NOT x.relispartition AND c.relpersistence <> 't' AND ${OWN("c.oid", "n.nspname", "pg_class")}
  UNION ALL SELECT 'constraints', count(*)::int FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0 AND c.relpersistence <> 't' AND ${OWN("c.oid", "n.nspname", "pg_class")}
  UNION ALL SELECT 'triggers', count(*)::int FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ${OWN("c.oid", "n.nspname", "pg_class")}
  UNION ALL SELECT 'functions', count(*)::int FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE ${OWN("p.oid", "n.nspname", "pg_proc")}`;

/** Needs no right to the system's own table of them, and reads one at a time. */
const LARGE_OBJECTS = `SELECT count(*)::int AS rows, coalesce(sum(hashtextextended(oid::text || ':' || md5(lo_get(oid)), 0)), 0)::text AS checksum
  FROM pg_largeobject_metadata`;

const SEQUENCES = `SELECT n.nspname AS schema, c.relname AS name, s.seqincrement::text AS step FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relpersistence <> 't' AND has_schema_privilege(n.oid, 'USAGE') AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT') END
    AND ${OWN("c.oid", "n.nspname", "pg_class")} ORDER BY 1, 2`;

/** Where each sequence stands that may be read (pg_dump says it of the others). No snapshot holds that still: of a source it must be asked before its dump begins. */
export async function sequencesOf(client: Client): Promise<readonly SequencePosition[]> {
  const { rows } = await client.query<{ schema: string; name: string; step: string }>(SEQUENCES);
  const positions: SequencePosition[] = [];
  for (const { schema, name, step } of rows) {
    const { rows: found } = await client.query<{ last: string }>(
      `SELECT (CASE WHEN is_called THEN last_value ELSE last_value - ${step}::numeric END)::text AS last FROM ${identifier(schema)}.${identifier(name)}`,
    );
    positions.push({ name: `${schema}.${name}`, last: found[0]?.last ?? "0", isDescending: step.startsWith("-") });
  }
  return positions;
}

/** The same words for every row, wherever it is read; to be done before a transaction begins. */
export async function withSameWords(client: Client): Promise<void> {
  await client.query(SAME_WORDS);
}

/**
 * Reads every row of every table, in the transaction that the client is in. The sum over the rows' hashes depends neither on their order
 * nor on where they lie.
 */
export async function contentsOf(client: Client, signal: AbortSignal): Promise<Contents> {
  const sequences = await sequencesOf(client);
  const { rows: names } = await client.query<{ schema: string; name: string }>(TABLES);
  const tables: TableContents[] = [];
  for (const { schema, name } of names) {
    signal.throwIfAborted();
    const table = `${identifier(schema)}.${identifier(name)}`;
    const { rows } = await client.query<{ rows: string; checksum: string }>(
      `SELECT count(*)::text AS rows, coalesce(sum(hashtextextended((the_row.*)::text, 0)), 0)::text AS checksum FROM ONLY ${table} AS the_row`,
    );
    tables.push({ name: `${schema}.${name}`, rows: Number(rows[0]?.rows), checksum: rows[0]?.checksum ?? "" });
  }
  const large = (await client.query<{ rows: number; checksum: string }>(LARGE_OBJECTS)).rows[0];
  if (large !== undefined && large.rows > 0) tables.push({ name: "large objects", ...large });
  const { rows: objects } = await client.query<{ kind: string; count: number }>(OBJECTS);
  return {
    tables,
    objects: Object.fromEntries(objects.filter(({ count }) => count > 0).map(({ kind, count }) => [kind, count])),
    sequences,
  };
}
