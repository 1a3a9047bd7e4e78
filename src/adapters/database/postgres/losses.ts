import type { Client } from "pg";
import type { Loss } from "../loss.ts";
import type { Script } from "../migration-file.ts";
import type { ReadStatement } from "./read-migrations.ts";
import { isMadeBy, type Taken, takenBy } from "./taken-by-way-back.ts";

/** What a way back would lose now, by looking at the rows. Empty: nothing, provably. */
export async function lossesOf(
  client: Client,
  up: Script<ReadStatement>,
  down: Script<ReadStatement>,
): Promise<readonly Loss[]> {
  const forward = statementsOf(up);
  const taken = statementsOf(down).flatMap((statement) => takenBy(statement));
  const dropped = new Set(taken.flatMap((each) => (each.kind === "table" ? [each.name] : [])));
  const losses: Loss[] = [];
  for (const each of taken) {
    // With its table it is lost as a whole.
    if (each.kind === "column" && dropped.has(each.table)) continue;
    const what = await lossIn(client, each, isMadeBy(forward, each));
    if (what !== null) losses.push({ line: each.line, what });
  }
  return losses;
}

/** The tables whose rows must not change between the look and the way back. */
export function tablesLookedAt(down: Script<ReadStatement>): readonly string[] {
  const taken = statementsOf(down).flatMap((statement) => takenBy(statement));
  const names = taken.flatMap((each) =>
    each.kind === "unknown" ? [] : [each.kind === "table" ? each.name : each.table],
  );
  return [...new Set(names)].toSorted();
}

function statementsOf({ units }: Script<ReadStatement>): readonly ReadStatement[] {
  return units.flatMap(({ statements }) => statements);
}

/** In words; null: it holds nothing that was not there before. */
export async function lossIn(client: Client, taken: Taken, isMade: boolean): Promise<string | null> {
  if (taken.kind === "unknown") return taken.what;
  if (!(await isThere(client, taken.kind === "table" ? taken.name : taken.table))) return null;
  const bare = (name: string): string => name.replaceAll('"', "");
  if (taken.kind === "table") {
    const rows = await countOf(client, `SELECT count(*) AS n FROM ${taken.name}`);
    const made = isMade ? "" : ", which its way forward has not made";
    return rows === 0 && isMade ? null : `drops table ${bare(taken.name)} with ${rowsIn(rows)}${made}`;
  }
  const kept = await keptValue(client, taken.table, taken.column);
  if (kept.kind === "no column") return null;
  const column = `"${taken.column.replaceAll('"', '""')}"`;
  const name = `${bare(taken.table)}.${taken.column}`;
  if (!isMade) return `drops column ${name}, which its way forward has not made`;
  if (kept.kind === "derived") return null;
  const differs =
    kept.sql === null ? `${column} IS NOT NULL` : `${column} IS NOT NULL AND ${column} IS DISTINCT FROM ${kept.sql}`;
  const [all, written] = [
    await countOf(client, `SELECT count(*) AS n FROM ${taken.table}`),
    await countOf(client, `SELECT count(*) AS n FROM ${taken.table} WHERE ${differs}`),
  ];
  return written === 0 ? null : `drops column ${name}, which ${written} of ${rowsIn(all)} have a value in`;
}

function rowsIn(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}

async function isThere(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [name]);
  return rows[0]?.there === true;
}

/** `sql`: of the constant that each row gets by itself; null: there is none. */
type Kept =
  | { readonly kind: "no column" }
  | { readonly kind: "derived" }
  | { readonly kind: "value"; readonly sql: string | null };

/** What a column has without anybody's doing: null, its constant default; or all of it is worked out from others. */
async function keptValue(client: Client, table: string, column: string): Promise<Kept> {
  const { rows } = await client.query<{ generated: string; value: string | null; isConstant: boolean }>(
    `SELECT a.attgenerated AS generated, pg_get_expr(d.adbin, d.adrelid) AS value,
       d.adbin IS NOT NULL AND a.attidentity = '' AND d.adbin::text !~ '\\{(FUNCEXPR|SQLVALUEFUNCTION|NEXTVALUEEXPR|OPEXPR|SUBLINK)' AS "isConstant"
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = to_regclass($1) AND a.attname = $2 AND NOT a.attisdropped`,
    [table, column],
  );
  const [row] = rows;
  if (row === undefined) return { kind: "no column" };
  if (row.generated !== "") return { kind: "derived" };
  return { kind: "value", sql: row.isConstant ? row.value : null };
}

async function countOf(client: Client, sql: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>(sql);
  return Number(rows[0]?.n ?? 0);
}
