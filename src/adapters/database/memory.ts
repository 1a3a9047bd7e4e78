import type { BackupProof, BackupRecord } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import type { MigrationPhase } from "../../core/plan/database.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Databases } from "../../ports/databases.ts";
import type { Migrations, PendingMigration } from "../../ports/migrations.ts";

/** A database that exists in memory only, for tests. */
export interface MemoryDatabase extends Databases {
  /** The files of the version that migrates. */
  files: readonly MemoryMigration[];
  /** Files and the releases that applied them, in that order. */
  readonly applied: { readonly file: string; readonly release: number | null }[];
  /** How each backup was proven, the oldest first. */
  readonly made: BackupProof[];
  /** Why the next that changes anything fails; null: it does not. */
  fails: string | null;
  /** The file that waits for its locks; null: none. */
  blocks: string | null;
  /** The file that fails in the middle of what it does; null: none. */
  breaksIn: string | null;
  /** The file that fails and is taken back whole; null: none. */
  takesBack: string | null;
}

export interface MemoryMigration {
  readonly file: string;
  readonly phase: MigrationPhase;
  /** Why it can't be taken back; absent: it can. */
  readonly kept?: string;
  /** Tables of which it deletes some rows; absent: none. */
  readonly thinned?: readonly string[];
}

export function createMemoryDatabase({ clock }: { readonly clock: Clock }): MemoryDatabase {
  const mine: MemoryDatabase = {
    files: [],
    applied: [],
    made: [],
    fails: null,
    blocks: null,
    breaksIn: null,
    takesBack: null,
    migrations: async () => migrations,
    backups: async () => ({
      make: async ({ proof, by, release }) => {
        mayFail();
        mine.made.push(proof);
        const record = recordOf(clock.wall(), mine.made.length, by, release);
        return { record, path: `/backups/${record.file}`, removed: [], notes: [] };
      },
      list: async () => [],
      unreadable: async () => [],
      verify: unasked,
      outlook: unasked,
      restore: unasked,
      prune: unasked,
      notices: async () => [],
      folderTrouble: async () => null,
    }),
  };

  const mayFail = (): void => {
    if (mine.fails !== null) throw new FaultError({ code: "database-unreachable", what: mine.fails });
  };

  const isApplied = ({ file }: MemoryMigration): boolean => mine.applied.some((each) => each.file === file);

  const migrations: Migrations = {
    status: async () => ({
      applied: [],
      pending: mine.files.filter((file) => !isApplied(file)).map(pendingOf),
      problems: [],
      lock: null,
    }),
    up: async ({ phases, release, tell, signal, beforeContract }) => {
      mayFail();
      const pending = mine.files.filter((file) => !isApplied(file));
      const due = pending.filter(({ phase }) => phases.includes(phase));
      for (const { file, phase } of due) {
        tell({ kind: "began", file, way: "up" });
        while (mine.blocks === file) {
          tell({ kind: "blocked", file, line: 1, what: "somebody else has a lock" });
          await clock.sleep(100, signal);
        }
        if (phase === "contract") await beforeContract?.(file);
        const failed = {
          code: "migration-failed",
          what: `${file} fails.`,
          again: "tidegate migrate up",
          fix: "mend it, then run it again: tidegate migrate up",
        };
        if (mine.takesBack === file) throw new FaultError({ ...failed, isBeforehand: true });
        mine.applied.push({ file, release });
        if (mine.breaksIn === file) throw new FaultError(failed);
        tell({ kind: "done", file, way: "up", tookMs: 1 });
      }
      return {
        applied: due.map((file) => ({ ...pendingOf(file), tookMs: 1, longestWaitMs: 0 })),
        already: mine.files.length - pending.length,
        pendingLater: pending.filter((file) => !due.includes(file)).map(({ file }) => file),
      };
    },
    down: async ({ of }) => {
      mayFail();
      const own = mine.applied.filter(({ release }) => !("release" in of) || release === of.release);
      const known = (file: string): MemoryMigration | undefined => mine.files.find((each) => each.file === file);
      const whyKept = (file: string): string | undefined => known(file)?.kept;
      const reversed = own.filter(({ file }) => whyKept(file) === undefined).toReversed();
      for (const each of reversed) mine.applied.splice(mine.applied.indexOf(each), 1);
      return {
        reversed: reversed.map(({ file }) => ({ file, tookMs: 1, lost: [], thinned: known(file)?.thinned ?? [] })),
        kept: own.flatMap(({ file }) => {
          const why = whyKept(file);
          return why === undefined ? [] : [{ file, why }];
        }),
      };
    },
    baseline: unasked,
    history: unasked,
    sqlOf: async () => null,
  };
  return mine;
}

/** No engine asks for it. */
async function unasked(): Promise<never> {
  throw new Error("Engines don't ask for this.");
}

function pendingOf({ file, phase, kept }: MemoryMigration): PendingMigration {
  return { version: file, file, phase, reached: null, statements: 1, isReversible: kept === undefined, drops: [] };
}

function recordOf(madeAt: number, number: number, by: string, release: number | null): BackupRecord {
  return {
    format: 1,
    id: `backup-${number}`,
    file: `backup-${number}.dump`,
    database: { kind: "postgres", place: "shop at memory", engine: "15" },
    madeAt,
    by,
    release,
    tool: "memory",
    bytes: 1_000,
    sha256: "0".repeat(64),
    recipients: 0,
    contents: { tables: [], objects: {} },
    dumpMs: 1,
    restorePoint: null,
    proof: null,
    trouble: null,
    upload: null,
  };
}
