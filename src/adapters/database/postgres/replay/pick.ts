import type { Node } from "@pgsql/types";
import type { Client } from "pg";
import type { ServedQueries, ServedQuery } from "../../../../core/migration/serving.ts";
import type { UntriedQuery } from "../../../../core/migration/replayed.ts";
import { onOneLine } from "../../../../core/text/plain-text.ts";
import { usesOf } from "../../../../migrations/serving/uses.ts";
import { bareName } from "../../../../migrations/sql/object-name.ts";
import { listOf, plain, walk } from "../../../../migrations/sql/tree.ts";
import type { SqlParser } from "../../../../migrations/sql/parser.ts";

/** A query that can be asked and taken back. */
export interface TriedQuery {
  readonly name: string;
  readonly sql: string;
  readonly node: Node;
  readonly tables: readonly string[];
}

export interface Picked {
  readonly queries: readonly TriedQuery[];
  readonly notTried: readonly UntriedQuery[];
}

/** Those that read or write rows and do nothing that outlives their transaction. `isLive`: others work in this database. */
export async function pickQueries(
  client: Client,
  { list }: ServedQueries,
  parse: SqlParser,
  isLive: boolean,
): Promise<Picked> {
  const found: Found[] = [];
  const notTried: UntriedQuery[] = [];
  for (const query of list) {
    const name = nameOf(query);
    const sql = askable(query.sql);
    const { statements, unread } = parse(sql);
    const [first] = statements;
    if (unread.length > 0) notTried.push({ query: name, why: "it can't be read as it was normalised" });
    else if (first !== undefined && statements.length === 1 && isOfRows(first.node)) {
      found.push({ name, sql, node: first.node, isSeen: query.name === null, ...namesIn(first.node) });
    }
  }
  const { own, lasting } = await functionsOf(client, [...new Set(found.flatMap(({ calls }) => calls))], isLive);
  const queries = found.filter((each) => isOfApp(each, own));
  const isTried = ({ calls }: { readonly calls: readonly string[] }): boolean =>
    !calls.some((each) => lasting.has(each));
  return {
    queries: queries.filter(isTried),
    notTried: [
      ...notTried,
      ...queries
        .filter((query) => !isTried(query))
        .map(({ name, calls }) => ({
          query: name,
          why: `it calls ${calls.find((each) => lasting.has(each)) ?? "something"}, which may do what can't be taken back`,
        })),
    ],
  };
}

function nameOf({ name, sql }: ServedQuery): string {
  return name ?? onOneLine(sql, 90);
}

/** Where a parameter stands now in the place of a word or of a constant behind its type, PostgreSQL no longer reads it: `interval $1`. */
function askable(sql: string): string {
  const whole = sql.replaceAll(/\bextract\s*\(\s*(\$\d+)\s+from\s+/gi, "date_part($1, ");
  return whole.replaceAll(
    /\b(interval|date|timestamptz|timestamp|time)\s+(\$\d+)/gi,
    (_, type: string, parameter: string) => `CAST(${parameter} AS ${type})`,
  );
}

function isOfRows(node: Node): boolean {
  if ("SelectStmt" in node) return node.SelectStmt.intoClause === undefined;
  return ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"].some((kind) => kind in node);
}

interface Found extends TriedQuery {
  /** By the server, and not written down by anybody. */
  readonly isSeen: boolean;
  readonly calls: readonly string[];
}

function namesIn(node: Node): Pick<Found, "tables" | "calls"> {
  return { tables: [...usesOf(node).tables.keys()].map(bareName), calls: callsIn(node) };
}

/** Not of the server itself, by a tool that watches it or by Tidegate: no migration breaks those. */
function isOfApp({ tables, calls, isSeen }: Found, own: ReadonlySet<string>): boolean {
  return !isSeen || tables.some((table) => !table.startsWith("pg_")) || calls.some((name) => own.has(name));
}

function callsIn(node: Node): readonly string[] {
  const names: string[] = [];
  walk(node, (key, each) => {
    if (key !== "FuncCall") return;
    const path = listOf(each["funcname"]).map((part) => plain(plain(part)?.["String"])?.["sval"]);
    const name = path.at(-1);
    if (typeof name === "string") names.push(name);
  });
  return names;
}

/** Of the server's own: whatever else is volatile may reach beyond its transaction, or beyond its database. */
const HARMLESS =
  "random setseed nextval currval lastval gen_random_uuid clock_timestamp timeofday set_config txid_current pg_current_xact_id pg_notify".split(
    " ",
  );
const HARMLESS_EXTENSIONS = ["pgcrypto", "uuid-ossp", "citext", "hstore", "ltree", "pg_trgm", "unaccent", "postgis"];

/** The functions that are not the server's own, and those of which a query is not tried. */
async function functionsOf(
  client: Client,
  names: readonly string[],
  isLive: boolean,
): Promise<{ readonly own: ReadonlySet<string>; readonly lasting: ReadonlySet<string> }> {
  const { rows } = await client.query<{ name: string; isOwn: boolean; isLasting: boolean }>(
    `SELECT p.proname AS name, n.nspname <> 'pg_catalog' AND e.oid IS NULL AS "isOwn", p.provolatile = 'v' AND CASE
         WHEN n.nspname = 'pg_catalog' THEN p.proname <> ALL ($2) WHEN e.extname IS NOT NULL THEN e.extname <> ALL ($3) ELSE $4 END AS "isLasting"
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
       LEFT JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
     WHERE p.proname = ANY ($1)`,
    [names, HARMLESS, HARMLESS_EXTENSIONS, isLive],
  );
  const of = (all: typeof rows): ReadonlySet<string> => new Set(all.map(({ name }) => name));
  return { own: of(rows.filter(({ isOwn }) => isOwn)), lasting: of(rows.filter(({ isLasting }) => isLasting)) };
}
