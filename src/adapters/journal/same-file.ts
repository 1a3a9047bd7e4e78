import { statSync } from "node:fs";
import { type Fault, FaultError } from "../../core/fault.ts";

/**
 * Throws the fault once another file than the one that lies at the path now, or none, lies there: SQLite would go on
 * writing into a file that nobody else can open, and say that all is well. Costs a look at the folder's entry.
 */
export function sameFileAs(path: string, fault: Fault): () => void {
  const opened = identityOf(path);
  return () => {
    if (opened !== null && identityOf(path) === opened) return;
    throw new FaultError({ ...fault, where: path });
  };
}

/**
 * The journal and what SQLite keeps beside it from the first look on until the last process has closed it: the newest
 * events stand in the one, what is in it in the other. Faults: journal-gone.
 */
export function sameJournalAs(path: string): () => void {
  const journal = sameFileAs(path, GONE);
  const beside = [`${path}-wal`, `${path}-shm`]
    // There are none where the journal is read as it lies.
    .filter((each) => identityOf(each) !== null)
    .map((each) => sameFileAs(each, PART_GONE));
  return () => {
    journal();
    for (const each of beside) each();
  };
}

const GONE: Fault = {
  code: "journal-gone",
  what: "The journal was deleted, moved away or replaced while it was in use: nobody could read what is written into it now. What serves goes on serving.",
  fix: "put it back, or a backup of it, then: tidegate attach ; without one the next release begins a new journal beside what serves",
};

const PART_GONE: Fault = {
  code: "journal-gone",
  what: "A part of the journal was deleted, moved away or replaced while it was in use: nobody else could read what is written into it now. What serves goes on serving.",
  fix: "go on with what the rest of it knows: tidegate attach",
};

/** null: nothing lies there. */
function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
