import type { DeletedRows } from "../core/migration/deleted-rows.ts";
import type { Finding } from "../core/migration/finding.ts";
import type { ReplayedQueries } from "../core/migration/replayed.ts";
import type { Serving } from "../core/migration/serving.ts";
import type { MigrationPhase } from "../core/plan/database.ts";

/** The migrations of a version, and the database in which they are run. Faults of each: see src/adapters/database. */
export interface Migrations {
  /** Only reads; makes no table, and waits for nobody who migrates. */
  status(ask: StatusAsk): Promise<MigrationStatus>;
  /** Applies what is not applied yet, in order. Asked again after any failure, it goes on where it ended. */
  up(request: UpRequest): Promise<UpResult>;
  down(request: DownRequest): Promise<DownResult>;
  /** Writes into the ledger that the files up to `version` (all: null) are applied already, and runs none of them. */
  baseline(request: BaselineRequest): Promise<BaselineResult>;
  /** What is known of some names in the database, and of those who use it; null: nothing can be known of it. Only reads. */
  serving?(ask: ServingAsk): Promise<ServingNow | null>;
  /** What was ever done to the database, the oldest first. */
  history(at: Pick<MigrationsAt, "signal">): Promise<readonly HistoryEntry[]>;
  /** The SQL that would run for a pending migration, by its version; null: nobody can say without running it. */
  sqlOf(at: MigrationsAt, version: string): Promise<string | null>;
}

export interface MigrationsAt {
  /** What the plan's folder is relative to: a version's folder. Absolute. */
  readonly directory: string;
  /** The folder of the version that serves now, whose queries are read there; absent: `directory`. */
  readonly servingDirectory?: string;
  readonly signal: AbortSignal;
}

export interface StatusAsk extends MigrationsAt {
  /** Where the whole database is locked: waits as long as `up` would. Absent: for a few seconds. */
  readonly isPatient?: boolean;
}

export interface ServingAsk extends MigrationsAt {
  readonly names: readonly string[];
}

export interface ServingNow {
  readonly serving: Serving;
  /** Versions of the migrations that the database has. */
  readonly applied: readonly string[];
}

export interface MigrationStatus {
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly PendingMigration[];
  /** Why `up` would refuse now, as people read it: an edited or missing file, one out of order. */
  readonly problems: readonly MigrationProblem[];
  /** Who has the lock now; null: nobody. */
  readonly lock: LockHolder | null;
  /** What a person should know of this role and database before they migrate; absent: nothing. */
  readonly notes?: readonly { readonly what: string; readonly fix: string }[];
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
  /** What its way forward has taken away, in words: going back brings that back without what was in it. Absent: nothing. */
  readonly drops?: readonly string[];
}

export interface PendingMigration {
  readonly version: string;
  readonly file: string;
  readonly phase: MigrationPhase;
  /** How many of its statements are done already; null: it was not begun. */
  readonly reached: number | null;
  /** Of a backfill that is under way, how many rows its batches have changed so far; absent: none. */
  readonly batchRows?: number;
  /** 0: a tool's revision, of whose statements nobody knows. */
  readonly statements: number;
  readonly isReversible: boolean;
  /** What it takes away, in words; empty: nothing. */
  readonly drops: readonly string[];
  /** What the linter finds in its way forward, in this database; absent: nobody has looked. */
  readonly findings?: readonly PlacedFinding[];
  /** Of a tool's revision: why it is of its phase, or that it was begun and cut off. */
  readonly note?: string;
}

export interface PlacedFinding extends Finding {
  /** In the file, from 1. */
  readonly line: number;
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
  /**
   * In a database that held nothing when this release first came to it, all phases run, each file in its turn: nothing
   * serves that could need what they take away.
   */
  readonly wholeIfEmpty?: boolean;
  /** Only so many; absent: all. */
  readonly atMost?: number;
  readonly release: number | null;
  readonly by: string;
  /** Really runs everything, in a transaction that is rolled back. */
  readonly dryRun: boolean;
  /** Applies a file that lies before one that is applied already. */
  readonly outOfOrder?: boolean;
  /** On a copy that nobody needs: what a tool does is not tried beforehand on yet another one. */
  readonly onCopy?: boolean;
  readonly tell: (progress: MigrationProgress) => void;
  /**
   * Asked for each file of the contract phase when it has its locks, before anything that it takes away is gone for good: right
   * before its first commit, of a tool before it is called. What this throws keeps it from that. Absent: nobody wants to know.
   */
  readonly beforeContract?: BeforeContract;
}

