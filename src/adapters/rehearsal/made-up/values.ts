import { identifier, literal } from "../../backup/postgres/quoting.ts";

/** A column as the server's catalog describes it. */
export interface Column {
  readonly name: string;
  /** As it is written: `character varying(20)`. Of a domain what it is made of. */
  readonly type: string;
  readonly isArray: boolean;
  readonly kind: "base" | "enum" | "range" | "composite";
  readonly isRequired: boolean;
  /** The server fills it in by itself: a default, an identity, a generated one. */
  readonly isFilled: boolean;
  readonly isUnique: boolean;
}

/** SQL for the value of row `i` (from 1) of the column, different in each row where the type has so many; null: of such a type nobody can make one up. */
export function madeUpValue(column: Column): string | null {
  const { type, isArray, kind } = column;
  if (isArray) return `'{}'::${type}`;
  switch (kind) {
    case "enum":
      return `(enum_range(NULL::${type}))[1 + i % cardinality(enum_range(NULL::${type}))]`;
    case "range":
      return `'empty'::${type}`;
    case "composite":
      return null;
    case "base":
      return ofBase(column);
  }
}

function ofBase({ name, type }: Column): string | null {
  const [, word = "", size] = /^([a-z" ]+?)(?:\((\d+(?:,-?\d+)?)\))?(?: with(?:out)? time zone)?$/.exec(type) ?? [];
  switch (word) {
    case "boolean":
      return "i % 2 = 0";
    case "smallint":
    case "integer":
    case "bigint":
    case "real":
    case "double precision":
    case "money":
    case "oid":
      return `i::${type}`;
    case "numeric":
      return ofNumeric(size);
    case "text":
    case "citext":
    case "name":
      return ofText(name, null);
    case "character varying":
    case "character":
      return ofText(name, size === undefined ? (word === "character" ? 1 : null) : Number(size));
    case "uuid":
      return "md5(i::text)::uuid";
    case "date":
      return "current_date - i";
    case "timestamp":
      return "now() - i * interval '1 hour'";
    case "time":
      return `('00:00'::time + i * interval '1 minute')::${type}`;
    case "interval":
      return "i * interval '1 minute'";
    case "json":
    case "jsonb":
      return `'{}'::${type}`;
    case "bytea":
      return "decode(md5(i::text), 'hex')";
    case "inet":
    case "cidr":
      return `('10.0.' || i / 256 || '.' || i % 256)::${type}`;
    case "bit":
      return `repeat('0', ${Number(size ?? 1)})::${type}`;
    case "bit varying":
      return `'0'::${type}`;
    case "tsvector":
      return "to_tsvector('simple', i::text)";
    case "point":
      return "point(i, i)";
    case "xml":
      return "'<a/>'::xml";
    default:
      return null;
  }
}

function ofNumeric(size: string | undefined): string {
  const [precision, scale = 0] = (size ?? "").split(",").map(Number);
  if (size === undefined || precision === undefined) return "i::numeric";
  // As large as it may be; all of it behind the point where there is no room before it.
  const digits = Math.min(9, precision - scale);
  return digits <= 0 ? "0" : `i % ${10 ** digits}`;
}

function ofText(name: string, length: number | null): string {
  const whole = /e_?mail/i.test(name) ? "'made-up-' || i || '@example.com'" : `${literal(name)} || ' ' || i`;
  if (length === null) return whole;
  const sure = "md5(i::text)";
  return `CASE WHEN length(${whole}) <= ${length} THEN ${whole} ELSE left(${sure}, ${length}) END`;
}

/** `INSERT … SELECT` of some rows. `from`: SQL by column, over what the type alone would be given. */
export function madeUpRows(
  table: string,
  columns: readonly Column[],
  from: ReadonlyMap<string, string>,
  rows: { readonly first: number; readonly last: number },
): string {
  const named = columns.flatMap((column) => {
    const value = from.get(column.name) ?? madeUpValue(column);
    return value === null ? [] : [{ name: identifier(column.name), value }];
  });
  const series = `generate_series(${rows.first}, ${rows.last}) i`;
  if (named.length === 0) return `INSERT INTO ${table} DEFAULT VALUES`;
  return `INSERT INTO ${table} (${named.map(({ name }) => name).join(", ")}) SELECT ${named.map(({ value }) => value).join(", ")} FROM ${series} ON CONFLICT DO NOTHING`;
}
