import type { StateFolder } from "../local/state-folder.ts";
import type { Journal } from "../ports/journal.ts";

export async function openJournal(state: StateFolder): Promise<Journal> {
  const { openSqliteJournal } = await import("../adapters/journal/sqlite.ts");
  return openSqliteJournal(state);
}
