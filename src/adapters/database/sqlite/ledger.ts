import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { HistoryEntry } from "../../../ports/migrations.ts";
import type { LedgerRow, Told } from "../ledger-row.ts";
import type { Ledger } from "../standing.ts";

/** `schema_migrations` is dbmate's too. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS schema_migrations (version varchar(128) PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS tidegate_migrations (
    version TEXT PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT, body TEXT, phase TEXT NOT NULL, release INTEGER, by_whom TEXT NOT NULL,
    state TEXT NOT NULL, reached INTEGER NOT NULL, attempting INTEGER, statements INTEGER NOT NULL, took_ms INTEGER,
    longest_wait_ms INTEGER, applied_at INTEGER, batch_rows INTEGER
  );
  CREATE TABLE IF NOT EXISTS tidegate_migration_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, version TEXT NOT NULL, file TEXT NOT NULL, did TEXT NOT NULL, phase TEXT,
    release INTEGER, by_whom TEXT NOT NULL, took_ms INTEGER, longest_wait_ms INTEGER, statements INTEGER, note TEXT
  );
  CREATE TABLE IF NOT EXISTS tidegate_migration_lock (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1), pid INTEGER NOT NULL, boot TEXT NOT NULL, ticks INTEGER NOT NULL,
    application TEXT NOT NULL, since INTEGER NOT NULL
  );`;

export const OWN_TABLES: ReadonlySet<string> = new Set([
  "schema_migrations",
  "tidegate_migrations",
  "tidegate_migration_history",
  "tidegate_migration_lock",
]);

export function prepareLedger(database: DatabaseSync): void {
  if (!hasTable(database, "tidegate_migration_lock") || !hasTable(database, "schema_migrations")) database.exec(TABLES);
  // Ledgers of before have no such column.
  if (!hasBatchRows(database)) database.exec("ALTER TABLE tidegate_migrations ADD COLUMN batch_rows INTEGER");
}

function hasBatchRows(database: DatabaseSync): boolean {
  return (
    database.prepare("SELECT 1 FROM pragma_table_info('tidegate_migrations') WHERE name = 'batch_rows'").get() !==
    undefined
  );
}

export function hasTable(database: DatabaseSync, name: string): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== undefined;
}

export function readLedger(database: DatabaseSync): Ledger {
  const versions = hasTable(database, "schema_migrations")
    ? database
        .prepare("SELECT version FROM schema_migrations")
        .all()
        .map(({ version }) => String(version))
    : [];
  const rows = hasTable(database, "tidegate_migrations")
    ? (database.prepare("SELECT * FROM tidegate_migrations").all() as unknown as readonly StoredRow[]).map(rowOf)
    : [];
  return { versions: new Set(versions), rows: new Map(rows.map((row) => [row.version, row])) };
}

interface StoredRow extends Omit<LedgerRow, "by" | "tookMs" | "longestWaitMs" | "appliedAt" | "batchRows"> {
  readonly by_whom: string;
  readonly took_ms: number | null;
  readonly longest_wait_ms: number | null;
  readonly applied_at: number | null;
  readonly batch_rows?: number | null;
}

function rowOf({ by_whom: by, took_ms, longest_wait_ms, applied_at, batch_rows, ...rest }: StoredRow): LedgerRow {
  return {
    ...rest,
    by,
    batchRows: batch_rows ?? 0,
    tookMs: took_ms,
    longestWaitMs: longest_wait_ms,
    appliedAt: applied_at,
  };
}

/** In whatever transaction is open. */
export function writeRow(database: DatabaseSync, row: LedgerRow): void {
  const values: readonly SQLInputValue[] = [
    row.version,
    row.file,
    row.sha256,
    row.body,
    row.phase,
    row.release,
    row.by,
    row.state,
    row.reached,
    row.attempting,
    row.statements,
    row.tookMs,
    row.longestWaitMs,
    row.appliedAt,
    row.batchRows,
  ];
  const marks = values.map(() => "?").join(", ");
  database.prepare(`INSERT OR REPLACE INTO tidegate_migrations VALUES (${marks})`).run(...values);
}

export function writeApplied(database: DatabaseSync, row: LedgerRow): void {
  database.prepare("INSERT INTO schema_migrations (version) VALUES (?)").run(row.version);
  writeRow(database, row);
}

export function writeReversed(database: DatabaseSync, version: string): void {
  database.prepare("DELETE FROM schema_migrations WHERE version = ?").run(version);
  database.prepare("DELETE FROM tidegate_migrations WHERE version = ?").run(version);
}

export function writeTold(database: DatabaseSync, told: Told, at: number): void {
  const { version, file, did, phase, release, by, tookMs, longestWaitMs, statements, note } = told;
  database
    .prepare(
      `INSERT INTO tidegate_migration_history (at, version, file, did, phase, release, by_whom, took_ms, longest_wait_ms, statements, note)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(at, version, file, did, phase, release, by, tookMs, longestWaitMs, statements, note);
}

export function readHistory(database: DatabaseSync): readonly HistoryEntry[] {
  if (!hasTable(database, "tidegate_migration_history")) return [];
  const rows = database
    .prepare(
      `SELECT at, version, file, did, phase, release, by_whom AS "by", took_ms AS tookMs, longest_wait_ms AS longestWaitMs, statements, note
       FROM tidegate_migration_history ORDER BY id`,
    )
    .all();
  return rows as unknown as readonly HistoryEntry[];
}
