import { randomUUID } from "node:crypto";
import { type Client, escapeIdentifier } from "pg";
import type { Parameter } from "./parameters.ts";

/** Values for the parameters of a query, as texts. */
export type Values = readonly (string | null)[];

export interface ValuesAsk {
  /** Of the parameters, in their order: `integer`, `text[]`. */
  readonly types: readonly string[];
  readonly parameters: ReadonlyMap<number, Parameter>;
  /** That the query names. */
  readonly tables: readonly string[];
}

/**
 * Values from rows that are there: of one row of each table, so that what belongs together stays so. The second try gives what may
 * be there only once, and is inserted, a value of its own.
 */
export async function valuesFor(client: Client, ask: ValuesAsk): Promise<readonly Values[]> {
  const samples: Sample[] = [];
  for (const table of await tablesOf(client, ask.tables)) samples.push(await sampleOf(client, table));
  const found = ask.types.map((type, index) => valueOf(type, ask.parameters.get(index + 1), samples));
  const isInserting = [...ask.parameters.values()].some((each) => each.kind === "column" && each.isInserted);
  if (!isInserting) return [found];
  const fresh: (string | null)[] = [];
  for (const [index, type] of ask.types.entries())
    fresh.push(await freshValue(client, type, ask.parameters.get(index + 1), samples, found[index] ?? null));
  return [found, fresh];
}

interface KnownTable {
  /** As the server writes it. */
  readonly name: string;
  readonly bare: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    /** Part of what may be there only once. */
    readonly isUnique: boolean;
  }[];
}

interface Sample extends KnownTable {
  readonly row: Readonly<Record<string, string | null>>;
}

async function tablesOf(client: Client, names: readonly string[]): Promise<readonly KnownTable[]> {
  const { rows } = await client.query<KnownTable>(
    `SELECT c.oid::regclass::text AS name, c.relname AS bare,
       json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL), 'isUnique',
         EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey))) ORDER BY a.attnum) AS columns
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
     GROUP BY c.oid, c.relname ORDER BY pg_table_is_visible(c.oid) DESC, c.oid`,
    [names],
  );
  return rows;
}

async function sampleOf(client: Client, table: KnownTable): Promise<Sample> {
  const columns = table.columns
    .map(({ name }) => `${escapeIdentifier(name)}::text AS ${escapeIdentifier(name)}`)
    .join(", ");
  const { rows } = await client.query<Record<string, string | null>>(`SELECT ${columns} FROM ${table.name} LIMIT 1`);
  return { ...table, row: rows[0] ?? {} };
}

function valueOf(type: string, parameter: Parameter | undefined, samples: readonly Sample[]): string | null {
  if (parameter !== undefined && parameter.kind !== "column") return OF_KIND[parameter.kind];
  const own = parameter === undefined ? null : ownValue(parameter, samples);
  const single = type.replace(/\[\]$/, "");
  if (single === type) return own?.value ?? ofType(type, samples) ?? PLAIN[type] ?? null;
  const value = own?.isArray === true ? own.value : (ofType(type, samples) ?? null);
  if (value !== null) return value;
  const element = own?.value ?? ofType(single, samples) ?? PLAIN[single];
  return element === undefined ? null : `{${JSON.stringify(element)}}`;
}

const OF_KIND: Readonly<Record<Exclude<Parameter["kind"], "column">, string>> = {
  unit: "day",
  limit: "1",
  offset: "0",
};

function ownValue(
  parameter: ColumnParameter,
  samples: readonly Sample[],
): { readonly value: string; readonly isArray: boolean } | null {
  for (const { columns, row } of ownersOf(parameter, samples)) {
    const value = row[parameter.column] ?? null;
    const isArray = columns.some(({ name, type }) => name === parameter.column && type.endsWith("[]"));
    if (value !== null) return { value, isArray };
  }
  return null;
}

type ColumnParameter = Extract<Parameter, { readonly kind: "column" }>;

function ownersOf({ table, column }: ColumnParameter, samples: readonly Sample[]): readonly Sample[] {
  return samples.filter(
    ({ bare, columns }) => (table === null || bare === table) && columns.some(({ name }) => name === column),
  );
}

/** A value of a column of the same type. */
function ofType(type: string, samples: readonly Sample[]): string | null {
  for (const { columns, row } of samples)
    for (const column of columns)
      if (column.type === type && (row[column.name] ?? null) !== null) return row[column.name] ?? null;
  return null;
}

/** Where no row is there to take one from. */
const PLAIN: Readonly<Record<string, string>> = {
  smallint: "1",
  integer: "1",
  bigint: "1",
  numeric: "1",
  real: "1",
  "double precision": "1",
  oid: "1",
  text: "tidegate",
  "character varying": "tidegate",
  character: "t",
  name: "tidegate",
  boolean: "true",
  date: "2026-01-01",
  "timestamp without time zone": "2026-01-01 00:00:00",
  "timestamp with time zone": "2026-01-01 00:00:00+00",
  "time without time zone": "12:00",
  interval: "1 day",
  uuid: "00000000-0000-4000-8000-000000000000",
  json: "{}",
  jsonb: "{}",
  bytea: "\\x00",
  inet: "127.0.0.1",
};

/** One that is not there yet, as far as the type has one. */
async function freshValue(
  client: Client,
  type: string,
  parameter: Parameter | undefined,
  samples: readonly Sample[],
  found: string | null,
): Promise<string | null> {
  if (parameter?.kind !== "column" || !parameter.isInserted) return found;
  const [owner] = ownersOf(parameter, samples);
  if (owner?.columns.some(({ name, isUnique }) => name === parameter.column && isUnique) !== true) return found;
  if (type === "uuid") return randomUUID();
  if (type === "text" || type === "character varying") return `tidegate ${randomUUID().slice(0, 8)}`;
  if (!["smallint", "integer", "bigint", "numeric"].includes(type)) return found;
  const { rows } = await client.query<{ next: string | null }>(
    `SELECT (max(${escapeIdentifier(parameter.column)}) + 1)::text AS next FROM ${owner.name}`,
  );
  return rows[0]?.next ?? found;
}
