import { type DatabaseLock, lockDatabase, lockSessionWords } from "./database-lock.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import type { Going } from "../kind.ts";

/** A long backfill is worth waiting for; what takes longer is told, and tried again by a person. */
const AT_MOST_MS = 600_000;

/** Nobody migrates while a dump runs, and no dump begins while somebody migrates. Faults: database-locked. */
export async function lockForBackup(database: DatabaseSettings, { signal, tell }: Going): Promise<DatabaseLock> {
  return await lockDatabase(database, {
    application: "tidegate backup",
    signal,
    atMostMs: AT_MOST_MS,
    waiting: (holder) =>
      tell({ kind: "waiting-for-lock", what: `Waits for ${lockSessionWords(holder)} to be done with the database.` }),
  });
}
