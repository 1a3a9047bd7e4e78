import type { Contents } from "../../core/backup/contents.ts";
import type { BackupRecord, RestorePoint } from "../../core/backup/record.ts";
import type { Duration } from "../../core/time/time.ts";
import type { BackupProgress, Restored, RestoreOutlook } from "../../ports/backups.ts";
import type { Notice } from "../../ports/notice.ts";
import type { DatabaseSettings } from "../database/settings.ts";
import type { Identity } from "./age.ts";
import type { RunningProgram } from "./program.ts";
import type { Written } from "./written-file.ts";

/** What a kind of database does for backups; what is the same for all is in backups.ts. */
export interface BackupKind {
  /** Of the files' names. */
  readonly extension: string;
  dump(order: DumpOrder): Promise<Dumped>;
  /** Reads and decodes every byte. Faults: backup-broken. */
  decode(stored: StoredBackup, going: Going): Promise<void>;
  /** Restores into a place of its own, which is gone when the copy is disposed of. Faults: backup-broken, backup-not-provable. */
  copy(stored: StoredBackup, going: Going): Promise<Copy>;
  /** What is in the way of all this; nothing, but whether it answers, where all is well. */
  notices(signal: AbortSignal): Promise<readonly Notice[]>;
  outlook(stored: StoredBackup, into: string | null, going: Going): Promise<Omit<RestoreOutlook, "record">>;
  restore(
    stored: StoredBackup,
    order: { readonly into: string | null; readonly by: string; readonly withoutOwners: boolean },
    going: Going,
  ): Promise<Omit<Restored, "record">>;
}

export interface Going {
  readonly signal: AbortSignal;
  readonly tell: (progress: BackupProgress) => void;
}

export interface DumpOrder extends Going {
  readonly id: string;
  /** A file that does not exist yet. */
  readonly path: string;
  /** age, where it is encrypted. */
  readonly through: (() => Promise<RunningProgram>) | null;
}

export interface Dumped {
  readonly written: Written;
  readonly contents: Contents;
  readonly place: string;
  readonly engine: string;
  readonly tool: string;
  readonly restorePoint: RestorePoint | null;
  readonly dumpMs: Duration;
  readonly notes: readonly string[];
}

export interface StoredBackup {
  readonly record: BackupRecord;
  readonly path: string;
  /** Who can decrypt it; null: it is not encrypted. */
  readonly identity: Identity | null;
}

/** A restored database that nobody else uses. */
export interface Copy extends AsyncDisposable {
  contents(): Promise<Contents>;
  /** By which others get in, for its migrations; null: nobody can. */
  readonly settings: DatabaseSettings | null;
}
