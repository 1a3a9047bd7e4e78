import type { Client } from "pg";
import type { HistoryEntry } from "../../../ports/migrations.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { Ledger } from "../standing.ts";

/** Where the ledger is: quoted, so that no `search_path` that a migration sets leads elsewhere. */
export interface LedgerPlace {
  /** What other tools read and write too; null: a tool of the team's own writes down elsewhere what is applied. */
  readonly versions: string | null;
  readonly rows: string;
  readonly history: string;
}

/** Beside the `schema_migrations` that is there; else in the schema where a new table would be made. */
export async function placeOfLedger(client: Client, hasOwnTable = false): Promise<LedgerPlace> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT quote_ident(coalesce(
       (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('schema_migrations')),
       current_schema(), 'public')) AS schema`,
  );
  const schema = rows[0]?.schema ?? "public";
  const of = (name: string): string => `${schema}.${name}`;
  return {
    versions: hasOwnTable ? null : of("schema_migrations"),
    rows: of("tidegate_migrations"),
    history: of("tidegate_migration_history"),
  };
}

/** Makes its tables where they are missing. dbmate and Rails go on with `schema_migrations` as if it were theirs. */
export async function prepareLedger(client: Client, { versions, rows, history }: LedgerPlace): Promise<void> {
  const { rows: found } = await client.query<{ isThere: boolean }>(
    `SELECT ($1::text IS NULL OR to_regclass($1) IS NOT NULL) AND to_regclass($2) IS NOT NULL AND to_regclass($3) IS NOT NULL
       AND ${HAS_BATCH_ROWS} AS "isThere"`,
    [versions, rows, history],
  );
  if (found[0]?.isThere === true) return;
  await client.query(`
    ${versions === null ? "" : `CREATE TABLE IF NOT EXISTS ${versions} (version varchar(128) PRIMARY KEY);`}
    CREATE TABLE IF NOT EXISTS ${rows} (
      version text PRIMARY KEY, file text NOT NULL, sha256 text, body text, phase text NOT NULL, release bigint,
      by_whom text NOT NULL, state text NOT NULL, reached integer NOT NULL, attempting integer, statements integer NOT NULL,
      took_ms bigint, longest_wait_ms bigint, applied_at timestamptz
    );
    ALTER TABLE ${rows} ADD COLUMN IF NOT EXISTS batch_rows bigint;
    CREATE TABLE IF NOT EXISTS ${history} (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), version text NOT NULL,
      file text NOT NULL, did text NOT NULL, phase text, release bigint, by_whom text NOT NULL, took_ms bigint,
      longest_wait_ms bigint, statements integer, note text
    );`);
}

/** Of a table as $2; ledgers of before have no such column. */
const HAS_BATCH_ROWS =
  "EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($2) AND attname = 'batch_rows' AND NOT attisdropped)";

export async function readLedger(client: Client, { versions, rows }: LedgerPlace): Promise<Ledger> {
  const { rows: found } = await client.query<{ versions: boolean; rows: boolean; batchRows: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AS versions, to_regclass($2) IS NOT NULL AS rows, ${HAS_BATCH_ROWS} AS "batchRows"`,
    [versions, rows],
  );
  const is = found[0] ?? { versions: false, rows: false, batchRows: false };
  const applied =
    is.versions && versions !== null
      ? (await client.query<{ version: string }>(`SELECT version::text FROM ${versions}`)).rows.map(
          ({ version }) => version,
        )
      : [];
  const columns = `${COLUMNS}, ${is.batchRows ? "batch_rows" : "NULL AS batch_rows"}`;
  const known = is.rows ? (await client.query<StoredRow>(`SELECT ${columns} FROM ${rows}`)).rows.map(rowOf) : [];
  return { versions: new Set(applied), rows: new Map(known.map((row) => [row.version, row])) };
}

const COLUMNS = `version, file, sha256, body, phase, release, by_whom, state, reached, attempting, statements, took_ms,
  longest_wait_ms, (extract(epoch FROM applied_at) * 1000)::bigint AS applied_at`;

/** `bigint` comes as text. */
interface StoredRow {
  readonly version: string;
  readonly file: string;
  readonly sha256: string | null;
  readonly body: string | null;
  readonly phase: LedgerRow["phase"];
  readonly release: string | null;
  readonly by_whom: string;
  readonly state: LedgerRow["state"];
  readonly reached: number;
  readonly attempting: number | null;
  readonly batch_rows: string | null;
  readonly statements: number;
  readonly took_ms: string | null;
  readonly longest_wait_ms: string | null;
  readonly applied_at: string | null;
}