export type BeforeContract = (file: string) => Promise<void>;

/** What is told while it goes on. */
export type MigrationProgress =
  | { readonly kind: "waiting-for-lock"; readonly holder: LockHolder | null }
  /** A tool's revisions, on a copy of the schema. */
  | { readonly kind: "trying"; readonly count: number }
  /** Always before the file's first statement: whoever was not told so knows that nothing of it has run. */
  | { readonly kind: "began"; readonly file: string; readonly way: "up" | "down" }
  /** `what`: who is in the way of a statement, in words. `isAgain`: it was told before, and waits still. */
  | {
      readonly kind: "blocked";
      readonly file: string;
      readonly line: number;
      readonly what: string;
      readonly isAgain?: true;
    }
  | { readonly kind: "batch"; readonly file: string; readonly rows: number; readonly sum: number }
  | { readonly kind: "lagging"; readonly file: string; readonly lagMs: number }
  | { readonly kind: "done"; readonly file: string; readonly way: "up" | "down"; readonly tookMs: number };

export interface UpResult {
  readonly applied: readonly RunMigration[];
  /** How many of the files were applied before. */
  readonly already: number;
  /** Files of other phases, which are not applied. */
  readonly pendingLater: readonly string[];
  /** Of a dry run alone: for how long locks that others feel were held, from the first to the end. */
  readonly heldMs?: number;
  /** Of a dry run alone: what the version that serves asks, asked again; absent: nobody knows what that is. */
  readonly queries?: ReplayedQueries;
}

export interface RunMigration {
  readonly file: string;
  readonly version: string;
  readonly phase: MigrationPhase;
  /** 0: a tool's revision, of whose statements nobody knows. */
  readonly statements: number;
  /** null: it was applied with others in one go. */
  readonly tookMs: number | null;
  readonly longestWaitMs: number;
  /** By table, as the server counted them; absent: it counted none, or nobody asked. */
  readonly deleted?: readonly DeletedRows[];
  readonly findings?: readonly PlacedFinding[];
  /** Of a dry run alone: what each statement did. */
  readonly tried?: readonly TriedStatement[];
  /** Of a dry run of a tool's revision: what it did on a copy of the schema, in words. */
  readonly changes?: readonly string[];
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
  /** Absent: it was. */
  readonly isTried?: false;
}

export interface DownRequest extends MigrationsAt {
  /** Those of a release, as far as that is provably safe; or the newest so many, which a person asks for. */
  readonly of: { readonly release: number } | { readonly steps: number };
  readonly by: string;
  /** A person knows what will be lost, and wants it so. */
  readonly acceptLoss: boolean;
  /** On a copy that nobody needs: what a tool does is not tried beforehand on yet another one. */
  readonly onCopy?: boolean;
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
  /** What its way forward had taken away, and has come back without what was in it; absent: nothing. */
  readonly empty?: readonly string[];
  /** Of SQLite: tables of which its way forward says that it deletes some rows, which do not come back; absent: none. */
  readonly thinned?: readonly string[];
  /** Of a dry run alone. */
  readonly tried?: readonly TriedStatement[];
  /** Of a dry run of a tool's revision. */
  readonly changes?: readonly string[];
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
  /** `created`: the database held nothing when a release first came to it. */
  readonly did: "up" | "down" | "baseline" | "adopted" | "created" | "failed";
  readonly phase: MigrationPhase | null;
  readonly release: number | null;
  readonly by: string;
  readonly tookMs: number | null;
  readonly longestWaitMs: number | null;
  readonly statements: number | null;
  /** What was lost, or why it failed. */
  readonly note: string | null;
}
