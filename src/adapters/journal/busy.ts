import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FaultError } from "../../core/fault.ts";
import { whyUnwritable } from "../../local/room.ts";

/** `node:sqlite` is synchronous: a wait for a lock blocks the loop, so it is short and repeated from outside. */
export const BUSY_MS = 50;
const BUSY_TRIES = 40;

/** Does the work, again and again for a while where another holds the database. Faults: journal-unavailable. */
export async function patiently<T>(path: string, work: () => T): Promise<T> {
  for (let left = BUSY_TRIES; ; left -= 1) {
    try {
      return work();
    } catch (error) {
      if (error instanceof FaultError) throw error;
      if (!isBusy(error) || left <= 0) throw unavailable(path, error);
    }
    await sleep(5 + Math.random() * 20);
  }
}

/** Whether SQLite says that somebody else has it locked. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === 5;
}

/** SQLite's primary result code; -1: it was not SQLite. */
function resultCode(error: unknown): number {
  const code = (error as { errcode?: number } | null)?.errcode;
  return code === undefined ? -1 : code & 0xff;
}

/** What a person can make of what SQLite says. */
export function unavailable(path: string, error: unknown): FaultError {
  const cause = error instanceof Error ? error.message : String(error);
  const reason = isDamaged(error) ? damagedAt(path) : { code: "journal-unavailable", ...reasonOf(path, error) };
  return new FaultError({ ...reason, where: path, cause }, { cause: error });
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  return [11, 26].includes(resultCode(error));
}

function damagedAt(path: string): { readonly code: string; readonly what: string; readonly fix: string } {
  const [folder, name] = [dirname(path), basename(path)];
  return {
    code: "journal-damaged",
    what: "The journal is damaged: SQLite can't make sense of the file. What serves goes on serving.",
    fix: `put ${name} back from a backup; without one, move ${name}, ${name}-wal and ${name}-shm out of ${folder}: the next release begins a new journal beside what serves`,
  };
}

function reasonOf(path: string, error: unknown): { readonly what: string; readonly fix: string } {
  if (isBusy(error))
    return {
      what: "Another process keeps the journal locked.",
      fix: `see which: fuser -v ${path} ; Tidegate itself never holds it for longer than an instant`,
    };
  const why = whyUnwritable(dirname(path));
  if (why === "full")
    return {
      what: "The journal can't be written: the disk is full.",
      fix: `make room (df -h ${dirname(path)}), then do it again; what runs goes on running`,
    };
  if (why === "closed")
    return {
      what: "The journal can't be written: its folder is read-only, or somebody else's.",
      fix: `give it to the user that releases (ls -ld ${dirname(path)}), or mount it for writing (findmnt -T ${dirname(path)}); what runs goes on running`,
    };
  return {
    what: "The journal can't be read or written.",
    fix: "check that the disk has room and that the folder belongs to you",
  };
}
