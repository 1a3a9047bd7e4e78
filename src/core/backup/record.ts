import type { Fault } from "../fault.ts";
import type { ReplayedQueries } from "../migration/replayed.ts";
import type { DatabaseKind } from "../plan/database.ts";
import type { Duration, Instant } from "../time/time.ts";
import type { Contents } from "./contents.ts";

/** How far a backup was shown to be good; each holds what stands before it. */
export const PROOFS = ["decode", "restore", "drill"] as const;

/**
 * `decode`: every byte was read back and decoded. `restore`: it was restored into a scratch database, and holds the rows that the source
 * held when it was made. `drill`: the version's migrations went up, down and up again there.
 */
export type BackupProof = (typeof PROOFS)[number];

/** What is known of a backup: JSON in a file beside it. A backup without one is not whole, and none. */
export interface BackupRecord {
  readonly format: 1;
  /** Sorts by time: `20261122-061503-4f2a`. */
  readonly id: string;
  /** The name of its file, in the same folder. */
  readonly file: string;
  readonly database: {
    readonly kind: DatabaseKind;
    /** `shop at localhost:5432`: no user, no password. */
    readonly place: string;
    /** Of the server, or of the library: `15.18`. */
    readonly engine: string;
  };
  readonly madeAt: Instant;
  readonly by: string;
  /** null: outside of a release. */
  readonly release: number | null;
  /** `pg_dump 15.18`. */
  readonly tool: string;
  readonly bytes: number;
  /** Of the file as it lies there, in hex. */
  readonly sha256: string;
  /** For how many recipients it is encrypted; 0: it is not. */
  readonly recipients: number;
  /** What the database held in the very moment that the backup is of. */
  readonly contents: Contents;
  readonly dumpMs: Duration;
  readonly restorePoint: RestorePoint | null;
  /** null: not proven yet. */
  readonly proof: Proven | null;
  /** Why it is no good; null: nobody has found anything. */
  readonly trouble: Pick<Fault, "code" | "what"> | null;
  /** null: nothing is done with it once it is whole. */
  readonly upload: { readonly isDone: boolean; readonly what: string; readonly tookMs: Duration } | null;
}

/** A mark in the server's log, up to which it can be brought back where that log is kept (point-in-time recovery). */
export interface RestorePoint {
  readonly name: string;
  readonly lsn: string;
  /** Whether the server keeps its log for that. */
  readonly isArchived: boolean;
}

export interface Proven {
  readonly proof: BackupProof;
  readonly at: Instant;
  readonly decodeMs: Duration;
  /** null: it was not restored. */
  readonly restoreMs: Duration | null;
  readonly checksMs: Duration | null;
  /** How many tables and rows were found to be the same in the copy. */
  readonly tables: number;
  readonly rows: number;
  readonly drill: Drilled | null;
}

/** What came of migrating the copy. */
export interface Drilled {
  readonly upMs: Duration;
  readonly downMs: Duration;
  readonly againMs: Duration;
  /** Files that went up. */
  readonly applied: readonly string[];
  readonly reversed: readonly string[];
  /** What could not be taken back, and why. */
  readonly kept: readonly { readonly file: string; readonly why: string }[];
  /** Absent: nobody knew what the version that serves asks. */
  readonly queries?: ReplayedQueries;
}

export function isAtLeast(proof: BackupProof, asked: BackupProof): boolean {
  return PROOFS.indexOf(proof) >= PROOFS.indexOf(asked);
}

/** The backup that a person means by its id, by its beginning, or by `newest`; null: none, or not one alone. */
export function namedBackup(records: readonly BackupRecord[], name: string): BackupRecord | null {
  if (name === "newest") return newestFirst(records).find(({ trouble }) => trouble === null) ?? null;
  const exact = records.find(({ id }) => id === name);
  if (exact !== undefined) return exact;
  const alike = name === "" ? [] : records.filter(({ id }) => id.startsWith(name));
  return alike.length === 1 ? (alike[0] ?? null) : null;
}

export function newestFirst(records: readonly BackupRecord[]): readonly BackupRecord[] {
  return [...records].sort((a, b) => b.madeAt - a.madeAt || (a.id < b.id ? 1 : -1));
}
