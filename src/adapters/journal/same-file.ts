import { statSync } from "node:fs";
import { FaultError } from "../../core/fault.ts";

/**
 * Throws once another file than the one that lies at the path now, or none, lies there: SQLite would go on writing into
 * a file that nobody else can open, and say that all is well. Costs a look at the folder's entry. Faults: journal-gone.
 */
export function sameFileAs(path: string): () => void {
  const opened = identityOf(path);
  return () => {
    if (opened !== null && identityOf(path) === opened) return;
    throw new FaultError({
      code: "journal-gone",
      what: "The journal was deleted, moved away or replaced while it was in use: nobody could read what is written into it now. What serves goes on serving.",
      where: path,
      fix: "put it back, or a backup of it, then: tidegate attach ; without one the next release begins a new journal beside what serves",
    });
  };
}

/** null: nothing lies there. */
function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
