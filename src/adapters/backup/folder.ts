import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { open, rename, rm, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BackupRecord } from "../../core/backup/record.ts";
import { type Fault, FaultError } from "../../core/fault.ts";
import { writeFileAtomically } from "../../local/atomic-file.ts";
import { makeFolder, whyNothingCanBeMadeIn } from "../../local/make-folder.ts";
import { identify } from "../../local/process-identity.ts";

/** Where backups lie: each a file, and a record of the same name as JSON, which comes last. */
export interface BackupFolder {
  readonly path: string;
  file(name: string): string;
  /** Those that can be read. */
  records(): readonly BackupRecord[];
  unreadable(): readonly Unreadable[];
  /** The name for a file that is being written. Nobody takes it for a backup. */
  partial(id: string): string;
  /** Gives a file that was written whole its own name. */
  finish(partial: string, name: string): Promise<void>;
  /** Removes what was begun under such a name. */
  discard(partial: string): Promise<void>;
  note(record: BackupRecord): Promise<void>;
  remove(record: BackupRecord): Promise<void>;
  /** Removes what killed processes left half written. */
  sweep(): Promise<void>;
}

/** A backup of which nobody knows what it is: its record can't be read. */
export interface Unreadable {
  readonly id: string;
  readonly fault: Fault;
}

const RECORD = /^\d{8}-\d{6}-[0-9a-f]{4}\.json$/;
const PARTIAL = /^\.\d{8}-\d{6}-[0-9a-f]{4}\.(\d+)-(\d+)\.part(?:-\w+)?$/;

/** Makes nothing yet. */
export function backupFolder(path: string): BackupFolder {
  const file = (name: string): string => join(path, name);
  const readAll = (): readonly (BackupRecord | Unreadable)[] =>
    existsSync(path)
      ? readdirSync(path)
          .filter((name) => RECORD.test(name))
          .sort()
          .map((name) => readRecord(file(name), name.replace(/\.json$/, "")))
      : [];
  return {
    path,
    file,
    records: () => readAll().flatMap((each) => ("fault" in each ? [] : [each])),
    unreadable: () => readAll().flatMap((each) => ("fault" in each ? [each] : [])),
    partial: (id) => file(`.${id}.${process.pid}-${identify(process.pid)?.startTicks ?? 0}.part`),
    finish: async (partial, name) => {
      await rename(partial, file(name));
      await syncFolder(path);
    },
    discard: (partial) => rm(partial, { force: true }),
    note: (record) => writeFileAtomically(file(`${record.id}.json`), `${JSON.stringify(record, null, 2)}\n`),
    remove: async (record) => {
      // The record first: a file without one is none, but a record without its file would promise what is not there.
      await unlink(file(`${record.id}.json`));
      await rm(file(record.file), { force: true });
    },
    sweep: async () => {
      for (const name of readdirSync(path)) {
        const [, pid, ticks] = PARTIAL.exec(name) ?? [];
        if (pid !== undefined && identify(Number(pid))?.startTicks !== Number(ticks))
          await rm(file(name), { force: true });
      }
    },
  };
}

/** Makes the folder for its owner alone. Faults: backup-folder-not-writable. */
export function createBackupFolder(folder: BackupFolder): void {
  try {
    makeFolder(folder.path, 0o700);
    // It may lie in the user's repository: git should neither show it nor take it in.
    if (!existsSync(folder.file(".gitignore"))) writeFileSync(folder.file(".gitignore"), "*\n");
  } catch (error) {
    throw new FaultError(notWritable(folder.path, error instanceof Error ? error.message : String(error)), {
      cause: error,
    });
  }
}

/** Why nothing can be put there, found out by a folder that is made and taken away again; null: it can. Makes nothing that stays. */
export function folderTrouble({ path }: BackupFolder): Fault | null {
  let nearest = path;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  const why = whyNothingCanBeMadeIn(nearest);
  return why === null ? null : notWritable(path, why);
}

function notWritable(path: string, cause: string): Fault {
  return {
    code: "backup-folder-not-writable",
    what: "The folder of the backups can't be made or written.",
    where: path,
    cause,
    fix: "give it to the user that makes backups, or name another one: database: { backups: { folder: … } }",
  };
}

function readRecord(path: string, id: string): BackupRecord | Unreadable {
  const broken = (cause: string): Unreadable => ({
    id,
    fault: {
      code: "backup-record-unreadable",
      what: "The record of a backup can't be read.",
      where: path,
      cause,
      fix: "move it away, with the backup of the same name, if nobody can mend it",
    },
  });
  try {
    const record = JSON.parse(readFileSync(path, "utf8")) as BackupRecord;
    return record.format === 1 ? record : broken("a later version of Tidegate wrote it");
  } catch (error) {
    return broken(error instanceof Error ? error.message : String(error));
  }
}

/** What is there under the name of a backup's file; null: nothing. */
export function bytesOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
