import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";

/**
 * Refuses a pooler that gives a connection another session of the server with each transaction: a lock would be taken in one
 * session and let go in another. Two connections of ours are then in the same session, or one in several.
 * Faults: database-pooled.
 */
export async function refusePooler(one: Client, other: Client): Promise<void> {
  const seen: [number, number][] = [];
  // One after the other: a pool in a row deals its sessions in turn, one on a stack deals the last again.
  for (const [who, client] of [one, one, other, one, other, other].map(
    (each) => [each === one ? 1 : 2, each] as const,
  )) {
    const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    seen.push([who, rows[0]?.pid ?? 0]);
  }
  const of = (who: number): ReadonlySet<number> => new Set(seen.flatMap(([each, pid]) => (each === who ? [pid] : [])));
  const [mine, others] = [of(1), of(2)];
  if (mine.size === 1 && others.size === 1 && mine.isDisjointFrom(others)) return;
  throw new FaultError({
    code: "database-pooled",
    what: "A pooler in transaction mode stands before this database: no lock of migrations and backups holds through it.",
    fix: "give the address of PostgreSQL itself, or a pool with pool_mode = session",
  });
}
