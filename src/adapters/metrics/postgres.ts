import { readFile } from "node:fs/promises";
import type { PostgresFrom, Reading, Subject } from "../../core/plan/source.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { formatDuration, SECOND } from "../../core/time/time.ts";
import { tlsTrouble } from "../../local/tls-trouble.ts";
import { trustFix } from "./endpoint.ts";
import { numberOf } from "./selected.ts";
import { type Asking, filled } from "./settings.ts";

/** Sessions of users, this one apart; of one application_name alone, where $1 is one. */
const SESSIONS = `FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND ($1::text IS NULL OR application_name = $1)`;

const STATEMENTS: Readonly<Record<Exclude<PostgresFrom["figure"], "query">, string>> = {
  connections: `SELECT count(*)::float8 / (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int) ${SESSIONS}`,
  "slow-queries": `SELECT count(*) ${SESSIONS} AND state = 'active' AND clock_timestamp() - query_start > $2::float8 * interval '1 millisecond'`,
  "longest-transaction": `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 ${SESSIONS}`,
  blocked: `SELECT count(*) ${SESSIONS} AND cardinality(pg_blocking_pids(pid)) > 0`,
  // On the primary; a replica that has everything says nothing of how long ago that was, and is not behind.
  "replication-lag": `SELECT coalesce(extract(epoch FROM max(replay_lag)), 0)::float8 FROM pg_stat_replication
    WHERE state IN ('streaming', 'catchup') AND ($1::text IS NULL OR application_name = $1) HAVING count(*) > 0`,
};

/** Asks PostgreSQL on a connection of its own, in a transaction that can only read. */
export async function askPostgres(from: PostgresFrom, subject: Subject, asking: Asking): Promise<Reading> {
  const { settings, timeoutMs, signal } = asking;
  const ssl = await tlsOf(from);
  if (ssl === null) return { kind: "down", why: `the certificates in ${from.ca ?? ""} can't be read` };
  const { Client } = await import("pg");
  if (signal.aborted) return { kind: "down", why: "stopped before the answer came" };
  const client = new Client({
    connectionString: withTrust(filled(from.url, subject, settings), from),
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    application_name: "tidegate",
    ...ssl,
  });
  // A connection that breaks while nobody waits for it must not end the engine.
  client.on("error", () => undefined);
  const end = (): void => void client.end().catch(() => undefined);
  const over = setTimeout(end, timeoutMs);
  signal.addEventListener("abort", end, { once: true });
  try {
    await client.connect();
    await client.query("BEGIN READ ONLY");
    const { text, values } = statementOf(from, subject, asking);
    const { rows } = await client.query<unknown[]>({ text, values: [...values], rowMode: "array" });
    return figureIn(rows, settings.redact);
  } catch (error) {
    return { kind: "down", ...explained(error, timeoutMs, settings.redact) };
  } finally {
    clearTimeout(over);
    signal.removeEventListener("abort", end);
    end();
  }
}

function statementOf(
  { figure, query = "", application, slowMs = SECOND }: PostgresFrom,
  subject: Subject,
  { settings }: Asking,
): { readonly text: string; readonly values: readonly unknown[] } {
  if (figure === "query") return { text: filled(query, subject, settings, quoted), values: [] };
  const name = application === undefined ? null : filled(application, subject, settings);
  return { text: STATEMENTS[figure], values: figure === "slow-queries" ? [name, slowMs] : [name] };
}

/** In SQL what a column is held against stands in quotes: no version may end them. */
function quoted(value: string): string {
  return value.replaceAll("'", "''");
}

function figureIn(rows: readonly (readonly unknown[])[], redact: (text: string) => string): Reading {
  const [row] = rows;
  if (row === undefined) return { kind: "no-data", why: "the query finds nothing" };
  if (rows.length > 1 || row.length !== 1)
    return {
      kind: "down",
      why: `the query gives ${rows.length} rows of ${row.length} where one number is needed`,
      fix: "make one of them: `SELECT count(*) …`",
    };
  return numberOf(row[0], "the query gives", redact);
}

function explained(
  error: unknown,
  timeoutMs: number,
  redact: (text: string) => string,
): { readonly why: string; readonly fix?: string } {
  const { code = "", message } =
    error instanceof Error ? (error as Error & { code?: string }) : { message: String(error) };
  const told = onOneLine(redact(message), 200);
  if (/timeout|terminated/i.test(message) || code === "57014")
    return { why: `PostgreSQL gives no answer within ${formatDuration(timeoutMs)}` };
  if (code === "ECONNREFUSED" || code === "ENOENT") return { why: `PostgreSQL does not listen there: ${told}` };
  if (code.startsWith("28"))
    return { why: `PostgreSQL lets nobody in: ${told}`, fix: "check user and password in its address" };
  // Syntax, names, rights, or a write in a transaction that can only read.
  if (/^(?:42|25)/.test(code)) return { why: `PostgreSQL does not take the query: ${told}`, fix: "mend the query" };
  const [fix] = trustFix(told);
  return { why: `PostgreSQL can't be asked: ${tlsTrouble(told)}`, ...(fix === undefined ? {} : { fix }) };
}

/**
 * What an address says of TLS goes before what is said beside it, so that `ca` would mean nothing: it speaks alone. What
 * the client takes for `verify-full` is called so, because it warns of every other name on standard error.
 */
function withTrust(url: string, { ca }: PostgresFrom): string {
  if (/[?&]uselibpqcompat=/.test(url)) return url;
  if (ca !== undefined) return url.replaceAll(/([?&])(?:sslmode|sslrootcert)=[^&]*/g, "$1");
  return url.replace(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/, "$1verify-full");
}

async function tlsOf({ ca }: PostgresFrom): Promise<{ readonly ssl?: { readonly ca: string } } | null> {
  if (ca === undefined) return {};
  const text = await readFile(ca, "utf8").catch(() => null);
  return text === null ? null : { ssl: { ca: text } };
}
