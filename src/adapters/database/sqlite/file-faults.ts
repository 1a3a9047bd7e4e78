import { dirname } from "node:path";
import { type Fault, FaultError } from "../../../core/fault.ts";

/** What SQLite says of the file itself, told as a fault; what it says of SQL, and whatever is not its own, stays as it is. */
export function inWords(error: unknown, path: string): unknown {
  if (error instanceof FaultError) return error;
  const words = FAULTS[resultCode(error)];
  if (words === undefined) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return new FaultError({ where: path, cause, ...words(path) }, { cause: error });
}

/** Does the work with what SQLite says of the file in words. Faults: those of this file. */
export async function toldInWords<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw inWords(error, path);
  }
}

/** Whether it says something of the file, and nothing of the SQL that was run. */
export function isOfFile(error: unknown): boolean {
  return FAULTS[resultCode(error)] !== undefined;
}

/** Whether somebody else has the file locked, for a moment or longer. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === 5;
}

/** Whether the file can't be read for what is in it: it is malformed, or no database at all. */
export function isDamaged(error: unknown): boolean {
  return [11, 26].includes(resultCode(error instanceof FaultError ? error.cause : error));
}

/** The same fault for those who only read: who writes is in their way where all of the file is locked. */
export function asReader(error: unknown, code: string = LOCKED.code): unknown {
  if (!(error instanceof FaultError) || error.fault.code !== LOCKED.code) return error;
  const what = "Somebody else has all of this database locked, so that nobody can read it.";
  return new FaultError({ ...error.fault, code, what }, { cause: error });
}

/** Somebody else has had the file locked for longer than anybody waits. */
const LOCKED = {
  code: "migration-blocked",
  what: "Somebody else has been writing to this database all the time, and nothing was done.",
} as const;

/** SQLite's primary result code; -1: it was not SQLite. Source: https://www.sqlite.org/rescode.html */
function resultCode(error: unknown): number {
  const code = (error as { errcode?: number } | null)?.errcode;
  return code === undefined ? -1 : code & 0xff;
}

const ADDRESS = "check the address; it is relative to the plan file's folder";
const BACK = "tidegate restore newest, which keeps what is there now beside it";

const FAULTS: Readonly<Record<number, (path: string) => Omit<Fault, "where" | "cause">>> = {
  5: lockedWords,
  6: lockedWords,
  8: (path) => ({
    code: "database-read-only",
    what: "This database can't be written: the file or its folder is read-only, or somebody else's.",
    fix: `give both to whoever migrates (ls -ld ${path} ${dirname(path)}), or mount them for writing (findmnt -T ${path})`,
  }),
  10: (path) => ({
    code: "database-disk-failed",
    what: "The disk does not give or take what SQLite asks of it for this database.",
    fix: `look at the disk (dmesg; df -h ${dirname(path)}), then run it again`,
  }),
  11: (path) => ({
    code: "database-damaged",
    what: "This database is damaged: SQLite can't make sense of a part of the file.",
    fix: `bring a backup back: ${BACK}; without one, save what can be read: sqlite3 ${path} .recover`,
  }),
  13: (path) => ({
    code: "database-disk-full",
    what: "There is no room left on the disk of this database.",
    fix: `make room (df -h ${dirname(path)}), then run it again`,
  }),
  14: (path) => ({
    code: "database-unreachable",
    what: "SQLite can't open this file, or can't make what belongs beside it.",
    fix: `look whether it is a file, and whose it and its folder are (ls -ld ${path} ${dirname(path)}); ${ADDRESS}`,
  }),
  26: () => ({
    code: "database-unreachable",
    what: "This file is no database of SQLite, or one that is damaged or encrypted.",
    fix: `${ADDRESS}; where it is the right file, bring a backup back: ${BACK}`,
  }),
};

function lockedWords(path: string): Omit<Fault, "where" | "cause"> {
  return { ...LOCKED, fix: `look which process has the file open (lsof ${path}), then run it again` };
}
