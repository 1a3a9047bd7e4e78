import type { Client } from "pg";

/** What a database consists of, by kind and name. */
export type Schema = ReadonlyMap<string, Thing>;

export interface Thing {
  readonly kind: Kind;
  /** As one writes it in SQL; of a part of a table, behind the table's. */
  readonly name: string;
  /** Of columns, constraints and the like. */
  readonly table: string | null;
  /** By which the server knows it, whatever it is called. */
  readonly identity: string;
  /** What it is, as text. */
  readonly shape: readonly string[];
}

export type Kind =
  | "schema"
  | "table"
  | "foreign table"
  | "view"
  | "materialized view"
  | "sequence"
  | "column"
  | "constraint"
  | "index"
  | "function"
  | "type"
  | "value"
  | "trigger"
  | "policy";

// Of an extension is what its author changes; Tidegate's own tables and the tool's are nobody's schema.
const ASK = `
WITH schemas AS (
  SELECT oid, nspname FROM pg_namespace
  WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'tidegate_watch', 'tidegate_scratch')
), relations AS (
  SELECT c.*, c.oid::regclass::text AS called FROM pg_class c JOIN schemas n ON n.oid = c.relnamespace
  WHERE c.relpersistence <> 't' AND c.relname <> ALL ($1)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT 'schema' AS kind, quote_ident(nspname) AS name, NULL AS "table", oid::text AS identity, ARRAY[]::text[] AS shape FROM schemas
UNION ALL
SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'table' END,
  called, NULL, oid::text, ARRAY[CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) ELSE '' END, relrowsecurity::text]
FROM relations r WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
  OR relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i'))
UNION ALL
SELECT 'column', quote_ident(a.attname), r.called, a.attrelid::text || '.' || a.attnum,
  ARRAY[format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
    coalesce(pg_get_expr(d.adbin, d.adrelid), '') || a.attidentity::text || a.attgenerated::text]
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint', quote_ident(k.conname), r.called, k.oid::text, ARRAY[k.contype::text, pg_get_constraintdef(k.oid)]
FROM relations r JOIN pg_constraint k ON k.conrelid = r.oid WHERE r.relkind IN ('r', 'p', 'f')
UNION ALL
SELECT 'index', r.called, i.indrelid::regclass::text, r.oid::text,
  ARRAY[i.indisunique::text, regexp_replace(pg_get_indexdef(r.oid), '^CREATE( UNIQUE)? INDEX .*? ON ', '\\1 '), i.indisvalid::text]
FROM relations r JOIN pg_index i ON i.indexrelid = r.oid JOIN relations t ON t.oid = i.indrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = r.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'function', p.oid::regprocedure::text, NULL, p.oid::text, ARRAY[p.prorettype::regtype::text, md5(p.prosrc)]
FROM pg_proc p JOIN schemas n ON n.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'type', t.oid::regtype::text, NULL, t.oid::text, ARRAY[t.typtype::text, t.typbasetype::regtype::text]
FROM pg_type t JOIN schemas n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
UNION ALL
SELECT 'value', quote_literal(e.enumlabel), t.oid::regtype::text, e.oid::text, ARRAY[]::text[]
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN schemas n ON n.oid = t.typnamespace
UNION ALL
SELECT 'trigger', quote_ident(g.tgname), r.called, g.oid::text, ARRAY[pg_get_triggerdef(g.oid)]
FROM relations r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal AND g.tgname <> 'tidegate_watch'
UNION ALL
SELECT 'policy', quote_ident(p.polname), r.called, p.oid::text,
  ARRAY[p.polcmd::text, coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')]
FROM relations r JOIN pg_policy p ON p.polrelid = r.oid`;

const TIDEGATES = ["tidegate_migrations", "tidegate_migration_history"];

/** `own`: the tables in which a tool writes down what is applied. */
export async function readSchema(client: Client, own: readonly string[]): Promise<Schema> {
  const { rows } = await client.query<Thing>(ASK, [[...TIDEGATES, ...own]]);
  return new Map(rows.map((thing) => [keyOf(thing), thing]));
}

export function keyOf({ kind, name, table }: Thing): string {
  return `${kind} ${table === null ? "" : `${table}.`}${name}`;
}
