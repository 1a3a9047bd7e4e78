import type { Client } from "pg";
import { identifier } from "../../backup/postgres/quoting.ts";
import { isLedger } from "../../database/ledger-tables.ts";
import type { Column } from "./values.ts";

/** A table that rows are made up for. */
export interface Table {
  readonly id: string;
  /** As people read it: `public.orders`. */
  readonly name: string;
  readonly quoted: string;
  readonly columns: readonly Column[];
  readonly references: readonly Reference[];
}

/** A foreign key: which column takes its value from which of the other table. */
export interface Reference {
  readonly table: string;
  readonly columns: readonly { readonly own: string; readonly other: string }[];
}

/** Every table that rows go into, those first that others refer to. What is applied already is no row to make up. */
export async function tablesToFill(client: Client): Promise<readonly Table[]> {
  const { rows: columns } = await client.query<ColumnRow>(COLUMNS);
  const { rows: keys } = await client.query<KeyRow>(FOREIGN_KEYS);
  const tables = new Map<string, Table>();
  for (const { id, schema, table } of columns) {
    if (tables.has(id)) continue;
    const its = columns.filter((each) => each.id === id);
    const names = its.map(({ column }) => column);
    if (isLedger(table, names)) continue;
    tables.set(id, {
      id,
      name: `${schema}.${table}`,
      quoted: `${identifier(schema)}.${identifier(table)}`,
      columns: its.map(columnOf),
      references: keys
        .filter((key) => key.id === id)
        .map(({ other, own_columns: own, other_columns: others }) => ({
          table: other,
          columns: own.map((name, index) => ({ own: name, other: others[index] ?? "" })),
        })),
    });
  }
  return inOrder([...tables.values()]);
}

interface ColumnRow {
  readonly id: string;
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly kind: string;
  readonly is_array: boolean;
  readonly is_required: boolean;
  readonly is_filled: boolean;
  readonly is_unique: boolean;
}

interface KeyRow {
  readonly id: string;
  readonly other: string;
  readonly own_columns: readonly string[];
  readonly other_columns: readonly string[];
}

const COLUMNS = `
  SELECT c.oid::text AS id, n.nspname AS schema, c.relname AS table, a.attname AS column,
    format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid), CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) AS type,
    CASE WHEN t.typtype = 'd' THEN (SELECT b.typtype FROM pg_type b WHERE b.oid = t.typbasetype) ELSE t.typtype END AS kind,
    coalesce((SELECT b.typcategory FROM pg_type b WHERE b.oid = nullif(t.typbasetype, 0)), t.typcategory) = 'A' AS is_array,
    a.attnotnull OR t.typnotnull AS is_required,
    a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' AS is_filled,
    EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique AND a.attnum = ANY (x.indkey)) AS is_unique
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  ORDER BY n.nspname, c.relname, a.attnum`;

const FOREIGN_KEYS = `
  SELECT conrelid::text AS id, confrelid::text AS other,
    (SELECT array_agg(a.attname::text ORDER BY k.at) FROM unnest(conkey) WITH ORDINALITY k (attnum, at) JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.attnum) AS own_columns,
    (SELECT array_agg(a.attname::text ORDER BY k.at) FROM unnest(confkey) WITH ORDINALITY k (attnum, at) JOIN pg_attribute a ON a.attrelid = confrelid AND a.attnum = k.attnum) AS other_columns
  FROM (SELECT conrelid::oid AS conrelid, confrelid::oid AS confrelid, conkey, confkey FROM pg_constraint WHERE contype = 'f' AND conparentid = 0) f`;

function columnOf(row: ColumnRow): Column {
  return {
    name: row.column,
    type: row.type,
    isArray: row.is_array,
    kind: KINDS[row.kind] ?? "base",
    isRequired: row.is_required,
    isFilled: row.is_filled,
    isUnique: row.is_unique,
  };
}

const KINDS: Readonly<Record<string, Column["kind"]>> = { e: "enum", r: "range", m: "range", c: "composite" };

/** Those that refer to each other in a ring come as they are. */
function inOrder(tables: readonly Table[]): readonly Table[] {
  const ordered: Table[] = [];
  let left = [...tables];
  while (left.length > 0) {
    const waits = new Set(left.map(({ id }) => id));
    const free = left.filter(({ id, references }) =>
      references.every(({ table }) => table === id || !waits.has(table)),
    );
    const next = free.length > 0 ? free : left.slice(0, 1);
    ordered.push(...next);
    left = left.filter((each) => !next.includes(each));
  }
  return ordered;
}
