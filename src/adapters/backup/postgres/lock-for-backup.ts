import { FaultError } from "../../../core/fault.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import { connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";
import { holderWords, takeLock, takeWorkLock } from "../../database/postgres/lock.ts";
import { refusePooler } from "../../database/postgres/pooler.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import type { Going } from "../kind.ts";

/** A long backfill is worth waiting for; what takes longer is told, and tried again by a person. */
const AT_MOST_MS = 600_000;

export interface HeldLock extends AsyncDisposable {
  /** Faults: database-lock-lost. */
  requireLock(): void;
}

/**
 * Nobody migrates while a dump runs, and no dump begins while somebody migrates, nor while the server still does what a killed migration
 * asked for: an ALTER would wait for the dump, and everybody's reads behind it. `application`: what others who wait are told;
 * `waitsFor`: whom this one waits for. Faults: migration-locked, database-pooled.
 */
export async function lockForBackup(
  database: DatabaseSettings,
  { signal, tell }: Going,
  {
    application = "tidegate backup",
    waitsFor = () => undefined,
  }: { readonly application?: string; readonly waitsFor?: (holder: LockHolder | null) => void } = {},
): Promise<HeldLock> {
  const connection = await connectPostgres(database, { application, signal });
  const onWait = (holder: LockHolder | null): void => {
    waitsFor(holder);
    tell({
      kind: "waiting-for-lock",
      what: `Waits for ${holder === null ? "somebody" : holderWords(holder)} to be done with the database.`,
    });
  };
  try {
    // A lock in a session that the next transaction does not have would hold nobody off, and a snapshot would be nobody's.
    await using other = await connectPostgres(database, { application, signal });
    await refusePooler(connection.client, other.client);
    await takeLock(connection.client, { waitMs: AT_MOST_MS, signal, onWait });
    await takeWorkLock(connection.client, { waitMs: AT_MOST_MS, signal, onWait });
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  return {
    requireLock: () => {
      if (connection.isLost()) throw lost(database);
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

function lost(database: DatabaseSettings): FaultError {
  return new FaultError({
    code: "database-lock-lost",
    what: "The connection that held the lock on the database broke: somebody may have migrated it meanwhile.",
    where: placeOf(filledUrl(database)),
    fix: "try again",
  });
}
