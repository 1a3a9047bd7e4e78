import type { Postgres } from "./postgres.ts";
import type { Redis } from "./redis.ts";

/** Ready is who can take an order: both stores answer. */
export async function areStoresThere(postgres: Postgres, redis: Redis): Promise<boolean> {
  try {
    await Promise.all([postgres.query("select 1"), redis.call("PING")]);
    return true;
  } catch {
    return false;
  }
}