function rowOf(stored: StoredRow): LedgerRow {
  const { version, file, sha256, body, phase, state, reached, attempting, statements } = stored;
  return {
    version,
    file,
    sha256,
    body,
    phase,
    state,
    reached,
    attempting,
    statements,
    batchRows: Number(stored.batch_rows ?? 0),
    by: stored.by_whom,
    release: numberOf(stored.release),
    tookMs: numberOf(stored.took_ms),
    longestWaitMs: numberOf(stored.longest_wait_ms),
    appliedAt: numberOf(stored.applied_at),
  };
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** Statements that write the ledger, as SQL without parameters: they travel together with COMMIT. */
export interface LedgerWriter {
  begun(row: LedgerRow): string;
  /** Of one that another tool has applied. */
  adopted(row: LedgerRow): string;
  /** Of one that was begun. Fails when another run has changed it meanwhile: whoever lost the lock writes nothing. */
  progress(version: string, from: number, to: Pick<LedgerRow, "reached" | "attempting" | "batchRows">): string;
  applied(row: LedgerRow): string;
  reversed(version: string): string;
  told(entry: Omit<HistoryEntry, "at">): string;
}

export function ledgerWriter(place: LedgerPlace, quote: (text: string) => string): LedgerWriter {
  const value = (each: string | number | null): string =>
    each === null ? "NULL" : typeof each === "number" ? String(each) : quote(each);
  const values = (...each: readonly (string | number | null)[]): string => each.map(value).join(", ");
  const upsert = (row: LedgerRow, appliedAt: string): string => `
    INSERT INTO ${place.rows} VALUES (${values(row.version, row.file, row.sha256, row.body, row.phase, row.release, row.by, row.state, row.reached, row.attempting, row.statements, row.tookMs, row.longestWaitMs)}, ${appliedAt}, ${row.batchRows})
    ON CONFLICT (version) DO UPDATE SET file = EXCLUDED.file, sha256 = EXCLUDED.sha256, body = EXCLUDED.body,
      phase = EXCLUDED.phase, release = EXCLUDED.release, by_whom = EXCLUDED.by_whom, state = EXCLUDED.state,
      reached = EXCLUDED.reached, attempting = EXCLUDED.attempting, statements = EXCLUDED.statements,
      took_ms = EXCLUDED.took_ms, longest_wait_ms = EXCLUDED.longest_wait_ms, applied_at = EXCLUDED.applied_at,
      batch_rows = EXCLUDED.batch_rows`;
  return {
    begun: (row) => upsert(row, "NULL"),
    adopted: (row) => upsert(row, "NULL"),
    progress: (version, from, { reached, attempting, batchRows }) => `
      SELECT 1 / count(*) FROM ${place.rows} WHERE version = ${quote(version)} AND reached = ${from};
      UPDATE ${place.rows} SET reached = ${reached}, attempting = ${value(attempting)}, batch_rows = ${batchRows} WHERE version = ${quote(version)}`,
    // A second run that gets here waits for the first one's commit, and fails then.
    applied: (row) => `
      ${place.versions === null ? "" : `INSERT INTO ${place.versions} (version) VALUES (${quote(row.version)});`}
      ${upsert({ ...row, state: "applied" }, row.appliedAt === null ? "clock_timestamp()" : `to_timestamp(${row.appliedAt / 1000})`)}`,
    reversed: (version) => `
      ${place.versions === null ? "" : `DELETE FROM ${place.versions} WHERE version = ${quote(version)};`}
      DELETE FROM ${place.rows} WHERE version = ${quote(version)}`,
    told: ({ version, file, did, phase, release, by, tookMs, longestWaitMs, statements, note }) => `
      INSERT INTO ${place.history} (version, file, did, phase, release, by_whom, took_ms, longest_wait_ms, statements, note)
      VALUES (${values(version, file, did, phase, release, by, tookMs, longestWaitMs, statements, note)})`,
  };
}

export async function readHistory(client: Client, { history }: LedgerPlace): Promise<readonly HistoryEntry[]> {
  const { rows: found } = await client.query<{ isThere: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS "isThere"`, [
    history,
  ]);
  if (found[0]?.isThere !== true) return [];
  const { rows } = await client.query<StoredEntry>(
    `SELECT (extract(epoch FROM at) * 1000)::bigint AS at, version, file, did, phase, release, by_whom, took_ms, longest_wait_ms, statements, note
     FROM ${history} ORDER BY id`,
  );
  return rows.map(({ at, release, by_whom: by, took_ms: took, longest_wait_ms: wait, ...rest }) => ({
    ...rest,
    at: Number(at),
    by,
    release: numberOf(release),
    tookMs: numberOf(took),
    longestWaitMs: numberOf(wait),
  }));
}

interface StoredEntry extends Pick<HistoryEntry, "version" | "file" | "did" | "phase" | "statements" | "note"> {
  readonly at: string;
  readonly release: string | null;
  readonly by_whom: string;
  readonly took_ms: string | null;
  readonly longest_wait_ms: string | null;
}
