import type { Client } from "pg";
import type { Catalogue, Relation } from "../../../core/migration/serving.ts";
import { writtenName } from "../../../migrations/sql/object-name.ts";
import { errorOf } from "./faults.ts";

/** What of some names is in the database, in any schema of the user's. Only reads; waits for no lock for longer than a moment. */
export async function readCatalogue(client: Client, names: readonly string[]): Promise<Catalogue> {
  const relations = await relationsOf(client, names);
  const { rows } = await client.query<{ types: Catalogue["types"]; functions: string[]; schemas: string[] }>(OTHERS, [
    names,
  ]);
  const [others = { types: [], functions: [], schemas: [] }] = rows;
  const mentions = await client.query<Catalogue["mentions"][number]>(MENTIONS, [names]);
  return { relations, ...others, mentions: mentions.rows };
}

const OURS = (namespace: string): string => `${namespace} NOT LIKE 'pg\\_%' AND ${namespace} <> 'information_schema'`;

/** A table that is named by one of its indexes too. */
const RELATIONS = (bytes: string): string => `
  WITH RECURSIVE named AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'i', 'I', 'S') AND ${OURS("n.nspname")}
  ), wanted AS (
    SELECT oid FROM named UNION SELECT i.indrelid FROM pg_index i JOIN named ON named.oid = i.indexrelid
  ), reading (base, col, view) AS (
    SELECT d.refobjid, d.refobjsubid, r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM wanted)
      AND r.ev_class <> d.refobjid
    UNION SELECT o.base, o.col, r.ev_class FROM reading o
    JOIN pg_depend d ON d.refobjid = o.view AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> d.refobjid
  )
  SELECT c.relname AS name, n.nspname AS schema, pg_table_is_visible(c.oid) AS "isVisible",
    CASE WHEN c.relkind IN ('r', 'p', 'f') THEN 'table' WHEN c.relkind IN ('v', 'm') THEN 'view' WHEN c.relkind = 'S' THEN 'sequence' ELSE 'index' END AS kind,
    CASE WHEN c.relkind IN ('r', 'm') THEN c.reltuples
      WHEN c.relkind = 'p' THEN (SELECT sum(x.reltuples) FROM pg_partition_tree(c.oid) t JOIN pg_class x ON x.oid = t.relid WHERE t.isleaf) END AS rows,
    ${bytes} AS bytes,
    (SELECT ARRAY[s.nspname::text, t.relname::text] FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace WHERE i.indexrelid = c.oid) AS "table",
    (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'isNotNull', a.attnotnull,
        'hasDefault', a.atthasdef OR a.attidentity <> '') ORDER BY a.attnum), '[]')
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I')) AS columns,
    (SELECT coalesce(json_agg(json_build_object('name', k.conname, 'kind', CASE k.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign'
        WHEN 'u' THEN 'unique' WHEN 'p' THEN 'primary' ELSE 'exclusion' END, 'isValidated', k.convalidated,
        'columns', (SELECT coalesce(json_agg(a.attname), '[]') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)),
        'notNullOf', CASE WHEN k.contype = 'c' AND cardinality(k.conkey) = 1 AND pg_get_constraintdef(k.oid) ~ '^CHECK \\(\\("?[^ ()]+"? IS NOT NULL\\)\\)'
          THEN (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = k.conkey[1]) END)), '[]')
      FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f', 'u', 'p', 'x')) AS constraints,
    (SELECT coalesce(json_agg(json_build_object('name', x.relname, 'isUnique', i.indisunique AND i.indisvalid, 'isPartial', i.indpred IS NOT NULL,
        'columns', (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY k (attnum, n)
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0))), '[]')
      FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid) AS indexes,
    (SELECT coalesce(json_agg(DISTINCT jsonb_build_object('view', ARRAY[s.nspname, v.relname], 'column', a.attname)), '[]')
      FROM reading o JOIN pg_class v ON v.oid = o.view JOIN pg_namespace s ON s.oid = v.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = o.base AND a.attnum = o.col AND o.col > 0
      WHERE o.base = c.oid) AS readers
  FROM wanted w JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace`;

const MEASURED = `CASE WHEN c.relkind IN ('r', 'm') THEN pg_total_relation_size(c.oid)
  WHEN c.relkind = 'p' THEN (SELECT sum(pg_total_relation_size(t.relid)) FROM pg_partition_tree(c.oid) t) END`;

const OTHERS = `
  SELECT (SELECT coalesce(json_agg(json_build_object('name', t.typname, 'tables', (SELECT coalesce(json_agg(DISTINCT c.relname), '[]')
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.atttypid IN (t.oid, t.typarray) AND c.relkind IN ('r', 'p') AND NOT a.attisdropped))), '[]')
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = ANY ($1) AND t.typrelid = 0 AND ${OURS("n.nspname")}) AS types,
    ARRAY (SELECT DISTINCT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.proname = ANY ($1) AND ${OURS("n.nspname")}) AS functions,
    ARRAY (SELECT nspname::text FROM pg_namespace WHERE nspname = ANY ($1)) AS schemas`;

/** What PostgreSQL itself keeps no account of: a body is a text to it. Extensions have their own. */
const MENTIONS = `
  SELECT DISTINCT w.name, p.proname::text AS by FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN unnest($1::text[]) w (name) ON strpos(pg_get_functiondef(p.oid), w.name) > 0
  WHERE p.prokind IN ('f', 'p') AND ${OURS("n.nspname")} AND w.name ~ '^[[:alnum:]_]{2,}$' AND w.name <> p.proname
    AND regexp_replace(pg_get_functiondef(p.oid), '^.*?\\mAS\\M', '') ~ ('\\m' || w.name || '\\M')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  ORDER BY 1, 2`;

interface StoredRelation extends Omit<Relation, "bytes" | "table" | "readers"> {
  readonly bytes: string | null;
  /** Schema and name. */
  readonly table: readonly string[] | null;
  readonly readers: readonly { readonly view: readonly string[]; readonly column: string | null }[];
}

async function relationsOf(client: Client, names: readonly string[]): Promise<readonly Relation[]> {
  const ask = async (bytes: string): Promise<readonly Relation[]> => {
    const { rows } = await client.query<StoredRelation>(RELATIONS(bytes), [names]);
    return rows.map(({ table, readers, ...row }) => ({
      ...row,
      bytes: row.bytes === null ? null : Number(row.bytes),
      table: table === null ? null : writtenName(table),
      readers: readers.map(({ view, column }) => ({ view: writtenName(view), column })),
    }));
  };
  await client.query("BEGIN READ ONLY; SET LOCAL lock_timeout = '500ms'");
  try {
    return await ask(MEASURED);
  } catch (error) {
    // To measure a table takes a lock that whoever alters it now keeps.
    if (errorOf(error).code !== "55P03") throw error;
    await client.query("ROLLBACK; BEGIN READ ONLY");
    return await ask("NULL::bigint");
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
  }
}
