import type { Client } from "pg";
import type { ServedQueries, ServedQuery } from "../../../core/migration/serving.ts";
import { formatDuration } from "../../../core/time/time.ts";
import { asksLedger } from "../ledger-tables.ts";
import { errorOf } from "./faults.ts";

/** So long the statistics must have looked before what they don't show counts as not there. */
const LONG_ENOUGH_MS = 24 * 3_600_000;

/** What pg_stat_statements has seen of this database; null: it is not there, or shows nothing. */
export async function queriesSeen(client: Client): Promise<ServedQueries | null> {
  const { rows: found } = await client.query<{ schema: string; info: boolean }>(
    `SELECT quote_ident(n.nspname) AS schema, to_regclass(quote_ident(n.nspname) || '.pg_stat_statements_info') IS NOT NULL AS info
     FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`,
  );
  const [extension] = found;
  if (extension === undefined) return null;
  try {
    const { rows } = await client.query<{ sql: string; calls: string }>(
      `SELECT query AS sql, sum(calls)::bigint AS calls FROM ${extension.schema}.pg_stat_statements
       WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY query ORDER BY 2 DESC`,
    );
    const list = rows
      .filter(({ sql }) => isOfApp(sql))
      .map(({ sql, calls }): ServedQuery => ({ name: null, sql, calls: Number(calls) }));
    const hidden = rows.some(({ sql }) => sql === "<insufficient privilege>");
    const from = "pg_stat_statements";
    return { from, list, doubt: hidden ? HIDDEN : await doubtOf(client, extension) };
  } catch (error) {
    // It is made in this database and not loaded by the server.
    if (errorOf(error).code === "55000" || errorOf(error).code === "42501") return null;
    throw error;
  }
}

const HIDDEN = "this role may not see what others ask (GRANT pg_read_all_stats)";

async function doubtOf(
  client: Client,
  { schema, info }: { readonly schema: string; readonly info: boolean },
): Promise<string | null> {
  if (!info) return "this server does not say how long it has looked";
  const { rows } = await client.query<{ age: string | null; lost: string }>(
    `SELECT (extract(epoch FROM clock_timestamp() - stats_reset) * 1000)::bigint AS age, dealloc AS lost FROM ${schema}.pg_stat_statements_info`,
  );
  const [{ age, lost } = { age: null, lost: "0" }] = rows;
  if (Number(lost) > 0) return "it has had to forget some (pg_stat_statements.max)";
  const looked = Number(age ?? 0);
  if (looked < LONG_ENOUGH_MS)
    return `it has looked for ${formatDuration(Math.max(1_000, Math.round(looked / 1_000) * 1_000))} only`;
  return null;
}

/** Reads and writes rows, and not those of Tidegate's, a migration tool's or the server's own. */
function isOfApp(sql: string): boolean {
  if (
    !/^[\s(]*(?:\/\*[\s\S]*?\*\/\s*|--[^\n]*\n\s*)*(?:select|insert|update|delete|merge|with|values|table|copy)\b/i.test(
      sql,
    )
  )
    return false;
  return !asksLedger(sql) && !/\bfrom\s+(?:pg_catalog\.)?pg_\w+|\bpg_(?:try_)?advisory_/i.test(sql);
}
