import type { MigrationPhase } from "../core/plan/database.ts";

/** The migrations of a version, and the database in which they are run. Faults of each: see src/adapters/database. */
export interface Migrations {
  /** Only reads; makes no table and waits for no lock. */
  status(at: MigrationsAt): Promise<MigrationStatus>;
  /** Applies what is not applied yet, in order. Asked again after any failure, it goes on where it ended. */
  up(request: UpRequest): Promise<UpResult>;
  down(request: DownRequest): Promise<DownResult>;
  /** Writes into the ledger that the files up to `version` (all: null) are applied already, and runs none of them. */
  baseline(request: BaselineRequest): Promise<BaselineResult>;
  /** What was ever done to the database, the oldest first. */
  history(at: Pick<MigrationsAt, "signal">): Promise<readonly HistoryEntry[]>;
}

export interface MigrationsAt {
  /** What the plan's folder is relative to: a version's folder. Absolute. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

export interface MigrationStatus {
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly PendingMigration[];
  /** Why `up` would refuse now, as people read it: an edited or missing file, one out of order. */
  readonly problems: readonly MigrationProblem[];
  /** Who has the lock now; null: nobody. */
  readonly lock: LockHolder | null;
}

export interface AppliedMigration {
  readonly version: string;
  /** null: its file is not here. */
  readonly file: string | null;
  /** null: another tool has applied it, and told nothing more. */
  readonly phase: MigrationPhase | null;
  readonly appliedAt: number | null;
  readonly tookMs: number | null;
  readonly release: number | null;
  readonly by: string | null;
}

export interface PendingMigration {
  readonly version: string;
  readonly file: string;
  readonly phase: MigrationPhase;
  /** How many of its statements are done already; null: it was not begun. */
  readonly reached: number | null;
  readonly statements: number;
  readonly isReversible: boolean;
  /** What it takes away, in words; empty: nothing. */
  readonly drops: readonly string[];
}

export interface MigrationProblem {
  readonly code: string;
  readonly file: string;
  readonly what: string;
  readonly where?: string;
  readonly fix: string;
}

export interface LockHolder {
  readonly pid: number;
  readonly application: string;
  /** Wall time in milliseconds. */
  readonly since: number | null;
}

export interface UpRequest extends MigrationsAt {
  readonly phases: readonly MigrationPhase[];
  /** Only so many; absent: all. */
  readonly atMost?: number;
  readonly release: number | null;
  readonly by: string;
  /** Really runs everything, in a transaction that is rolled back. */
  readonly dryRun: boolean;
  /** Applies a file that lies before one that is applied already. */
  readonly outOfOrder?: boolean;
  readonly tell: (progress: MigrationProgress) => void;
}

/** What is told while it goes on. */
export type MigrationProgress =
  | { readonly kind: "waiting-for-lock"; readonly holder: LockHolder | null }
  | { readonly kind: "began"; readonly file: string; readonly way: "up" | "down" }
  /** `what`: who is in the way of a statement, in words. */
  | { readonly kind: "blocked"; readonly file: string; readonly line: number; readonly what: string }
  | { readonly kind: "batch"; readonly file: string; readonly rows: number; readonly sum: number }
  | { readonly kind: "lagging"; readonly file: string; readonly lagMs: number }
  | { readonly kind: "done"; readonly file: string; readonly way: "up" | "down"; readonly tookMs: number };

export interface UpResult {
  readonly applied: readonly RunMigration[];
  /** How many of the files were applied before. */
  readonly already: number;
  /** Files of other phases, which are not applied. */
  readonly pendingLater: readonly string[];
}

export interface RunMigration {
  readonly file: string;
  readonly version: string;
  readonly phase: MigrationPhase;
  readonly statements: number;
  readonly tookMs: number;
  readonly longestWaitMs: number;
  /** Of a dry run alone: what each statement did. */
  readonly tried?: readonly TriedStatement[];
}

export interface TriedStatement {
  readonly line: number;
  readonly sql: string;
  readonly tookMs: number;
  readonly rows: number | null;
  /** As `ACCESS EXCLUSIVE on orders`: those that others could wait for, which it took and did not have before. */
  readonly locks: readonly string[];
  /** Tables that were written anew. */
  readonly rewritten: readonly string[];
  /** That it could not be tried, or only in part. */
  readonly note?: string;
}

export interface DownRequest extends MigrationsAt {
  /** Those of a release, as far as that is provably safe; or the newest so many, which a person asks for. */
  readonly of: { readonly release: number } | { readonly steps: number };
  readonly by: string;
  /** A person knows what will be lost, and wants it so. */
  readonly acceptLoss: boolean;
  readonly dryRun: boolean;
  readonly tell: (progress: MigrationProgress) => void;
}

export interface DownResult {
  readonly reversed: readonly ReversedMigration[];
  /** What stays, and why, in a sentence. */
  readonly kept: readonly { readonly file: string; readonly why: string }[];
}

export interface ReversedMigration {
  readonly file: string;
  readonly tookMs: number;
  /** What was lost, in words: a person wanted it so. */
  readonly lost: readonly string[];
  /** Of a dry run alone. */
  readonly tried?: readonly TriedStatement[];
}

export interface BaselineRequest extends MigrationsAt {
  readonly version: string | null;
  readonly by: string;
}

export interface BaselineResult {
  readonly marked: readonly string[];
}

export interface HistoryEntry {
  readonly at: number;
  readonly version: string;
  readonly file: string;
  readonly did: "up" | "down" | "baseline" | "adopted" | "failed";
  readonly phase: MigrationPhase | null;
  readonly release: number | null;
  readonly by: string;
  readonly tookMs: number | null;
  readonly longestWaitMs: number | null;
  readonly statements: number | null;
  /** What was lost, or why it failed. */
  readonly note: string | null;
}
