import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import { type Duration, SECOND } from "../../../core/time/time.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import { connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";
import { holderWords } from "../../database/postgres/lock.ts";
import type { DatabaseSettings } from "../../database/settings.ts";

/** From the moment in which everybody is cut off until another database has the name. Source: swap.ts, at most 5 s a try. */
const SWAPPED_WITHIN_MS: Duration = 6 * SECOND;
const AGAIN_MS = 250;

/**
 * Does something that is cut off when somebody else puts another database in the place of this one, and says so then. `work` notes whom it
 * waited for. Faults: database-replaced.
 */
export async function unlessReplaced<T>(
  database: DatabaseSettings,
  signal: AbortSignal,
  work: (waitsFor: (holder: LockHolder | null) => void) => Promise<T>,
): Promise<T> {
  const before = await identityOf(database, signal);
  let waitedFor: LockHolder | null = null;
  try {
    return await work((holder) => (waitedFor = holder));
  } catch (error) {
    if (signal.aborted || !isCutOff(error) || !(await isReplaced(database, before, signal))) throw error;
    throw replacedBy(waitedFor, database, error);
  }
}

/** A fault of its own says what happened, but for those of a connection that is gone. */
function isCutOff(error: unknown): boolean {
  return !(error instanceof FaultError) || GONE.has(error.fault.code);
}

const GONE = new Set(["database-lock-lost", "database-unreachable"]);

/** The number that the server gave the database of this name. */
async function identityOf(database: DatabaseSettings, signal: AbortSignal): Promise<string> {
  await using connection = await connectPostgres(database, { application: "tidegate restore", signal });
  const { rows } = await connection.client.query<{ oid: string }>(
    "SELECT oid::text AS oid FROM pg_database WHERE datname = current_database()",
  );
  return rows[0]?.oid ?? "";
}

async function isReplaced(database: DatabaseSettings, before: string, signal: AbortSignal): Promise<boolean> {
  for (const until = performance.now() + SWAPPED_WITHIN_MS; ; await delay(AGAIN_MS, undefined, { signal })) {
    const now = await identityOf(database, signal).catch(() => before);
    if (now !== before) return true;
    if (performance.now() > until) return false;
  }
}

function replacedBy(holder: LockHolder | null, database: DatabaseSettings, error: unknown): FaultError {
  return new FaultError(
    {
      code: "database-replaced",
      what: `${holder === null ? "Somebody else" : holderWords(holder)} has put another database in the place of this one meanwhile. Nothing of this restore is in it.`,
      where: placeOf(filledUrl(database)),
      fix: "look at what is there now; what this one would change then: tidegate restore --dry-run with the same backup",
    },
    { cause: error },
  );
}
