import type { MigrationPhase } from "../../core/plan/database.ts";
import type { DownRequest, HistoryEntry } from "../../ports/migrations.ts";
import type { MigrationFile } from "./migration-file.ts";

/** What the ledger knows of one migration. */
export interface LedgerRow {
  readonly version: string;
  readonly file: string;
  /** null: another tool applied it, and nobody knows what it was then. */
  readonly sha256: string | null;
  readonly body: string | null;
  readonly phase: MigrationPhase;
  readonly release: number | null;
  readonly by: string;
  readonly state: "applied" | "applying" | "reversing";
  /** How many of its statements are done; of `reversing`, of those of its way back. */
  readonly reached: number;
  /** The statement that was begun outside of a transaction, and of which nobody knows yet whether it was done. */
  readonly attempting: number | null;
  /** How many rows the batches of the statement behind `reached` have changed so far; 0: it is no backfill, or was not begun. */
  readonly batchRows: number;
  readonly statements: number;
  readonly tookMs: number | null;
  readonly longestWaitMs: number | null;
  readonly appliedAt: number | null;
}

export function rowOf(
  file: Pick<MigrationFile, "version" | "file" | "sha256" | "text" | "phase"> & {
    readonly up: Pick<MigrationFile["up"], "statements">;
  },
  { by, release }: { readonly by: string; readonly release: number | null },
  more: Partial<LedgerRow>,
): LedgerRow {
  return {
    version: file.version,
    file: file.file,
    sha256: file.sha256,
    body: file.text,
    phase: file.phase,
    release,
    by,
    state: "applied",
    reached: 0,
    attempting: null,
    batchRows: 0,
    statements: file.up.statements,
    tookMs: null,
    longestWaitMs: null,
    appliedAt: null,
    ...more,
  };
}

/** Of one that was begun, how far it is; null: it was not. */
export function reachedOf(row: LedgerRow | null): { readonly reached: number | null; readonly batchRows?: number } {
  if (row?.state !== "applying") return { reached: null };
  return { reached: row.reached, ...(row.batchRows === 0 ? {} : { batchRows: row.batchRows }) };
}

/** A line of the history, but for when. */
export type Told = Omit<HistoryEntry, "at">;

export function toldOf({ version, file, phase, release, by, tookMs, longestWaitMs, statements }: LedgerRow): Told {
  return { version, file, did: "up", phase, release, by, tookMs, longestWaitMs, statements, note: null };
}

/** Which release takes it back; null: a person does, whichever release had applied it. */
export function releaseOf({ of }: Pick<DownRequest, "of">): number | null {
  return "release" in of ? of.release : null;
}
