import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import { connectPostgres } from "../../database/postgres/connect.ts";
import { errorOf } from "../../database/postgres/faults.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import type { Going } from "../kind.ts";
import { identifier } from "./quoting.ts";

export interface Swap {
  /** Another database of the server. */
  readonly door: DatabaseSettings;
  /** The one that was restored. */
  readonly waiting: string;
  /** The name that it gets. */
  readonly name: string;
  /** What has that name gets this one; null: nothing has it. */
  readonly keptAs: string | null;
}

const TRIES = 4;
const IN_USE = "55006";

/**
 * Gives the restored database its name and what had it another one, in one transaction: there is no moment in which the name means
 * nothing, and whatever fails leaves both as they were. Faults: restore-not-swapped.
 */
export async function putInPlace(swap: Swap, { signal }: Going): Promise<void> {
  await using first = await connectPostgres(swap.door, { application: "tidegate restore", signal });
  await using second = await connectPostgres(swap.door, { application: "tidegate restore", signal });
  for (let left = TRIES; ; left -= 1) {
    try {
      await renamed(first.client, second.client, swap);
      return;
    } catch (error) {
      await first.client.query("ROLLBACK").catch(() => undefined);
      signal.throwIfAborted();
      if (errorOf(error).code !== IN_USE || left <= 1) throw notSwapped(error, swap);
    }
  }
}

async function renamed(client: Client, other: Client, { waiting, name, keptAs }: Swap): Promise<void> {
  await client.query("BEGIN");
  if (keptAs !== null) {
    // It holds new connections up, and waits for those that are there to go. Source: PostgreSQL, CountOtherDBBackends, at most 5 s.
    const over = new AbortController();
    const rename = client
      .query(`ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(keptAs)}`)
      .finally(() => over.abort());
    const [renaming] = await Promise.allSettled([rename, cutOff(other, name, over.signal)]);
    if (renaming.status === "rejected") throw renaming.reason;
  }
  await client.query(`ALTER DATABASE ${identifier(waiting)} RENAME TO ${identifier(name)}`);
  await client.query("COMMIT");
}

/** Ends whoever is in it, again and again until the rename is through: somebody may have come in between. */
async function cutOff(client: Client, name: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
    await delay(20, undefined, { signal: over }).catch(() => undefined);
  }
}

function notSwapped(error: unknown, { waiting, name, keptAs }: Swap): FaultError {
  const { code, message } = errorOf(error);
  const renames = [
    ...(keptAs === null ? [] : [`ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(keptAs)}`]),
    `ALTER DATABASE ${identifier(waiting)} RENAME TO ${identifier(name)}`,
  ];
  return new FaultError(
    {
      code: "restore-not-swapped",
      what: `The backup is restored and checked as ${waiting}, and could not be put in the place of ${name}, which is as it was.`,
      cause: message,
      fix: `${code === IN_USE ? "stop who is still connected to it, then" : "as a role that may, connected to another database"}: ${renames.join("; ")}`,
    },
    { cause: error },
  );
}
