import type { TableLoss } from "../core/backup/contents.ts";
import type { BackupProof, BackupRecord } from "../core/backup/record.ts";
import type { Fault } from "../core/fault.ts";
import type { Duration } from "../core/time/time.ts";
import type { Notice } from "./notice.ts";

/** Backups of the app's database: made, proven, kept and restored. */
export interface Backups {
  /**
   * Makes one and proves it. Faults: those of a database that can't be reached; backup-tools-missing, backup-server-newer,
   * backup-not-made, backup-disk-full; backup-broken (it is there, and marked as no good); backup-not-provable (it is there and whole, and
   * was proven less than asked).
   */
  make(request: BackupRequest): Promise<BackupMade>;
  /** The oldest first; those that are whole, or were found broken. */
  list(): Promise<readonly BackupRecord[]>;
  /** Why records of others can't be read, the oldest first. */
  unreadable(): Promise<readonly Fault[]>;
  /** Proves one that is there. Faults as of `make`, and backup-unknown. */
  verify(request: VerifyRequest): Promise<BackupMade>;
  /** What restoring would do; changes nothing. Faults: backup-unknown, restore-refused. */
  outlook(request: RestoreTarget): Promise<RestoreOutlook>;
  /**
   * Restores beside what is there, checks it, and then puts it in its place. Faults: as of `outlook`; backup-broken, restore-failed (what
   * was there still is), restore-not-swapped.
   */
  restore(request: RestoreRequest): Promise<Restored>;
  /** What a person should know before they need one; changes nothing. */
  notices(signal: AbortSignal): Promise<readonly Notice[]>;
  /** Why no backup could be put where they lie, as `make` would say it; null: it could. Leaves nothing there. */
  folderTrouble(): Promise<Fault | null>;
  /** Removes what the policy lets go; answers the ids. */
  prune(): Promise<readonly string[]>;
}

interface Going {
  readonly signal: AbortSignal;
  readonly tell: (progress: BackupProgress) => void;
}

export interface BackupRequest extends Going {
  readonly proof: BackupProof;
  readonly release: number | null;
  readonly by: string;
  /** The version's folder, with the migrations of a drill. null: there is none. */
  readonly directory: string | null;
  /** The folder of the version that serves, whose queries a drill asks; absent: `directory`. */
  readonly servingDirectory?: string;
}

export interface VerifyRequest extends Going {
  /** An id, its beginning, or `newest`. */
  readonly backup: string;
  readonly proof: BackupProof;
  readonly by: string;
  readonly directory: string | null;
  readonly servingDirectory?: string;
  /** A file with a secret key of age. null: what is encrypted is decoded only as far as its own checksum goes. */
  readonly identity: string | null;
}

/** What is told while it goes on. */
export type BackupProgress =
  | { readonly kind: "waiting-for-lock"; readonly what: string }
  | { readonly kind: "began"; readonly part: BackupPart }
  | { readonly kind: "ended"; readonly part: BackupPart; readonly tookMs: Duration }
  | { readonly kind: "note"; readonly what: string };

export type BackupPart = "dump" | "decode" | "restore" | "checks" | "drill" | "upload" | "swap";

export interface BackupMade {
  readonly record: BackupRecord;
  /** Absolute. */
  readonly path: string;
  /** Ids of those that the policy let go. */
  readonly removed: readonly string[];
  /** What a person should know, in sentences: an upload that failed, a restore point that the role may not make. */
  readonly notes: readonly string[];
}

export interface RestoreTarget extends Going {
  readonly backup: string;
  /** A name on the same server (or a path of a file), or a whole address. null: where it was made. */
  readonly into: string | null;
  readonly identity: string | null;
}

/** A backup that `newest` does not mean. */
export interface PassedOver {
  readonly id: string;
  readonly why: Pick<Fault, "code" | "what">;
}

export interface RestoreOutlook {
  readonly record: BackupRecord;
  /** `shop at localhost:5432`. */
  readonly target: string;
  /** `new`: nothing is there. `replace`: what is there is put aside. `fill`: an empty database is filled. */
  readonly way: "new" | "replace" | "fill";
  readonly losses: readonly TableLoss[];
  /** Why what is there can't be read, so that nobody can say what will be lost; absent: it can. */
  readonly unreadable?: string;
  /** Who is connected and will be cut off, in words: `web (3 connections of shop)`. */
  readonly clients: readonly string[];
  /** Under which name what is there is kept; null: nothing is there. */
  readonly keptAs: string | null;
  /** Extensions that the restored database will lack: only a superuser may make them. Absent: none. */
  readonly extensionsLeftOut?: readonly ExtensionLeftOut[];
  /** Newer ones than `newest`, which are no good, and why; absent: there are none. */
  readonly passedOver?: readonly PassedOver[];
}

/** What a role without the right to it can't bring back. */
export interface ExtensionLeftOut {
  readonly name: string;
  /** What a superuser runs in the restored database. */
  readonly statement: string;
}

export interface RestoreRequest extends RestoreTarget {
  readonly by: string;
  /** Leaves out who owns what and who may do what. */
  readonly withoutOwners: boolean;
}

export interface Restored {
  readonly record: BackupRecord;
  readonly target: string;
  readonly keptAs: string | null;
  readonly tables: number;
  readonly rows: number;
  readonly restoreMs: Duration;
  readonly checksMs: Duration;
  /** For how long nobody could be connected. */
  readonly swapMs: Duration;
  /** Extensions that it lacks: only a superuser may make them. Absent: none. */
  readonly extensionsLeftOut?: readonly ExtensionLeftOut[];
  readonly notes: readonly string[];
}
